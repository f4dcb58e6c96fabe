//! Patches of RFC 7386, with lists whose items have keys.

use serde_json::{Map, Value};

/// What says of an item that it goes.
const DIRECTIVE: &str = "$patch";

/// Merges a patch into an object.
pub(super) fn merge(object: &mut Value, patch: &Value) -> Result<(), String> {
    let service = object["kind"] == "Service";
    field(object, patch, &Place { path: "merge".to_owned(), service })
}

/// Where in a patch somebody is.
struct Place {
    path: String,
    /// Whether the object is a Service, whose ports have another key.
    service: bool,
}

impl Place {
    fn below(&self, step: &str) -> Self {
        Self { path: format!("{}.{step}", self.path), service: self.service }
    }

    fn at(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), service: self.service }
    }

    /// By what the items of the list of this name are known here; `None`: the list is one value.
    fn key(&self, list: &str) -> Option<&'static str> {
        match list {
            "containers" | "env" | "imagePullSecrets" | "initContainers" | "volumes" => Some("name"),
            "volumeMounts" => Some("mountPath"),
            "ports" if self.service => Some("port"),
            // Of a container; elsewhere ports are something else.
            "ports" if self.path.ends_with(']') => Some("containerPort"),
            "topologySpreadConstraints" => Some("topologyKey"),
            "hostAliases" => Some("ip"),
            _ => None,
        }
    }
}

fn field(value: &mut Value, patch: &Value, place: &Place) -> Result<(), String> {
    let Value::Object(changes) = patch else {
        *value = patch.clone();
        return Ok(());
    };
    let fields = mapping(value);
    for (name, change) in changes {
        let below = place.below(name);
        match (change, place.key(name)) {
            (Value::Null, _) => {
                fields.shift_remove(name);
            }
            (Value::Array(items), Some(key)) if items.iter().all(Value::is_object) => {
                list(fields.entry(name).or_insert(Value::Null), items, key, &below)?;
            }
            _ => field(fields.entry(name).or_insert(Value::Null), change, &below)?,
        }
    }
    Ok(())
}

/// The value as a mapping; it becomes an empty one if it is none.
fn mapping(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made one above")
}

fn list(value: &mut Value, changes: &[Value], key: &'static str, place: &Place) -> Result<(), String> {
    let mut items = match value.take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    for (index, change) in changes.iter().enumerate() {
        let place = place.at(index);
        if change[key].is_null() {
            return Err(format!("`{}` has no `{key}`, by which items of this list are known", place.path));
        }
        let there = items.iter().position(|it| same(it, change, key));
        match (&change[DIRECTIVE], there) {
            (Value::Null, Some(there)) => field(&mut items[there], change, &place)?,
            (Value::Null, None) => {
                let mut item = Value::Null;
                field(&mut item, change, &place)?;
                items.push(item);
            }
            (directive, Some(there)) if directive == "delete" => {
                items.remove(there);
            }
            (directive, None) if directive == "delete" => {
                return Err(format!("`{}` is not there, so it cannot be deleted", place.path));
            }
            _ => return Err(format!("`{}.{DIRECTIVE}` can be `delete` only", place.path)),
        }
    }
    *value = Value::Array(items);
    Ok(())
}

/// Whether two items are the same one. One port may be there twice, for two protocols.
fn same(item: &Value, change: &Value, key: &str) -> bool {
    let protocol = |it: &Value| it["protocol"].as_str().unwrap_or("TCP").to_owned();
    let port = matches!(key, "containerPort" | "port");
    item[key] == change[key] && (!port || protocol(item) == protocol(change))
}
