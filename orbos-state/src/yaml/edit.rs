//! Changes in a human's file that leave everything else as it is: comments, order, quotes, blank
//! lines, anchors.
//!
//! Every changed text is read again and compared with what was intended; if anything else differs,
//! the change is refused and the file stays as it is.

use std::str::FromStr;

use serde_json::{Map, Value};
use yaml_edit::{Document, Mapping, Sequence, YamlNode};

use super::{Node, Yaml, parse, render, scalar};
use crate::{Error, FieldPath, Result, Source, path::Segment};

/// One change of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldEdit {
    /// The field gets this value, whether it was there or not.
    Set(FieldPath, Value),
    /// The field goes away.
    Remove(FieldPath),
    /// The field gets another name and keeps its value, its place and its comments; nothing happens if it is not there.
    Rename(FieldPath, String),
}

/// Gives a field a value. What is missing above it is made; an index one behind the end of a list
/// adds an item.
///
/// ```
/// use orbos_state::edit;
///
/// let text = "# the orb\nspec:\n  nodes: 3   # odd\n";
/// let more = edit::set(text, &"spec.nodes".parse()?, &5.into())?;
/// assert_eq!(more, "# the orb\nspec:\n  nodes: 5   # odd\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Invalid`](Error::Invalid) if the text is no YAML or has no place for the field,
/// [`Unsupported`](Error::Unsupported) if the change would touch something else.
pub fn set(text: &str, path: &FieldPath, value: &Value) -> Result<String> {
    apply(text, &[FieldEdit::Set(path.clone(), value.clone())])
}

/// Gives a field a value, if it has none yet.
///
/// # Errors
///
/// [`Conflict`](Error::Conflict) if it has one, otherwise as for [`set`].
pub fn insert(text: &str, path: &FieldPath, value: &Value) -> Result<String> {
    match read(text)?.find(path) {
        Some(node) if !node.is_null() => Err(Error::conflict(format!("field {path}"))),
        _ => set(text, path, value),
    }
}

/// Takes a field or an item away; nothing happens if it is not there.
///
/// # Errors
///
/// As for [`set`].
pub fn remove(text: &str, path: &FieldPath) -> Result<String> {
    apply(text, &[FieldEdit::Remove(path.clone())])
}

/// Makes several changes, one after the other.
///
/// # Errors
///
/// As for [`set`]; then none of them is made.
pub fn apply(text: &str, edits: &[FieldEdit]) -> Result<String> {
    edits.iter().try_fold(text.to_owned(), |text, edit| apply_one(&text, edit))
}

fn apply_one(text: &str, edit: &FieldEdit) -> Result<String> {
    let (FieldEdit::Set(path, _) | FieldEdit::Remove(path) | FieldEdit::Rename(path, _)) = edit;
    if says_nothing(text) {
        return match edit {
            FieldEdit::Set(path, value) => begin(text, &wrapped(path.segments(), value)?),
            FieldEdit::Remove(_) | FieldEdit::Rename(..) => Ok(text.to_owned()),
        };
    }
    let before = comparable(&read(text)?);
    let mut intended = before.clone();
    match edit {
        FieldEdit::Set(_, value) => put(&mut intended, path, &comparable_value(value))?,
        FieldEdit::Remove(_) => take(&mut intended, path.segments()),
        FieldEdit::Rename(_, name) => rename(&mut intended, path, name)?,
    }
    if intended == before {
        return Ok(text.to_owned());
    }
    let elsewhere = intended_elsewhere(text, edit)?;
    let right = |text: &str| {
        read(text).is_ok_and(|it| comparable(&it) == intended)
            && elsewhere
                .as_ref()
                .is_none_or(|it| serde_yaml::from_str::<Value>(text).is_ok_and(|at| at == *it))
    };
    // Block style first; where it does not fit, as inside braces, the value as JSON.
    let forms: &[Form] = &[Form::Block, Form::Flow];
    let mut refused = None;
    for form in forms {
        match attempt(text, edit, *form) {
            Ok(changed) if right(&changed) => return Ok(changed),
            Ok(_) => {}
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| {
        let why = "the change would touch more than this field, for instance because of anchors; edit the file by hand";
        Error::unsupported(format!("changing field {path}"), why)
    }))
}

/// What another reader should see; absent if it cannot read the file as it is. The two do not agree on
/// every text without quotes, and a file has to be right for both.
fn intended_elsewhere(text: &str, edit: &FieldEdit) -> Result<Option<Value>> {
    let Ok(mut value) = serde_yaml::from_str::<Value>(text) else { return Ok(None) };
    match edit {
        FieldEdit::Set(path, new) => put(&mut value, path, new)?,
        FieldEdit::Remove(path) => take(&mut value, path.segments()),
        FieldEdit::Rename(path, name) => rename(&mut value, path, name)?,
    }
    Ok(Some(value))
}

/// Whether there is nothing but comments.
fn says_nothing(text: &str) -> bool {
    text.lines().map(str::trim).all(|it| it.is_empty() || it.starts_with('#'))
}

