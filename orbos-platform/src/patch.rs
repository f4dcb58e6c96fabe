//! Changes that a human wants to generated objects, after everything else.

mod json;
mod merge;
mod target;

use orbos_k8s::objects::Manifest;
use serde_json::Value;

use crate::{Error, spec::Patch};

/// Applies patches to objects, one after the other, and each to all objects that it targets; pure.
///
/// `field` is where they stand in the file, like `spec.monitoring.patches`.
///
/// A merge patch (RFC 7386) merges some lists item by item, where the standard replaces them: containers, volumes, pull
/// secrets and environments by `name`, mounts by `mountPath`, ports by their number and protocol, spread constraints by
/// `topologyKey`, host aliases by `ip`. An item that is not there yet is added; one that says `$patch: delete` beside its
/// key goes.
///
/// ```
/// use orbos_k8s::objects::Manifest;
/// use orbos_platform::{patch, spec::Patch};
/// use serde_json::json;
///
/// let page = Manifest::new(json!({
///     "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "page" }, "data": { "text": "Hello" },
/// }))?;
/// let patch: Patch = serde_json::from_value(json!({
///     "target": { "kind": "ConfigMap", "name": "pa*" }, "merge": { "data": { "text": "Goodbye" } },
/// }))?;
/// let patched = patch::apply(&[patch], "spec.page.patches", vec![page])?;
/// assert_eq!(patched[0].value()["data"]["text"], "Goodbye");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Invalid`] with the patch's place, if it targets nothing, has neither or both of `merge` and `json`, cannot be
/// applied, or changes which object it is.
pub fn apply(patches: &[Patch], field: &str, mut objects: Vec<Manifest>) -> Result<Vec<Manifest>, Error> {
    for (index, patch) in patches.iter().enumerate() {
        let invalid = |why| Error::invalid(format!("{field}[{index}]"), why);
        let change = Change::of(patch).map_err(invalid)?;
        for object in target::find(&patch.target, &mut objects).map_err(invalid)? {
            *object = change.applied(object).map_err(|why| invalid(format!("{object}: {why}")))?;
        }
    }
    Ok(objects)
}

/// What a patch does.
enum Change<'a> {
    Merge(&'a Value),
    Json(json::Operations),
}

impl<'a> Change<'a> {
    fn of(patch: &'a Patch) -> Result<Self, String> {
        let Patch { target: _, merge, json } = patch;
        match (merge, json) {
            (Some(merge), None) if merge.is_object() => Ok(Self::Merge(merge)),
            (Some(_), None) => Err("`merge` is no mapping".to_owned()),
            (None, Some(json)) => json::parse(json).map(Self::Json),
            (None, None) => {
                Err("there is neither `merge` nor `json`; one of them says what changes".to_owned())
            }
            (Some(_), Some(_)) => {
                Err("there are both `merge` and `json`; make two patches of them".to_owned())
            }
        }
    }

    fn applied(&self, object: &Manifest) -> Result<Manifest, String> {
        let mut value = object.value().clone();
        match self {
            Self::Merge(patch) => merge::merge(&mut value, patch)?,
            Self::Json(operations) => json::apply(operations, &mut value)?,
        }
        if let Some(field) = renamed(object.value(), &value) {
            return Err(format!("`{field}` would change; a patch cannot make another object of it"));
        }
        let patched = Manifest::new(value)?;
        Ok(match object.origin() {
            Some(origin) => patched.from_origin(origin.clone()),
            None => patched,
        })
    }
}

/// The first field that says which object it is, and differs.
fn renamed(before: &Value, after: &Value) -> Option<&'static str> {
    let fields = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
    let names = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
    let differs = |(pointer, _): &(&str, &str)| before.pointer(pointer) != after.pointer(pointer);
    fields.into_iter().zip(names).find(differs).map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
