//! Definitions of kinds that tools bring.

/// Definitions of kinds that one tool brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrdBundle {
    /// Its name; also of its file in the repository.
    pub name: &'static str,
    /// The version of the tool.
    pub version: &'static str,
    /// Where the file is published.
    pub url: &'static str,
    /// The file's SHA-256 as hex; `None`: it is not known, and the file has to be vendored by a human.
    pub sha256: Option<&'static str>,
    /// The kinds that are used.
    pub kinds: &'static [DefinedKind],
}

/// A kind that is no part of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefinedKind {
    /// Its API group.
    pub group: &'static str,
    /// Its name.
    pub kind: &'static str,
    /// Its name in addresses.
    pub plural: &'static str,
    /// The version that is used.
    pub version: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}
