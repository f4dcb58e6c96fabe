//! What is ours on a cluster: the convention of ApplySet, which other tools understand too.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{GroupKind, ObjectRef};

pub(crate) const PART_OF: &str = "applyset.kubernetes.io/part-of";
const ID: &str = "applyset.kubernetes.io/id";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

/// Who applies objects: the name under which the API server keeps its fields, and the ConfigMap that is the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The field manager, like `boom`; also the name of the inventory.
    pub manager: String,
    /// The namespace of the inventory, and of objects that state none.
    pub namespace: String,
    /// The program and its version, like `boom/0.1.0`; other programs keep their hands off.
    pub tooling: String,
}

impl Owner {
    /// BOOM, with its inventory in a namespace.
    pub fn boom(namespace: impl Into<String>) -> Self {
        let tooling = concat!("boom/", env!("CARGO_PKG_VERSION")).to_owned();
        Self { manager: "boom".to_owned(), namespace: namespace.into(), tooling }
    }

    /// The ConfigMap that is the inventory (the parent, as ApplySet calls it).
    pub fn inventory(&self) -> ObjectRef {
        ObjectRef::new(&GroupKind::new("", "ConfigMap"), Some(&self.namespace), &self.manager)
    }

    /// What the label `applyset.kubernetes.io/part-of` of every object says.
    pub fn id(&self) -> String {
        let text = format!("{}.{}.ConfigMap.", self.manager, self.namespace);
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(text)))
    }

    /// The inventory as an object.
    pub(crate) fn parent(&self, inventory: &Inventory) -> Value {
        let Inventory { kinds, namespaces, tooling } = inventory;
        let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join(",");
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": self.manager, "namespace": self.namespace,
                "labels": { ID: self.id() },
                "annotations": {
                    TOOLING: tooling,
                    KINDS: list(&mut kinds.iter().map(ToString::to_string)),
                    NAMESPACES: list(&mut namespaces.iter().filter(|it| **it != self.namespace).cloned()),
                },
            },
        })
    }
}

/// Which kinds and namespaces have objects of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The kinds.
    pub kinds: BTreeSet<GroupKind>,
    /// The namespaces.
    pub namespaces: BTreeSet<String>,
    /// The program that wrote it, with its version.
    pub tooling: String,
}

impl Inventory {
    /// Reads what [`Owner::parent`] writes.
    ///
    /// # Errors
    ///
    /// Why the object cannot be our inventory, in words.
    pub(crate) fn read(parent: &Value, owner: &Owner) -> Result<Self, String> {
        let metadata = &parent["metadata"];
        let text = |key: &str| metadata["annotations"][key].as_str().unwrap_or_default();
        let tooling = text(TOOLING).to_owned();
        let program = |it: &str| it.split('/').next().unwrap_or_default().to_owned();
        if metadata["labels"][ID] != owner.id().as_str() {
            return Err(format!("{} is there, but is no inventory of {}", owner.inventory(), owner.manager));
        }
        if program(&tooling) != program(&owner.tooling) {
            return Err(format!("{} belongs to {tooling}", owner.inventory()));
        }
        let list = |key: &str| text(key).split(',').filter(|it| !it.is_empty()).map(str::to_owned);
        let kinds = list(KINDS).map(|it| GroupKind::parse(&it)).collect();
        // The inventory's own namespace is part of it without being named.
        let namespaces = list(NAMESPACES).chain([owner.namespace.clone()]).collect();
        Ok(Self { kinds, namespaces, tooling })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_that_of_the_convention() {
        // python: base64.urlsafe_b64encode(sha256(b"boom.caos-system.ConfigMap.").digest()).rstrip(b"=")
        assert_eq!(
            Owner::boom("caos-system").id(),
            "applyset-ej6RqJUuim6RN6gRN1HazvvWKAKnZeOAYp9GBdatjm0-v1"
        );
    }

    #[test]
    fn an_inventory_is_read_as_it_was_written() {
        let owner = Owner::boom("caos-system");
        let inventory = Inventory {
            kinds: [GroupKind::new("apps", "Deployment"), GroupKind::new("", "Service")].into(),
            namespaces: ["caos-system".to_owned(), "monitoring".to_owned()].into(),
            tooling: owner.tooling.clone(),
        };
        let parent = owner.parent(&inventory);
        assert_eq!(parent["metadata"]["annotations"][KINDS], "Service,Deployment.apps");
        assert_eq!(parent["metadata"]["annotations"][NAMESPACES], "monitoring");
        assert_eq!(Inventory::read(&parent, &owner).unwrap(), inventory);
    }

    #[test]
    fn another_programs_inventory_is_not_ours() {
        let (owner, mut parent) = (Owner::boom("a"), Owner::boom("a").parent(&Inventory::default()));
        parent["metadata"]["annotations"][TOOLING] = "kubectl/v1.30".into();
        assert_eq!(
            Inventory::read(&parent, &owner).unwrap_err(),
            "ConfigMap a/boom belongs to kubectl/v1.30"
        );
        let why = Inventory::read(&json!({"metadata": {}}), &owner).unwrap_err();
        assert_eq!(why, "ConfigMap a/boom is there, but is no inventory of boom");
    }
}
