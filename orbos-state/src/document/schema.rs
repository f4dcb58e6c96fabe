//! JSON Schema 2020-12 of a kind.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::Kind;

/// The schema of a whole file of this kind, `kind` and `version` included; for editors and for tests.
///
/// Mappings are closed: a field that is not named is not allowed.
pub fn schema<K: Kind>() -> Value {
    let mut root = closed_schema::<K>();
    let Some(object) = root.as_object_mut() else { return root };
    object.insert("title".to_owned(), json!(K::KIND));
    let mut properties = Map::new();
    properties.insert("kind".to_owned(), json!({ "const": K::KIND }));
    properties.insert(K::VERSION_KEY.to_owned(), json!({ "const": K::VERSION }));
    if let Some(Value::Object(fields)) = object.remove("properties") {
        properties.extend(fields.into_iter().filter(|(name, _)| !is_envelope(name)));
    }
    let mut required = vec![json!("kind"), json!(K::VERSION_KEY)];
    if let Some(Value::Array(names)) = object.remove("required") {
        required.extend(names.into_iter().filter(|it| !it.as_str().is_some_and(is_envelope)));
    }
    object.insert("properties".to_owned(), Value::Object(properties));
    object.insert("required".to_owned(), Value::Array(required));
    root
}

/// The schema of a type, with its mappings closed.
pub(super) fn closed_schema<T: JsonSchema>() -> Value {
    let mut root = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    close(&mut root);
    root
}

/// Whether a key belongs to the document itself, not to its body.
pub(super) fn is_envelope(key: &str) -> bool {
    matches!(key, "kind" | "version" | "apiVersion")
}

/// Forbids what is not named, wherever something is named and nothing is said about the rest.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                if !matches!(key.as_str(), "const" | "enum" | "default" | "examples") {
                    close(value);
                }
            }
            if fields.get("properties").is_some_and(Value::is_object) && !says_more(fields) {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        _ => {}
    }
}

fn says_more(fields: &Map<String, Value>) -> bool {
    ["additionalProperties", "unevaluatedProperties", "allOf", "oneOf", "anyOf", "$ref"]
        .iter()
        .any(|it| fields.contains_key(*it))
}
