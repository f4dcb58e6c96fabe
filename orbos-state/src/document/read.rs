//! From a document to the type of its kind, collecting everything that is wrong on the way.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Document, Kind,
    schema::{closed_schema, is_envelope},
    validate,
};
use crate::{
    Diagnostics, FieldPath, Mistake, Source,
    diagnostic::{Mark, code},
    path::Segment,
    yaml::{self, Node, Origin, Yaml, edit::FieldEdit},
};

/// Values a type may refuse before the rest has to wait until these are right.
const MAX_TURNS: usize = 100;

/// Mistakes of one document that are shown; nobody reads more.
const MAX_SHOWN: usize = 200;

pub(super) fn read<K: Kind>(document: &Document) -> Result<K, Diagnostics> {
    let node = newest::<K>(document)?;
    let spec: K = check(document, &node, &closed_schema::<K>(), &renamed::<K>())?;
    // Rules know today's names, and so does the migrated node, which knows where they stood.
    let mistakes = spec.check().into_iter().map(|it| document.diagnostic_in(&node, it));
    mistakes.collect::<Diagnostics>().into_result().map(|()| spec)
}

/// Reads what has no kind and no version.
pub(crate) fn read_plain<T: DeserializeOwned + JsonSchema>(source: &Source) -> Result<T, Diagnostics> {
    let node = yaml::parse(source)?;
    let document = Document {
        kind: String::new(),
        version: String::new(),
        source: Arc::new(source.clone()),
        node: node.clone(),
        path: FieldPath::root(),
        mark: Mark::START,
    };
    check(&document, &node, &closed_schema::<T>(), &[])
}

fn check<T: DeserializeOwned>(
    document: &Document,
    node: &Node,
    schema: &Value,
    renamed: &[(FieldPath, FieldPath)],
) -> Result<T, Diagnostics> {
    let checked = validate::validate(schema, node, document.mark);
    let validate::Checked { mut value, mut findings, veils } = checked;
    let spec = deserialize::<T>(&mut value, &mut findings, document, node, &veils);
    for finding in findings.iter_mut().filter(|it| it.code == code::UNKNOWN_FIELD) {
        if let Some((_, now)) = renamed.iter().find(|(from, _)| *from == finding.path) {
            finding.hint = Some(format!("it is called `{now}` now"));
        }
    }
    let wrong = shown(findings, &veils, document);
    spec.filter(|_| wrong.is_empty()).ok_or(wrong)
}

fn shown(mut findings: Vec<validate::Finding>, veils: &[validate::Veil], document: &Document) -> Diagnostics {
    findings.sort_by_key(|it| it.mark);
    let more = findings.len().saturating_sub(MAX_SHOWN);
    let last = findings.get(MAX_SHOWN).map(|it| (it.mark, it.path.clone()));
    findings.truncate(MAX_SHOWN);
    findings.extend(last.map(|(mark, path)| {
        validate::Finding::new(
            code::TOO_MANY,
            mark,
            path,
            format!("{more} more mistakes follow from here on"),
        )
    }));
    findings.into_iter().map(|it| it.into_diagnostic(document, veils)).collect()
}

pub(super) fn migration<K: Kind>(document: &Document) -> Result<Vec<FieldEdit>, Diagnostics> {
    check_kind::<K>(document)?;
    let mut edits = envelope::<K>(document);
    if document.version == K::VERSION {
        return Ok(edits);
    }
    let mut old = document.body();
    let new = K::migrate(&document.version, old.clone()).map_err(|it| document.diagnostic(it))?;
    for (from, to) in renamed::<K>() {
        if let Some(key) = rename(&mut old, &new, &from, &to) {
            edits.push(FieldEdit::Rename(document.path.append(&from), key));
        }
    }
    difference(&old, &new, &document.path, &mut edits);
    Ok(edits)
}

