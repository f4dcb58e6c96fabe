//! Who owns which field of an object, as `metadata.managedFields` says it.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Somebody who owns fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manager<'a> {
    pub(crate) name: &'a str,
    /// By server-side apply: it says what it wants, again and again. Otherwise it wrote once.
    pub(crate) applies: bool,
}

/// What everybody owns of an object.
#[derive(Debug)]
pub(crate) struct Owners<'a>(Vec<(Manager<'a>, Cow<'a, Value>)>);

/// What somebody owns at one place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Share<'a> {
    /// The whole of what is there: a plain value, or a list or mapping that is one to the API server.
    Whole,
    /// Some of what is inside.
    Inside(&'a Map<String, Value>),
}

/// What everybody owns at one place of an object; who owns nothing there is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares<'a>(Vec<(Manager<'a>, Share<'a>)>);

/// How the API server sees a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// As one value.
    Atomic,
    /// As items by the values of these fields.
    Keyed(Vec<String>),
    /// As plain values without an order.
    Set,
}

/// Keeps who owns what as text: of an object that is kept for long it would be most of what it takes.
pub(crate) fn pack(object: &mut Value) {
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for fields in entries.into_iter().flatten().filter_map(|it| it.get_mut("fieldsV1")) {
        if fields.is_object() {
            *fields = fields.to_string().into();
        }
    }
}

impl<'a> Owners<'a> {
    /// The owners of an object, whether it is [packed](pack) or not; none if it does not say.
    pub(crate) fn of(object: &'a Value) -> Self {
        let entries = object["metadata"]["managedFields"].as_array();
        let all = entries.into_iter().flatten().filter_map(|it| {
            let manager = Manager { name: it["manager"].as_str()?, applies: it["operation"] == "Apply" };
            let fields = match it.get("fieldsV1")? {
                Value::String(text) => Cow::Owned(serde_json::from_str(text).ok()?),
                fields => Cow::Borrowed(fields),
            };
            Some((manager, fields))
        });
        Self(all.collect())
    }

    /// What they own of the object as a whole.
    pub(crate) fn shares(&self) -> Shares<'_> {
        Shares(self.0.iter().filter_map(|(manager, fields)| Some((*manager, share(fields)?))).collect())
    }
}

impl<'a> Shares<'a> {
    /// What everybody owns one step further in: `f:name`, `k:{…}` or `v:…`.
    pub(crate) fn step(&self, step: &str) -> Self {
        let inside = |(manager, it): &(Manager<'a>, Share<'a>)| match it {
            Share::Whole => None,
            Share::Inside(fields) => Some((*manager, share(fields.get(step)?)?)),
        };
        Self(self.0.iter().filter_map(inside).collect())
    }

    /// The item of a list by its key fields, as somebody wrote it down; a field that the item does not state may have any value.
    pub(crate) fn item(&self, keys: &[String], item: &Value) -> Self {
        let name = self.names().find(|name| {
            let Some(Ok(Value::Object(key))) = name.strip_prefix("k:").map(serde_json::from_str) else {
                return false;
            };
            keys.iter().all(|field| item.get(field).is_none_or(|it| key.get(field) == Some(it)))
        });
        name.map(|it| self.step(it)).unwrap_or_default()
    }

    /// Whether somebody owns what is here as a whole.
    pub(crate) fn atomic(&self) -> bool {
        self.0.iter().any(|(_, it)| matches!(it, Share::Whole))
    }

    /// How the API server sees the list that is here.
    pub(crate) fn list(&self) -> List {
        let keys = |name: &str| match serde_json::from_str(name.strip_prefix("k:")?) {
            Ok(Value::Object(key)) => Some(key.keys().cloned().collect()),
            _ => None,
        };
        match self.names().find_map(keys) {
            Some(keys) => List::Keyed(keys),
            None if self.names().any(|it| it.starts_with("v:")) => List::Set,
            None => List::Atomic,
        }
    }

    /// Only what one manager owns by server-side apply.
    pub(crate) fn only(&self, manager: &str) -> Self {
        let mine = |it: &&(Manager, Share)| it.0.applies && it.0.name == manager;
        Self(self.0.iter().filter(mine).copied().collect())
    }

    /// Whether a manager owns anything here by server-side apply.
    pub(crate) fn owned_by(&self, manager: &str) -> bool {
        self.0.iter().any(|(it, _)| it.applies && it.name == manager)
    }

    /// Everybody but this manager's applying self.
    pub(crate) fn others(&self, manager: &str) -> impl Iterator<Item = Manager<'a>> {
        self.0.iter().map(|it| it.0).filter(move |it| !(it.applies && it.name == manager))
    }

    /// The steps that are owned below this place.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().flat_map(|(_, it)| match it {
            Share::Whole => None.into_iter().flatten(),
            Share::Inside(fields) => Some(fields.keys().map(String::as_str)).into_iter().flatten(),
        })
    }
}

fn share(fields: &Value) -> Option<Share<'_>> {
    let fields = fields.as_object()?;
    Some(if fields.is_empty() { Share::Whole } else { Share::Inside(fields) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_are_found_by_field_and_by_key() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "boom", "operation": "Apply", "fieldsV1": {"f:spec": {"f:args": {}, "f:ports": {
                "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}}}},
            {"manager": "edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:finalizers": {"v:\"a\"": {}}}}},
        ]}});
        let mut packed = object.clone();
        pack(&mut packed);
        assert!(packed["metadata"]["managedFields"][1]["fieldsV1"].is_string());
        for object in [&object, &packed] {
            found(&Owners::of(object).shares().step("f:spec"));
        }
    }

    fn found(spec: &Shares) {
        assert!(spec.step("f:args").owned_by("boom") && !spec.step("f:replicas").owned_by("boom"));
        assert_eq!(spec.step("f:replicas").others("boom").map(|it| it.name).collect::<Vec<_>>(), ["edit"]);
        let ports = spec.step("f:ports");
        let List::Keyed(keys) = ports.list() else { panic!("{ports:?}") };
        assert!(ports.item(&keys, &json!({"port": 80})).step("f:name").owned_by("boom"));
        assert!(!ports.item(&keys, &json!({"port": 81})).owned_by("boom"));
        assert_eq!((spec.step("f:args").list(), spec.step("f:finalizers").list()), (List::Atomic, List::Set));
    }
}
