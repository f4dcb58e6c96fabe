//! Which kind, which object.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind of objects, whatever the version. Prints as ApplySet writes it: `Deployment.apps`, `Service`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group; empty for the core.
    pub group: String,
    /// The kind, like `Deployment`.
    pub kind: String,
}

impl GroupKind {
    /// A kind of a group; the group is empty for the core.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }

    /// The kind that a CustomResourceDefinition defines.
    pub(crate) fn defined_by(definition: &Value) -> Self {
        let text = |pointer: &str| {
            definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Self::new(text("/spec/group"), text("/spec/names/kind"))
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Self {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group, kind)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// One object of a cluster, whatever the version of its kind. Prints as `Deployment monitoring/grafana`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The API group; empty for the core.
    pub group: String,
    /// The kind, like `Deployment`.
    pub kind: String,
    /// The namespace; `None`: it is in none.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// An object by its kind, namespace and name.
    pub fn new(kind: &GroupKind, namespace: Option<&str>, name: impl Into<String>) -> Self {
        let GroupKind { group, kind } = kind.clone();
        Self { group, kind, namespace: namespace.map(str::to_owned), name: name.into() }
    }

    /// A namespace.
    pub fn of_namespace(name: impl Into<String>) -> Self {
        Self::new(&GroupKind::new("", "Namespace"), None, name)
    }

    /// Its kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(&self.group, &self.kind)
    }

    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    pub(crate) fn is_crd(&self) -> bool {
        self.is("apiextensions.k8s.io", "CustomResourceDefinition")
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.is("", "Secret")
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// Group and version of `apps/v1`; the group of `v1` is empty.
pub(crate) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The opposite of [`group_version`].
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_as_other_tools_do() {
        for text in ["Service", "Deployment.apps", "Role.rbac.authorization.k8s.io"] {
            assert_eq!(GroupKind::parse(text).to_string(), text);
        }
    }

    #[test]
    fn the_core_has_no_group() {
        assert_eq!((group_version("v1"), group_version("apps/v1")), (("", "v1"), ("apps", "v1")));
        assert_eq!((api_version("", "v1"), api_version("apps", "v1")), ("v1".into(), "apps/v1".into()));
    }
}