/// Puts the first value behind the comments.
fn begin(comments: &str, value: &Value) -> Result<String> {
    let gap = if comments.is_empty() || comments.ends_with('\n') { "" } else { "\n" };
    Ok(format!("{comments}{gap}{}", render(value)?))
}

#[derive(Clone, Copy)]
enum Form {
    Block,
    Flow,
}

fn read(text: &str) -> Result<Node> {
    Ok(parse(&Source::new("edited file", text))?)
}

fn attempt(text: &str, edit: &FieldEdit, form: Form) -> Result<String> {
    let wrong = |error: yaml_edit::YamlError| {
        Error::invalid("the file", "it cannot be edited").because(error.to_string())
    };
    let document = Document::from_str(text).map_err(wrong)?;
    let root = document
        .as_mapping()
        .map(YamlNode::Mapping)
        .or_else(|| document.as_sequence().map(YamlNode::Sequence))
        .ok_or_else(|| Error::invalid("the file", "it is neither a mapping nor a list"))?;
    match edit {
        FieldEdit::Set(path, value) => set_below(&root, path.segments(), path, value, form)?,
        FieldEdit::Remove(path) => remove_below(&root, path.segments(), path)?,
        FieldEdit::Rename(path, name) => rename_below(&root, path.segments(), path, name)?,
    }
    Ok(document.to_string())
}

fn set_below(node: &YamlNode, rest: &[Segment], path: &FieldPath, value: &Value, form: Form) -> Result<()> {
    let Some((first, below)) = rest.split_first() else {
        return Err(Error::unsupported(format!("changing {path}"), "a whole file is replaced, not edited"));
    };
    match (node, first) {
        (YamlNode::Mapping(mapping), Segment::Key(key)) => {
            let known = key_of(mapping, key);
            let inner = known.as_ref().and_then(|it| mapping.get(it)).filter(|it| is_collection(it, below));
            match (inner, known) {
                (Some(inner), _) if !below.is_empty() => set_below(&inner, below, path, value, form)?,
                (_, Some(key)) => with_value(below, value, form, |it| mapping.set(&key, it))?,
                (_, None) => with_value(below, value, form, |it| mapping.set(key.as_str(), it))?,
            }
        }
        (YamlNode::Sequence(sequence), Segment::Index(index)) => {
            let inner = sequence.get(*index).filter(|it| is_collection(it, below));
            match inner {
                Some(inner) if !below.is_empty() => set_below(&inner, below, path, value, form)?,
                _ => with_value(below, value, form, |it| set_item(sequence, *index, it))?,
            }
        }
        (YamlNode::Alias(_), _) => return Err(behind_alias(path)),
        _ => return Err(no_place(path)),
    }
    Ok(())
}

fn set_item(sequence: &Sequence, index: usize, value: &YamlNode) {
    if index < sequence.len() {
        sequence.set(index, value);
    } else {
        sequence.push(value);
    }
}

/// Whether a path goes on inside this value; nothing written can become anything.
fn is_collection(node: &YamlNode, below: &[Segment]) -> bool {
    let null = node.as_scalar().is_some_and(|it| scalar::is_null(&it.to_string()));
    below.is_empty() || !null
}

fn remove_below(node: &YamlNode, rest: &[Segment], path: &FieldPath) -> Result<()> {
    match (node, rest) {
        (YamlNode::Mapping(mapping), [Segment::Key(key)]) => {
            if let Some(key) = key_of(mapping, key) {
                mapping.remove(&key);
            }
            Ok(())
        }
        (YamlNode::Sequence(sequence), [Segment::Index(index)]) => {
            sequence.remove(*index);
            Ok(())
        }
        (YamlNode::Mapping(mapping), [Segment::Key(key), below @ ..]) => {
            let inner = key_of(mapping, key).and_then(|it| mapping.get(&it));
            inner.map_or(Ok(()), |it| remove_below(&it, below, path))
        }
        (YamlNode::Sequence(sequence), [Segment::Index(index), below @ ..]) => {
            sequence.get(*index).map_or(Ok(()), |it| remove_below(&it, below, path))
        }
        (YamlNode::Alias(_), _) => Err(behind_alias(path)),
        _ => Err(no_place(path)),
    }
}

fn rename_below(node: &YamlNode, rest: &[Segment], path: &FieldPath, name: &str) -> Result<()> {
    match (node, rest) {
        (YamlNode::Mapping(mapping), [Segment::Key(key)]) => {
            if let Some(key) = key_of(mapping, key) {
                mapping.rename_key(&key, name);
            }
            Ok(())
        }
        (YamlNode::Mapping(mapping), [Segment::Key(key), below @ ..]) => {
            let inner = key_of(mapping, key).and_then(|it| mapping.get(&it));
            inner.map_or(Ok(()), |it| rename_below(&it, below, path, name))
        }
        (YamlNode::Sequence(sequence), [Segment::Index(index), below @ ..]) => {
            sequence.get(*index).map_or(Ok(()), |it| rename_below(&it, below, path, name))
        }
        (YamlNode::Alias(_), _) => Err(behind_alias(path)),
        _ => Err(no_place(path)),
    }
}

