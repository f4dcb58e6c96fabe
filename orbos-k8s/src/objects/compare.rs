//! Whether an object is as it should be, decided from what was read.
//!
//! Three things tell, and none needs a write: the fingerprint of what was applied last, who owns which field, and the values
//! themselves. Fields that others added are none of our business.

mod walk;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    FieldChange, Options, change::SECRET, inventory::PART_OF, ownership::Owners, resolve::FINGERPRINT,
};
use crate::objects::resolve::Resolved;
use walk::{Found, Step, Walk};

/// A field that somebody else keeps at another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) field: FieldChange,
    /// Where it is in the object as it should be.
    steps: Vec<Step>,
}

/// What differs between an object as it is and as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// What we may change.
    pub(crate) fields: Vec<FieldChange>,
    /// What we may not.
    pub(crate) conflicts: Vec<Conflict>,
    /// Something else was applied last.
    pub(crate) stale: bool,
    /// The fingerprint as it should be stored.
    mark: String,
}

impl Comparison {
    pub(crate) fn is_same(&self) -> bool {
        self.fields.is_empty() && !self.stale
    }

    /// Whether somebody else wrote one of the fields, so that the API server has to be told that it is ours.
    pub(crate) fn takes(&self) -> bool {
        self.fields.iter().any(|it| it.by.is_some())
    }

    /// The object to apply: without what others keep.
    pub(crate) fn body(&self, wanted: &Resolved) -> Value {
        let mut value = marked(wanted.value.clone(), &self.mark);
        for conflict in &self.conflicts {
            walk::remove(&mut value, &conflict.steps);
        }
        value
    }
}

/// The object to apply where there is none yet.
pub(crate) fn new_body(wanted: &Resolved) -> Value {
    marked(wanted.value.clone(), &wanted.fingerprint)
}

fn marked(mut value: Value, mark: &str) -> Value {
    if value["metadata"]["annotations"].is_null() {
        value["metadata"]["annotations"] = json!({});
    }
    value["metadata"]["annotations"][FINGERPRINT] = mark.into();
    value
}

/// Compares an object as it is with how it should be.
pub(crate) fn compare(wanted: &Resolved, live: &Value, options: &Options) -> Comparison {
    let mark = live["metadata"]["annotations"][FINGERPRINT].as_str().unwrap_or_default();
    let mut lines = mark.lines();
    let applied = lines.next().unwrap_or_default();
    // What was somebody else's when we applied last is no drift.
    let left: BTreeSet<&str> = lines.collect();
    let ours = live["metadata"]["labels"][PART_OF] == wanted.value["metadata"]["labels"][PART_OF];
    let taken = options.takes(&wanted.object);
    let foreign = |found: &Found| {
        let keeps = |it: &super::ownership::Manager| it.applies || options.respect.contains(it.name);
        let never_ours = !ours || left.contains(found.path.as_str());
        let owner = found.others.iter().find(|it| keeps(it));
        let owner = owner.or_else(|| found.others.first().filter(|_| never_ours));
        owner.filter(|_| !taken).map(|it| it.name.to_owned())
    };

    let manager = options.owner.manager.as_str();
    let owners = Owners::of(live);
    let shares = owners.shares();
    let mut walk = Walk::new(manager);
    walk.object(&wanted.value, live, &shares);
    if applied != wanted.fingerprint {
        walk.given_up(&new_body(wanted), live, &shares);
    }

    let mut comparison = Comparison::default();
    for found in walk.found {
        let owner = foreign(&found);
        let by = match (&owner, found.others.first()) {
            (Some(owner), _) => Some(owner.clone()),
            (None, Some(other)) => Some(other.name.to_owned()),
            (None, None) => None,
        };
        let veil = |it: Option<String>| match secret(wanted, &found.path) {
            true => it.map(|_| SECRET.to_owned()),
            false => it,
        };
        let [live, text] = [veil(found.live), veil(found.wanted)];
        let field = FieldChange { path: found.path.clone(), live, wanted: text, same: found.same, by };
        match (owner, found.same) {
            // Somebody keeps it as we want it.
            (Some(_), true) => {}
            (Some(_), false) => comparison.conflicts.push(Conflict { field, steps: found.steps }),
            (None, true) => comparison.fields.push(FieldChange { by: None, ..field }),
            (None, false) => comparison.fields.push(field),
        }
    }
    let paths = comparison.conflicts.iter().map(|it| it.field.path.as_str());
    comparison.mark = [wanted.fingerprint.as_str()].into_iter().chain(paths).collect::<Vec<_>>().join("\n");
    comparison.stale = comparison.mark != mark;
    comparison
}

/// Whether a value is not to be seen by anybody.
fn secret(wanted: &Resolved, path: &str) -> bool {
    let last_applied = path.contains("kubectl.kubernetes.io/last-applied-configuration");
    last_applied || wanted.object.is_secret() && !path.starts_with("metadata.") && path != "type"
}

#[cfg(test)]
mod tests;
