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
    yaml::{self, Node, Yaml, edit::FieldEdit},
};

/// Values a type may refuse before the rest has to wait until these are right.
const MAX_TURNS: usize = 100;

/// Mistakes of one document that are shown; nobody reads more.
const MAX_SHOWN: usize = 200;

pub(super) fn read<K: Kind>(document: &Document) -> Result<K, Diagnostics> {
    let spec: K = check(document, &newest::<K>(document)?, &closed_schema::<K>())?;
    let mistakes = spec.check().into_iter().map(|it| document.diagnostic(it));
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
    check(&document, &node, &closed_schema::<T>())
}

fn check<T: DeserializeOwned>(document: &Document, node: &Node, schema: &Value) -> Result<T, Diagnostics> {
    let checked = validate::validate(schema, node, document.mark);
    let validate::Checked { mut value, mut findings, veils } = checked;
    let spec = deserialize::<T>(&mut value, &mut findings, document, node, &veils);
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
    if document.version == K::VERSION {
        return Ok(Vec::new());
    }
    let old = document.body();
    let new = K::migrate(&document.version, old.clone()).map_err(|it| document.diagnostic(it))?;
    let at = |key: &str| document.path.join(key);
    let mut edits = vec![FieldEdit::Set(at(K::VERSION_KEY), Value::from(K::VERSION))];
    difference(&old, &new, &document.path, &mut edits);
    Ok(edits)
}

fn difference(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: &FieldPath,
    edits: &mut Vec<FieldEdit>,
) {
    for (key, value) in new {
        let below = path.join(key.as_str());
        match (old.get(key), value) {
            (Some(before), after) if before == after => {}
            (Some(Value::Object(before)), Value::Object(after))
                if !before.is_empty() && !after.is_empty() =>
            {
                difference(before, after, &below, edits);
            }
            _ => edits.push(FieldEdit::Set(below, value.clone())),
        }
    }
    let gone = old.keys().filter(|it| !new.contains_key(*it));
    edits.extend(gone.map(|key| FieldEdit::Remove(path.join(key.as_str()))));
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
    let node = Node::from_value(&Value::Object(body), &document.node, &FieldPath::root());
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