fn behind_alias(path: &FieldPath) -> Error {
    let why = "it stands behind an alias, other places would change too; write it out by hand";
    Error::unsupported(format!("changing field {path}"), why)
}

fn no_place(path: &FieldPath) -> Error {
    Error::invalid(format!("field {path}"), "something else stands where it belongs")
}

/// The key as it is written, like `"1"` or `1`.
fn key_of(mapping: &Mapping, key: &str) -> Option<YamlNode> {
    mapping.keys().find(|it| it.as_scalar().is_some_and(|it| it.as_string() == key))
}

/// Hands over the value inside the mappings that are missing above it.
fn with_value(below: &[Segment], value: &Value, form: Form, put: impl FnOnce(&YamlNode)) -> Result<()> {
    let whole = wrapped(below, value)?;
    let text = match form {
        Form::Block => render(&whole)?,
        Form::Flow => format!("{whole}\n"),
    };
    let document = Document::from_str(&text).map_err(|error| {
        Error::failed("writing YAML", "the value has no form in it").because(error.to_string())
    })?;
    let node = document
        .as_mapping()
        .map(YamlNode::Mapping)
        .or_else(|| document.as_sequence().map(YamlNode::Sequence))
        .or_else(|| document.as_scalar().map(YamlNode::Scalar));
    put(&node.ok_or_else(|| Error::failed("writing YAML", "the value has no form in it"))?);
    Ok(())
}

fn wrapped(segments: &[Segment], value: &Value) -> Result<Value> {
    segments.iter().rev().try_fold(value.clone(), |value, segment| match segment {
        Segment::Key(key) => Ok(Value::Object(Map::from_iter([(key.clone(), value)]))),
        Segment::Index(0) => Ok(Value::Array(vec![value])),
        Segment::Index(index) => Err(Error::invalid(format!("item {index}"), "the list is shorter")),
    })
}

/// A value in which a number differs from the text of a number.
fn comparable(node: &Node) -> Value {
    match &node.yaml {
        Yaml::Scalar { text, plain: true } if scalar::is_number(text) => number(text),
        Yaml::Sequence(items) => items.iter().map(comparable).collect(),
        Yaml::Mapping(entries) => {
            Value::Object(entries.iter().map(|it| (it.key.clone(), comparable(&it.node))).collect())
        }
        Yaml::Scalar { .. } => node.to_value(),
    }
}

fn comparable_value(value: &Value) -> Value {
    match value {
        Value::Number(it) => number(&it.to_string()),
        Value::Array(items) => items.iter().map(comparable_value).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, it)| (key.clone(), comparable_value(it))).collect())
        }
        other => other.clone(),
    }
}

fn number(text: &str) -> Value {
    Value::String(format!("\0{text}"))
}

fn put(root: &mut Value, path: &FieldPath, value: &Value) -> Result<()> {
    let mut at = root;
    for segment in path.segments() {
        at = match (segment, at) {
            (Segment::Key(key), at @ (Value::Object(_) | Value::Null)) => {
                if at.is_null() {
                    *at = Value::Object(Map::new());
                }
                let fields = at.as_object_mut().expect("a null was replaced by a mapping just now");
                fields.entry(key.clone()).or_insert(Value::Null)
            }
            (Segment::Index(index), at @ (Value::Array(_) | Value::Null)) => {
                if at.is_null() {
                    *at = Value::Array(Vec::new());
                }
                let items = at.as_array_mut().expect("a null was replaced by a list just now");
                if *index == items.len() {
                    items.push(Value::Null);
                }
                items.get_mut(*index).ok_or_else(|| no_place(path))?
            }
            _ => return Err(no_place(path)),
        };
    }
    *at = value.clone();
    Ok(())
}

fn take(value: &mut Value, segments: &[Segment]) {
    match (value, segments) {
        (Value::Object(fields), [Segment::Key(key)]) => {
            fields.shift_remove(key);
        }
        (Value::Array(items), [Segment::Index(index)]) if *index < items.len() => {
            items.remove(*index);
        }
        (Value::Object(fields), [Segment::Key(key), rest @ ..]) => {
            if let Some(inner) = fields.get_mut(key) {
                take(inner, rest);
            }
        }
        (Value::Array(items), [Segment::Index(index), rest @ ..]) => {
            if let Some(inner) = items.get_mut(*index) {
                take(inner, rest);
            }
        }
        _ => {}
    }
}

/// Gives a field another name; nothing happens if it is not there.
fn rename(root: &mut Value, path: &FieldPath, name: &str) -> Result<()> {
    let Some((Segment::Key(key), above)) = path.segments().split_last() else { return Err(no_place(path)) };
    let parent = above.iter().try_fold(root, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key),
        Segment::Index(index) => value.get_mut(*index),
    });
    let Some(fields) = parent.and_then(Value::as_object_mut).filter(|it| it.contains_key(key)) else {
        return Ok(());
    };
    if fields.contains_key(name) && name != key {
        return Err(Error::conflict(format!("field {name} beside {path}")));
    }
    if let Some(value) = fields.shift_remove(key) {
        fields.insert(name.to_owned(), value);
    }
    Ok(())
}
