//! What a cluster is and has: for those who decide what to put there, and for secrets that stand there.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use orbos_secrets::Secret;
use orbos_state::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Cluster, GroupKind, ObjectRef, Owner, cluster::address, inventory::PART_OF, observe::core};

/// What a cluster is and has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The API server's version.
    pub version: ServerVersion,
    /// Every CustomResourceDefinition, by its name, like `flows.logging.banzaicloud.io`.
    pub definitions: BTreeMap<String, Definition>,
}

/// The version of an API server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerVersion {
    /// The first number.
    pub major: u32,
    /// The second number; providers that say `20+` have 20.
    pub minor: u32,
    /// All of it as the server says it, like `v1.20.2`.
    pub text: String,
}

/// A CustomResourceDefinition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The kind that it defines.
    pub kind: GroupKind,
    /// The versions that are served, in its own order.
    pub versions: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Definition {
    /// Whether it is part of what an owner applies; otherwise somebody else brought it.
    pub fn is_of(&self, owner: &Owner) -> bool {
        self.labels.get(PART_OF) == Some(&owner.id())
    }
}

impl Cluster {
    /// What the cluster is and has, with two requests.
    ///
    /// # Errors
    ///
    /// If the API server does not answer, says something else than a version, or does not show its definitions.
    pub async fn facts(&self) -> Result<Facts> {
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let (version, definitions) = futures::join!(self.get_as("/version"), self.get_as(definitions));
        let version: said::Version =
            version.map_err(|it| it.into_error("asking for its version".into(), None))?;
        let definitions: said::Definitions = definitions
            .map_err(|it| it.into_error("looking at CustomResourceDefinition".to_owned(), None))?;
        Ok(Facts { version: version.read()?, definitions: definitions.read() })
    }

    /// What one Secret holds, by its keys; `None`: there is none.
    ///
    /// # Errors
    ///
    /// If the API server does not answer or refuses it, or if what it holds cannot be read; never with what it holds.
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<Option<BTreeMap<String, Secret>>> {
        let object = ObjectRef::new(&GroupKind::new("", "Secret"), Some(namespace), name);
        let held: said::Held = match self.get_as(&address(&object, &core("secrets"))).await {
            Ok(held) => held,
            Err(refused) if refused.code() == 404 => return Ok(None),
            Err(refused) => return Err(refused.into_error(format!("reading {object}"), Some(&object))),
        };
        let read = |(key, text): (String, String)| match STANDARD.decode(text) {
            Ok(bytes) => Ok((key, Secret::new(bytes))),
            Err(_) => Err(Error::invalid(format!("{object}: data.{key}"), "it is no Base64")),
        };
        held.data.unwrap_or_default().into_iter().map(read).collect::<Result<_>>().map(Some)
    }
}

/// What the API server says, as far as it matters: schemas are long and are not kept.
mod said {
    use super::*;

    #[derive(Deserialize)]
    pub(super) struct Version {
        major: String,
        minor: String,
        #[serde(rename = "gitVersion", default)]
        text: String,
    }

    impl Version {
        pub(super) fn read(self) -> Result<ServerVersion> {
            let Self { major, minor, text } = self;
            let number = |it: &str| {
                let digits = it.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
                digits.parse().map_err(|_| {
                    Error::failed(
                        "asking for its version",
                        format!("the API server says {major:?}.{minor:?}"),
                    )
                })
            };
            Ok(ServerVersion { major: number(&major)?, minor: number(&minor)?, text })
        }
    }

    #[derive(Deserialize)]
    pub(super) struct Definitions {
        items: Vec<Item>,
    }

    #[derive(Deserialize)]
    struct Item {
        metadata: Metadata,
        spec: Spec,
    }

    #[derive(Deserialize)]
    struct Metadata {
        name: String,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }

    #[derive(Deserialize)]
    struct Spec {
        group: String,
        names: Names,
        versions: Vec<Served>,
    }

    #[derive(Deserialize)]
    struct Names {
        kind: String,
    }

    #[derive(Deserialize)]
    struct Served {
        name: String,
        served: bool,
    }

    impl Definitions {
        pub(super) fn read(self) -> BTreeMap<String, Definition> {
            let one = |Item { metadata, spec }: Item| {
                let served = spec.versions.into_iter().filter(|it| it.served);
                let definition = Definition {
                    kind: GroupKind::new(spec.group, spec.names.kind),
                    versions: served.map(|it| it.name).collect(),
                    labels: metadata.labels,
                };
                (metadata.name, definition)
            };
            self.items.into_iter().map(one).collect()
        }
    }

    /// A Secret. Nothing prints it.
    #[derive(Deserialize)]
    pub(super) struct Held {
        pub(super) data: Option<BTreeMap<String, String>>,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn version(value: Value) -> Result<ServerVersion> {
        serde_json::from_value::<said::Version>(value).unwrap().read()
    }

    #[test]
    fn versions_of_providers_are_numbers_too() {
        let plain = version(json!({"major": "1", "minor": "20", "gitVersion": "v1.20.2"})).unwrap();
        assert_eq!((plain.major, plain.minor, plain.text.as_str()), (1, 20, "v1.20.2"));
        assert_eq!(version(json!({"major": "1", "minor": "27+"})).unwrap().minor, 27);
        let why = version(json!({"major": "1", "minor": ""})).unwrap_err();
        assert_eq!(why.chain(), "asking for its version: the API server says \"1\".\"\"");
    }

    #[test]
    fn definitions_say_whose_they_are_and_what_is_served() {
        let owner = Owner::boom("caos-system");
        let definition = |name: &str, labels: Value| {
            json!({"metadata": {"name": name, "labels": labels, "uid": "1"}, "spec": {"group": "example.com",
            "names": {"kind": "Flow", "plural": "flows"}, "scope": "Namespaced", "versions": [
            {"name": "v2", "served": true, "schema": {"openAPIV3Schema": {"type": "object"}}},
            {"name": "v1", "served": false}]}})
        };
        let list = json!({"kind": "CustomResourceDefinitionList", "items": [
            definition("ours", json!({PART_OF: owner.id()})), definition("theirs", json!({}))]});
        let all = serde_json::from_value::<said::Definitions>(list).unwrap().read();
        assert!(all["ours"].is_of(&owner) && !all["theirs"].is_of(&owner));
        assert_eq!(all["ours"].versions, ["v2"]);
    }
}