/// What makes kind and version those of today.
fn envelope<K: Kind>(document: &Document) -> Vec<FieldEdit> {
    let at = |key: &str| document.path.join(key);
    let written = |key: &str| document.node.get(key).is_some();
    let mut edits = Vec::new();
    // Some wrote `version` where `apiVersion` is meant, or the other way round.
    for other in ["version", "apiVersion"].into_iter().filter(|it| *it != K::VERSION_KEY && written(it)) {
        edits.push(match written(K::VERSION_KEY) {
            true => FieldEdit::Remove(at(other)),
            false => FieldEdit::Rename(at(other), K::VERSION_KEY.to_owned()),
        });
    }
    if document.version != K::VERSION {
        edits.push(FieldEdit::Set(at(K::VERSION_KEY), Value::from(K::VERSION)));
    }
    if document.kind != K::KIND {
        edits.push(FieldEdit::Set(at("kind"), Value::from(K::KIND)));
    }
    edits
}

/// The paths that had other names, old and new; a path that cannot be read is none.
fn renamed<K: Kind>() -> Vec<(FieldPath, FieldPath)> {
    let paths = |(from, to): &(&str, &str)| Some((from.parse().ok()?, to.parse().ok()?));
    K::RENAMED.iter().filter_map(paths).collect()
}

/// Gives a field the name it has after a migration, if that is all that happened to it; returns the name.
fn rename(
    old: &mut Map<String, Value>,
    new: &Map<String, Value>,
    from: &FieldPath,
    to: &FieldPath,
) -> Option<String> {
    let ((Segment::Key(before), above), (Segment::Key(after), beside)) =
        (from.segments().split_last()?, to.segments().split_last()?)
    else {
        return None;
    };
    let migrated = beside.iter().try_fold(new, |fields, segment| match segment {
        Segment::Key(key) => fields.get(key)?.as_object(),
        Segment::Index(_) => None,
    })?;
    let fields = above.iter().try_fold(old, |fields, segment| match segment {
        Segment::Key(key) => fields.get_mut(key)?.as_object_mut(),
        Segment::Index(_) => None,
    })?;
    let moved = above == beside && !fields.contains_key(after) && !migrated.contains_key(before);
    if !moved || !migrated.contains_key(after) {
        return None;
    }
    let value = fields.shift_remove(before)?;
    fields.insert(after.clone(), value);
    Some(after.clone())
}

fn difference(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: &FieldPath,
    edits: &mut Vec<FieldEdit>,
) {
    let gone = || old.iter().filter(|(key, _)| !new.contains_key(*key));
    // Another name for the same value; what stands beside it stays.
    let former = |value: &Value| {
        let mut same = gone().filter(|(_, it)| *it == value);
        same.next().filter(|_| same.next().is_none()).map(|(key, _)| key)
    };
    let mut renamed = Vec::new();
    for (key, value) in new {
        let below = path.join(key.as_str());
        match old.get(key) {
            Some(before) => change(before, value, below, edits),
            None => match former(value).filter(|it| !renamed.contains(it)) {
                Some(name) => {
                    renamed.push(name);
                    edits.push(FieldEdit::Rename(path.join(name.as_str()), key.clone()));
                }
                None => edits.push(FieldEdit::Set(below, value.clone())),
            },
        }
    }
    let gone = gone().filter(|(key, _)| !renamed.contains(key));
    edits.extend(gone.map(|(key, _)| FieldEdit::Remove(path.join(key.as_str()))));
}

fn change(old: &Value, new: &Value, path: FieldPath, edits: &mut Vec<FieldEdit>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(before), Value::Object(after)) if !before.is_empty() && !after.is_empty() => {
            difference(before, after, &path, edits);
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                change(before, after, path.join(index), edits);
            }
        }
        _ => edits.push(FieldEdit::Set(path, new.clone())),
    }
}

fn check_kind<K: Kind>(document: &Document) -> Result<(), Diagnostics> {
    if K::answers_to(&document.kind) {
        return Ok(());
    }
    let message = format!("the kind is `{}`, but has to be `{}` here", document.kind, K::KIND);
    Err(document.diagnostic(Mistake { code: code::KIND, ..Mistake::new("kind", message) }).into())
}

