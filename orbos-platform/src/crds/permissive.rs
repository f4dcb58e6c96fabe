//! Definitions without a schema, for where nothing better is at hand.

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use super::DefinedKind;
use crate::Error;

/// A definition that accepts any object of a kind; API servers since 1.20 take it.
///
/// It fills in nothing and finds no mistakes.
///
/// # Errors
///
/// [`Error::NoObject`] if the kind has no name.
pub fn permissive(kind: &DefinedKind) -> Result<Manifest, Error> {
    let DefinedKind { group, kind: name, plural, version, namespaced } = *kind;
    let any = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let mut schema = any.clone();
    schema["properties"] = json!({ "spec": any, "status": any });
    let mut metadata = json!({ "name": kind.definition() });
    if is_protected(group) {
        metadata["annotations"] =
            json!({ "api-approved.kubernetes.io": "unapproved, it stands in for the real one" });
    }
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {
            "group": group,
            "names": {
                "kind": name,
                "listKind": format!("{name}List"),
                "plural": plural,
                "singular": name.to_lowercase(),
            },
            "scope": if namespaced { "Namespaced" } else { "Cluster" },
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": schema },
                "subresources": { "status": Value::Object(serde_json::Map::new()) },
            }],
        },
    });
    Manifest::new(definition).map_err(|why| Error::NoObject { tool: plural.to_owned(), why })
}

/// Whether the API server wants to know who approved of definitions in a group.
fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"].iter().any(|it| group == *it || group.ends_with(&format!(".{it}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_defines_the_kind_with_a_status_and_any_field() {
        let kind = DefinedKind {
            group: "gateway.networking.k8s.io",
            kind: "GatewayClass",
            plural: "gatewayclasses",
            version: "v1",
            namespaced: false,
        };
        let definition = permissive(&kind).expect("it is an object");
        let mut all = orbos_k8s::objects::Manifests::new();
        all.add(definition).expect("it is the only one");
        insta::assert_snapshot!(all.render(orbos_k8s::objects::Secrets::Shown), @r"
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata:
          name: gatewayclasses.gateway.networking.k8s.io
          annotations:
            api-approved.kubernetes.io: unapproved, it stands in for the real one
        spec:
          group: gateway.networking.k8s.io
          names:
            kind: GatewayClass
            listKind: GatewayClassList
            plural: gatewayclasses
            singular: gatewayclass
          scope: Cluster
          versions:
          - name: v1
            schema:
              openAPIV3Schema:
                properties:
                  spec:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                  status:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                type: object
                x-kubernetes-preserve-unknown-fields: true
            served: true
            storage: true
            subresources:
              status: {}
        ");
    }
}
