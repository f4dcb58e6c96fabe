//! From an object as it was written to the object as it is applied.

use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Apis, Manifest, ObjectRef, Owner, Served, identity::api_version, inventory::PART_OF, manifest::ordered,
};

/// Says of what an object was made when it was applied last; a change inside a list that is compared as a whole shows by it.
pub(crate) const FINGERPRINT: &str = "boom.caos.ch/fingerprint";

/// An object as it is applied.
#[derive(Clone, PartialEq)]
pub(crate) struct Resolved {
    /// Which object it is, with its namespace.
    pub(crate) object: ObjectRef,
    /// How the API server serves it.
    pub(crate) served: Served,
    /// All of its fields, our label among them, without the fingerprint.
    pub(crate) value: Value,
    /// Of these fields.
    pub(crate) fingerprint: String,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolved({}, {})", self.object, self.fingerprint)
    }
}

/// An object that has a place on a cluster. What is applied is made of it when it is needed, since there are many.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    /// Which object it is, with its namespace.
    pub(crate) object: ObjectRef,
    /// How the API server serves it.
    pub(crate) served: Served,
    manifest: Manifest,
}

impl Placed {
    /// Gives an object the version that the cluster has, and its namespace.
    ///
    /// # Errors
    ///
    /// Why it has no place on this cluster, in words.
    pub(crate) fn new(manifest: &Manifest, apis: &Apis, owner: &Owner) -> Result<Self, String> {
        let mut object = manifest.object().clone();
        let served = apis.resolve(&object.group_kind(), manifest.version())?.clone();
        object.namespace = match (served.namespaced, object.namespace) {
            (true, stated) => Some(stated.unwrap_or_else(|| owner.namespace.clone())),
            (false, None) => None,
            (false, Some(stated)) => {
                return Err(format!("it states namespace {stated}, but a {} is in none", object.kind));
            }
        };
        Ok(Self { object, served, manifest: manifest.clone() })
    }

    /// Its fields as they were written.
    pub(crate) fn written(&self) -> &Value {
        self.manifest.value()
    }

    /// With its version and namespace, and the label that makes it ours.
    pub(crate) fn resolved(&self, owner: &Owner) -> Resolved {
        let Self { object, served, manifest } = self;
        let mut value = manifest.value().clone();
        value["apiVersion"] = api_version(&object.group, &served.version).into();
        if let Some(namespace) = &object.namespace {
            value["metadata"]["namespace"] = namespace.as_str().into();
        }
        if value["metadata"]["labels"].is_null() {
            value["metadata"]["labels"] = json!({});
        }
        value["metadata"]["labels"][PART_OF] = owner.id().into();
        let digest = Sha256::digest(ordered(&printed(object, &value)).to_string());
        let fingerprint = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Resolved { object: object.clone(), served: served.clone(), value, fingerprint }
    }
}

/// What the fingerprint is of: it stands where everybody reads it, so what a Secret holds cannot be guessed by it.
fn printed(object: &ObjectRef, value: &Value) -> Value {
    let mut value = value.clone();
    if object.is_secret() {
        for held in value["data"].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            *held = Value::Null;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{super::GroupKind, *};

    fn apis() -> Apis {
        let mut apis = Apis::new();
        for (kind, plural, namespaced) in [("Secret", "secrets", true), ("Node", "nodes", false)] {
            apis.add(
                &GroupKind::new("", kind),
                Served { version: "v1".into(), plural: plural.into(), namespaced },
            );
        }
        apis
    }

    fn of(value: Value) -> Result<Resolved, String> {
        let owner = Owner::boom("here");
        Ok(Placed::new(&Manifest::new(value).unwrap(), &apis(), &owner)?.resolved(&owner))
    }

    #[test]
    fn the_namespace_and_the_label_are_added() {
        let secret = of(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).unwrap();
        assert_eq!(secret.object.to_string(), "Secret here/a");
        assert_eq!(secret.value["metadata"]["labels"][PART_OF], Owner::boom("here").id().as_str());
    }

    #[test]
    fn what_is_in_no_namespace_must_not_state_one() {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a", "namespace": "b"}});
        assert_eq!(of(node).err().unwrap(), "it states namespace b, but a Node is in none");
    }

    #[test]
    fn neither_order_nor_what_a_secret_holds_matters_to_the_fingerprint() {
        let one = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "1", "b": "2"}});
        let same = json!({"data": {"b": "3", "a": "1"}, "metadata": {"name": "a"}, "kind": "Secret", "apiVersion": "v1"});
        let other =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "1"}});
        let [one, same, other] = [one, same, other].map(|it| of(it).unwrap().fingerprint);
        assert!(one == same && one != other);
    }
}