/// The document's values in the newest version of its kind.
fn newest<K: Kind>(document: &Document) -> Result<Node, Diagnostics> {
    check_kind::<K>(document)?;
    if document.version == K::VERSION {
        return Ok(without_envelope(&document.node));
    }
    let body = K::migrate(&document.version, document.body()).map_err(|it| document.diagnostic(it))?;
    let origin = Origin { node: &document.node, renamed: &renamed::<K>() };
    let node = Node::from_value(&Value::Object(body), &origin, &FieldPath::root());
    Ok(without_envelope(&node))
}

fn without_envelope(node: &Node) -> Node {
    let Yaml::Mapping(entries) = &node.yaml else { return node.clone() };
    let entries = entries.iter().filter(|it| !is_envelope(&it.key)).cloned().collect();
    Node { mark: node.mark, yaml: Yaml::Mapping(entries) }
}

/// Takes out what the type refuses and tries again, so that one wrong value does not hide the next.
///
/// Ends because every turn takes something out.
fn deserialize<T: DeserializeOwned>(
    value: &mut Value,
    findings: &mut Vec<validate::Finding>,
    document: &Document,
    node: &Node,
    veils: &[validate::Veil],
) -> Option<T> {
    let mut removed = Vec::new();
    // Every turn reads the whole document again.
    while removed.len() < MAX_TURNS && findings.len() < MAX_TURNS {
        // Not `from_value`: it would have to be cloned for every turn.
        let error = match serde_path_to_error::deserialize::<_, T>(&*value) {
            Ok(it) => return findings.is_empty().then_some(it),
            Err(error) => error,
        };
        let moved = field_path(error.path());
        let path = as_written(&moved, &removed);
        // What lies above a mistake fails because of it, for instance as a missing field.
        if !findings.iter().any(|it| it.path.starts_with(&path)) {
            let mark = if path.is_root() { document.mark } else { node.nearest_mark(&path) };
            let secret = veils.iter().any(|it| it.covers(&path));
            let message =
                if secret { "the value cannot be used".to_owned() } else { error.inner().to_string() };
            findings.push(validate::Finding::new(code::VALUE, mark, path.clone(), message));
        }
        match take_out(value, &moved) {
            Some(gone) => removed.push(as_written(&gone, &removed)),
            None => return None,
        }
    }
    None
}

fn field_path(path: &serde_path_to_error::Path) -> FieldPath {
    path.iter()
        .filter_map(|it| match it {
            serde_path_to_error::Segment::Seq { index } => Some(Segment::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(Segment::Key(key.clone())),
            serde_path_to_error::Segment::Enum { variant } => Some(Segment::Key(variant.clone())),
            serde_path_to_error::Segment::Unknown => None,
        })
        .collect()
}

/// Where something stands in the file, given what was taken out before it, in the order it was.
fn as_written(path: &FieldPath, removed: &[FieldPath]) -> FieldPath {
    path.segments().iter().fold(FieldPath::root(), |above, segment| match segment {
        Segment::Key(_) => above.join(segment.clone()),
        Segment::Index(index) => {
            let mut gone: Vec<usize> = removed.iter().filter_map(|it| item_of(it, &above)).collect();
            gone.sort_unstable();
            let index = gone.iter().fold(*index, |index, gone| index + usize::from(*gone <= index));
            above.join(index)
        }
    })
}

fn item_of(path: &FieldPath, list: &FieldPath) -> Option<usize> {
    match path.segments().split_last()? {
        (Segment::Index(index), above) if above == list.segments() => Some(*index),
        _ => None,
    }
}

/// Removes the value at a path, or what is nearest above it and exists, and says which it was; absent
/// if nothing is left.
fn take_out(value: &mut Value, path: &FieldPath) -> Option<FieldPath> {
    let (last, above) = path.segments().split_last()?;
    let parent = above.iter().try_fold(&mut *value, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key),
        Segment::Index(index) => value.get_mut(*index),
    });
    let removed = match (parent, last) {
        (Some(Value::Object(fields)), Segment::Key(key)) => fields.shift_remove(key).is_some(),
        (Some(Value::Array(items)), Segment::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    };
    if removed { Some(path.clone()) } else { take_out(value, &path.parent()?) }
}
