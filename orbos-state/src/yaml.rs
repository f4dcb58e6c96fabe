//! YAML in and out; the only module that knows the crates for it.
//!
//! One job each: `granit-parser` reads what humans write, with the place of every key and value;
//! `serde_yaml` writes whole documents; `yaml-edit` changes a human's file in place.

pub mod edit;
mod parse;
mod quote;
mod scalar;

pub(crate) use parse::{MAX_BYTES, parse, too_large};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Error, FieldPath, Result, diagnostic::Mark, path::Segment};

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) yaml: Yaml,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Yaml {
    /// `plain` without quotes: then it may be a number, a boolean or nothing.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) mark: Mark,
    pub(crate) node: Node,
}

impl Node {
    /// Under this key, if this is a mapping and has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.yaml {
            Yaml::Mapping(entries) => entries.iter().find(|it| it.key == key),
            _ => None,
        }
    }

    pub(crate) fn step(&self, segment: &Segment) -> Option<&Self> {
        match (segment, &self.yaml) {
            (Segment::Key(key), _) => self.get(key).map(|it| &it.node),
            (Segment::Index(index), Yaml::Sequence(items)) => items.get(*index),
            (Segment::Index(_), _) => None,
        }
    }

    pub(crate) fn find(&self, path: &FieldPath) -> Option<&Self> {
        path.segments().iter().try_fold(self, |node, segment| node.step(segment))
    }

    /// Where the value at a path stands, or what is nearest above it.
    pub(crate) fn nearest_mark(&self, path: &FieldPath) -> Mark {
        let (mut node, mut mark) = (self, self.mark);
        for segment in path.segments() {
            let Some(next) = node.step(segment) else { break };
            mark = match &next.yaml {
                Yaml::Scalar { text, .. } if !text.is_empty() => next.mark,
                Yaml::Sequence(_) if matches!(segment, Segment::Index(_)) => next.mark,
                _ => node.key_mark(segment).unwrap_or(next.mark),
            };
            node = next;
        }
        mark
    }

    fn key_mark(&self, segment: &Segment) -> Option<Mark> {
        match segment {
            Segment::Key(key) => self.get(key).map(|it| it.mark),
            Segment::Index(_) => None,
        }
    }

    /// Whether nothing is written here.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.yaml, Yaml::Scalar { text, plain: true } if scalar::is_null(text))
    }

    /// The value as YAML 1.2 reads it. Numbers that would not print as they were written, like
    /// `1.20` or `0x10`, stay texts, so that nothing gets lost.
    pub(crate) fn to_value(&self) -> Value {
        match &self.yaml {
            Yaml::Scalar { text, plain: true } => scalar::resolve(text),
            Yaml::Scalar { text, plain: false } => Value::String(text.clone()),
            Yaml::Sequence(items) => items.iter().map(Self::to_value).collect(),
            Yaml::Mapping(entries) => {
                Value::Object(entries.iter().map(|it| (it.key.clone(), it.node.to_value())).collect())
            }
        }
    }

    /// Gives a value that was made from `origin` the places of what it was made from.
    pub(crate) fn from_value(value: &Value, origin: &Origin<'_>, path: &FieldPath) -> Self {
        let was = origin.path(path);
        let mark = origin.node.nearest_mark(&was);
        let yaml = match value {
            Value::Object(fields) => Yaml::Mapping(Self::entries(fields, origin, path)),
            Value::Array(items) => Yaml::Sequence(
                items.iter().enumerate().map(|(i, it)| Self::from_value(it, origin, &path.join(i))).collect(),
            ),
            Value::String(text) => {
                Yaml::Scalar { text: text.clone(), plain: was_plain(text, origin.node.find(&was)) }
            }
            Value::Null => Yaml::Scalar { text: String::new(), plain: true },
            other => Yaml::Scalar { text: other.to_string(), plain: true },
        };
        Self { mark, yaml }
    }

    fn entries(fields: &Map<String, Value>, origin: &Origin<'_>, path: &FieldPath) -> Vec<Entry> {
        let entry = |(key, value): (&String, &Value)| {
            let below = path.join(key.as_str());
            let was = origin.path(&below);
            let key_mark = match was.segments().split_last() {
                Some((last, _)) => was
                    .parent()
                    .and_then(|above| origin.node.find(&above))
                    .and_then(|above| above.key_mark(last)),
                None => None,
            };
            Entry {
                key: key.clone(),
                mark: key_mark.unwrap_or_else(|| origin.node.nearest_mark(&was)),
                node: Self::from_value(value, origin, &below),
            }
        };
        fields.iter().map(entry).collect()
    }

    /// How many steps of a path there are.
    fn depth(&self, path: &FieldPath) -> usize {
        let mut node = self;
        let found = |it: &&Segment| match node.step(it) {
            Some(next) => {
                node = next;
                true
            }
            None => false,
        };
        path.segments().iter().take_while(found).count()
    }
}

/// What a migrated value was made from.
pub(crate) struct Origin<'a> {
    /// As it is written.
    pub(crate) node: &'a Node,
    /// Paths that had other names: old and new.
    pub(crate) renamed: &'a [(FieldPath, FieldPath)],
}

impl Origin<'_> {
    /// Where the value at a path stood, as far as that is known.
    fn path(&self, path: &FieldPath) -> FieldPath {
        let moved = self.renamed.iter().filter(|(_, to)| path.starts_with(to)).map(|(from, to)| {
            let rest = path.segments().iter().skip(to.segments().len()).cloned();
            from.append(&rest.collect())
        });
        // The first of the deepest: a name that is still there wins.
        moved.fold(
            path.clone(),
            |best, it| {
                if self.node.depth(&it) > self.node.depth(&best) { it } else { best }
            },
        )
    }
}

/// Whether a text stood without quotes; if it stood nowhere, whether it may have.
fn was_plain(text: &str, origin: Option<&Node>) -> bool {
    match origin.map(|it| &it.yaml) {
        Some(Yaml::Scalar { text: before, plain }) if before == text => *plain,
        _ => scalar::is_number(text) || as_bool(text).is_some(),
    }
}

pub(crate) use scalar::{as_bool, as_float, as_integer};

/// Writes a whole document; for files that belong to operators.
///
/// # Errors
///
/// [`Failed`](Error::Failed) if the value has no form in YAML, like a mapping as a key.
pub fn render<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    let text = serde_yaml::to_string(value)
        .map_err(|error| Error::failed("writing YAML", "the value has no form in it").because(error))?;
    Ok(quote::quote_ambiguous(text))
}
