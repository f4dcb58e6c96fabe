//! Definitions of kinds that tools bring: which are needed, where they come from, and what is done to them.

mod choose;
mod permissive;
mod schema;
mod supplied;
mod supply;

pub use choose::{Choice, Chosen, Installed, Sources, choose, to_fetch};
pub use permissive::permissive;
pub use schema::{fit, strip};
pub use supplied::Supplied;
pub(crate) use supply::supply;
pub use supply::{installed, needed};

use crate::versions::VERSION_SET;

/// The folder of the repository in which a human can put definitions, in one folder for each set of versions.
pub const FOLDER: &str = "caos-internal/boom/crds";

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

impl CrdBundle {
    /// Where its file is in the repository if a human put it there.
    ///
    /// ```
    /// use orbos_platform::{crds::CrdBundle, versions::VERSION_SET};
    ///
    /// let bundle = CrdBundle { name: "emissary", version: "4.1.0", url: "", sha256: None, kinds: &[] };
    /// assert_eq!(bundle.vendored_path(), format!("caos-internal/boom/crds/{VERSION_SET}/emissary.yaml"));
    /// ```
    pub fn vendored_path(&self) -> String {
        format!("{FOLDER}/{VERSION_SET}/{}.yaml", self.name)
    }
}

impl DefinedKind {
    /// The name of its definition, like `hosts.getambassador.io`.
    pub fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}
