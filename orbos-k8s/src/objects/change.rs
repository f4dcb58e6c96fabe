//! One step that changes the objects of a cluster.

use std::fmt;

use orbos_state::{Change, Effect};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ObjectRef;

/// One step that changes the objects of a cluster; it names objects and does not hold them, so that it can be printed and
/// stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ObjectChange {
    /// The object is not there.
    Create {
        /// Which.
        object: ObjectRef,
    },
    /// Some of its fields are not as they should be.
    Patch {
        /// Which.
        object: ObjectRef,
        /// What differs; empty: only inside of what is compared as a whole, or in what is no longer stated.
        fields: Vec<FieldChange>,
    },
    /// It differs in fields that cannot be changed: it is deleted and created again.
    Recreate {
        /// Which.
        object: ObjectRef,
        /// What differs, whether it could be changed or not.
        fields: Vec<FieldChange>,
        /// The paths of those that cannot be changed.
        because: Vec<String>,
    },
    /// It is ours and is not wanted any longer.
    Delete {
        /// Which.
        object: ObjectRef,
    },
    /// The inventory does not say where objects of ours are, or will be.
    Inventory {
        /// The inventory.
        object: ObjectRef,
        /// The kinds that it shall name, as ApplySet writes them.
        kinds: Vec<String>,
        /// The namespaces that it shall name.
        namespaces: Vec<String>,
    },
}

impl ObjectChange {
    /// The object that it changes.
    pub fn object(&self) -> &ObjectRef {
        match self {
            Self::Create { object }
            | Self::Patch { object, .. }
            | Self::Recreate { object, .. }
            | Self::Delete { object }
            | Self::Inventory { object, .. } => object,
        }
    }

    /// The fields that it changes; empty for what comes or goes as a whole.
    pub fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Patch { fields, .. } | Self::Recreate { fields, .. } => fields,
            Self::Create { .. } | Self::Delete { .. } | Self::Inventory { .. } => &[],
        }
    }
}

impl Change for ObjectChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Create { .. } => Effect::Create,
            Self::Patch { .. } | Self::Recreate { .. } | Self::Inventory { .. } => Effect::Update,
            Self::Delete { .. } => Effect::Delete,
        }
    }
}

impl fmt::Display for ObjectChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { object } | Self::Delete { object } => write!(f, "{object}"),
            Self::Patch { object, fields } if fields.is_empty() => {
                write!(f, "{object}: something that is no longer stated, or inside of a list")
            }
            Self::Patch { object, fields } => {
                write!(f, "{object}")?;
                fields.iter().try_for_each(|it| write!(f, "\n    {it}"))
            }
            Self::Recreate { object, fields, because } => {
                write!(f, "{object}: deleted and created again, since {} cannot change", because.join(", "))?;
                fields.iter().try_for_each(|it| write!(f, "\n    {it}"))
            }
            Self::Inventory { object, kinds, namespaces } => {
                let namespaces =
                    if namespaces.is_empty() { "none".to_owned() } else { namespaces.join(", ") };
                write!(f, "{object}: inventory of {}; namespaces {namespaces}", kinds.join(", "))
            }
        }
    }
}

/// One field that is not as it should be. What a Secret holds is `[secret]` here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where it is, like `spec.template.spec.containers[name=web].image`.
    pub path: String,
    /// What is there, as JSON, cut if it is long; `None`: nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub live: Option<String>,
    /// What should be there; `None`: nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wanted: Option<String>,
    /// Whether it has the wanted value already, and only becomes ours. The texts say less, as they are cut.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub same: bool,
    /// Who wrote what is there, if it was somebody else.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = || "nothing".to_owned();
        let Self { path, live, wanted, same, by } = self;
        let [live, wanted] = [live, wanted].map(|it| it.clone().unwrap_or_else(nothing));
        match same {
            true => write!(f, "{path}: {live} becomes ours")?,
            false => write!(f, "{path}: {live} -> {wanted}")?,
        }
        by.iter().try_for_each(|it| write!(f, " (changed by {it})"))
    }
}

/// What stands in place of what a Secret holds.
pub(crate) const SECRET: &str = "[secret]";

/// Characters of a value that are shown.
const SHOWN: usize = 100;

/// A value as a diff shows it.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::GroupKind, *};

    #[test]
    fn changes_print_as_a_diff_and_can_be_stored() {
        let object = ObjectRef::new(&GroupKind::new("apps", "Deployment"), Some("a"), "web");
        let field = |live: Option<&str>, wanted: Option<&str>, by: Option<&str>| FieldChange {
            path: "spec.replicas".into(),
            live: live.map(Into::into),
            wanted: wanted.map(Into::into),
            same: false,
            by: by.map(Into::into),
        };
        let fields = vec![field(Some("3"), Some("2"), Some("kubectl-edit")), field(None, Some("2"), None)];
        let change = ObjectChange::Patch { object, fields };
        let text = "Deployment a/web\n    spec.replicas: 3 -> 2 (changed by kubectl-edit)\n    spec.replicas: nothing -> 2";
        assert_eq!(change.to_string(), text);
        let stored = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<ObjectChange>(&stored).unwrap(), change);
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(shown(&json!("ü".repeat(200))).chars().count(), SHOWN + 1);
    }
}
