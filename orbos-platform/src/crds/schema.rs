//! What is taken out of definitions: what an old API server does not know, and what only humans read.

use orbos_k8s::objects::Manifest;
use serde_json::{Map, Value};

/// The first minor version of Kubernetes that knows rules of the Common Expression Language and takes an empty text as default.
const RULES: u32 = 25;

/// A definition that an API server of this minor version accepts.
///
/// Below 1.25 it has neither `x-kubernetes-validations` nor defaults that are empty texts; what these would have found or
/// filled in is up to the tools then.
pub fn fit(manifest: Manifest, minor: u32) -> Manifest {
    match minor < RULES {
        true => changed(manifest, |schema| {
            schema.shift_remove("x-kubernetes-validations");
            if schema.get("default").is_some_and(|it| it == "") {
                schema.shift_remove("default");
            }
        }),
        false => manifest,
    }
}

/// A definition without descriptions, which are most of its size; it accepts the same objects.
pub fn strip(manifest: Manifest) -> Manifest {
    changed(manifest, |schema| {
        for field in ["description", "example", "externalDocs", "title"] {
            schema.shift_remove(field);
        }
    })
}

/// Changes every schema of a definition; anything else stays as it is.
fn changed(manifest: Manifest, change: impl Fn(&mut Map<String, Value>)) -> Manifest {
    let mut value = manifest.value().clone();
    let versions = value.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for version in versions.into_iter().flatten() {
        if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
            walk(schema, &change);
        }
    }
    let changed = Manifest::new(value);
    match (changed, manifest.origin().cloned()) {
        (Ok(changed), Some(origin)) => changed.from_origin(origin),
        (Ok(changed), None) => changed,
        (Err(_), _) => manifest,
    }
}

/// Goes through schemas only: a property may be named like a keyword, and a default may look like a schema.
fn walk(schema: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    let Some(fields) = schema.as_object_mut() else { return };
    change(fields);
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "definitions", Value::Object(named)) => {
                named.values_mut().for_each(|it| walk(it, change));
            }
            ("items" | "allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                list.iter_mut().for_each(|it| walk(it, change));
            }
            ("items" | "additionalProperties" | "not", inner @ Value::Object(_)) => walk(inner, change),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(schema: Value) -> Manifest {
        Manifest::new(json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": "pages.example.com" },
            "spec": { "versions": [{ "name": "v1", "schema": { "openAPIV3Schema": schema } }] },
        }))
        .expect("it is an object")
    }

    fn schema(manifest: &Manifest) -> &Value {
        manifest.value().pointer("/spec/versions/0/schema/openAPIV3Schema").expect("it has a schema")
    }

    #[test]
    fn an_old_server_gets_neither_rules_nor_empty_defaults() {
        let written = definition(json!({
            "type": "object",
            "x-kubernetes-validations": [{ "rule": "true" }],
            "properties": {
                "default": { "type": "string", "default": "" },
                "items": { "type": "array", "items": { "x-kubernetes-validations": [], "type": "string", "default": "a" } },
                "any": { "additionalProperties": { "anyOf": [{ "default": "" }], "type": "object" } },
            },
        }));
        let expected = json!({
            "type": "object",
            "properties": {
                "default": { "type": "string" },
                "items": { "type": "array", "items": { "type": "string", "default": "a" } },
                "any": { "additionalProperties": { "anyOf": [{}], "type": "object" } },
            },
        });
        assert_eq!(schema(&fit(written.clone(), 24)), &expected);
        assert_eq!(fit(written.clone(), 25), written);
    }

    #[test]
    fn what_is_stripped_is_no_property_and_no_default() {
        let written = definition(json!({
            "description": "a page",
            "properties": {
                "description": { "type": "string", "description": "what it is about" },
                "properties": { "type": "object", "properties": { "title": { "title": "a", "type": "string" } } },
                "more": { "default": { "description": "nothing" }, "type": "object" },
            },
        }));
        let expected = json!({
            "properties": {
                "description": { "type": "string" },
                "properties": { "type": "object", "properties": { "title": { "type": "string" } } },
                "more": { "default": { "description": "nothing" }, "type": "object" },
            },
        });
        assert_eq!(schema(&strip(written)), &expected);
    }

    #[test]
    fn what_is_no_definition_stays_as_it_is() {
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "description": "a" } });
        let object = Manifest::new(object).expect("it is an object");
        assert_eq!(strip(object.clone()), object);
    }
}
