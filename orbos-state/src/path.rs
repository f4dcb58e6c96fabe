//! Where a value stands inside a document.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The value of a mapping under this key.
    Key(String),
    /// The item of a sequence, counted from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Where a value stands inside a document; the empty path is the document itself.
///
/// Printed and parsed as `spec.pools.masters[0].ip`; a key that would be misread stands in quotes:
/// `metadata.annotations["example.com/owner"]`.
///
/// ```
/// let path: orbos_state::FieldPath = "nodes[2].labels[\"a.b/c\"]".parse()?;
/// assert_eq!(path.to_string(), "nodes[2].labels[\"a.b/c\"]");
/// # Ok::<(), orbos_state::InvalidPath>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<Segment>);

/// The text is not a path; it says where it stops being one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the path of a field: {why} at character {position}")]
pub struct InvalidPath {
    text: String,
    why: &'static str,
    position: usize,
}

impl FieldPath {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The same path with one more step.
    #[must_use]
    pub fn join(&self, segment: impl Into<Segment>) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.into());
        Self(segments)
    }

    /// This path, then the other one.
    #[must_use]
    pub fn append(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The path without its last step; absent for the document itself.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// The steps in order.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the document itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the other path is this one or lies above it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl<S: Into<Segment>> FromIterator<S> for FieldPath {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_plain(key) => write!(f, "[{}]", quoted(key))?,
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && !key.chars().any(|it| matches!(it, '.' | '[' | ']' | '"') || it.is_control())
}

fn quoted(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

impl FromStr for FieldPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (segment, after) = next_segment(rest, segments.is_empty()).map_err(|why| InvalidPath {
                text: text.to_owned(),
                why,
                position: text.chars().count() - rest.chars().count() + 1,
            })?;
            segments.push(segment);
            rest = after;
        }
        Ok(Self(segments))
    }
}

fn next_segment(rest: &str, first: bool) -> Result<(Segment, &str), &'static str> {
    if rest.starts_with("[\"") {
        return quoted_segment(rest);
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let (number, after) = inner.split_once(']').ok_or("`]` is missing")?;
        let index = number.parse().map_err(|_| "`[` needs a number or a quoted key")?;
        return Ok((Segment::Index(index), after));
    }
    let key = match rest.strip_prefix('.') {
        Some(_) if first => return Err("a path does not begin with a dot"),
        Some(key) => key,
        None if first => rest,
        None => return Err("a dot is missing"),
    };
    let end = key.find(['.', '[', ']', '"']).unwrap_or(key.len());
    match key.split_at(end) {
        ("", _) => Err("a key is missing"),
        (key, after) => Ok((Segment::Key(key.to_owned()), after)),
    }
}

fn quoted_segment(rest: &str) -> Result<(Segment, &str), &'static str> {
    let mut strings = serde_json::Deserializer::from_str(&rest[1..]).into_iter::<String>();
    let key = strings.next().and_then(Result::ok).ok_or("the quoted key does not end")?;
    let after = rest[1 + strings.byte_offset()..].strip_prefix(']').ok_or("`]` is missing")?;
    Ok((Segment::Key(key), after))
}

impl Serialize for FieldPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_a_path_says_where() {
        for (text, message) in [
            (".a", "a path does not begin with a dot at character 1"),
            ("a..b", "a key is missing at character 2"),
            ("a[b]", "`[` needs a number or a quoted key at character 2"),
            ("a[1", "`]` is missing at character 2"),
            ("a[1]b", "a dot is missing at character 5"),
            ("a[\"b", "the quoted key does not end at character 2"),
        ] {
            let error = text.parse::<FieldPath>().expect_err(text);
            assert!(error.to_string().ends_with(message), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_path_is_read_as_it_was_printed(
            segments in proptest::collection::vec(
                prop_oneof![".*".prop_map(Segment::Key), any::<usize>().prop_map(Segment::Index)],
                0..6,
            ),
        ) {
            let path = FieldPath(segments);
            prop_assert_eq!(path.to_string().parse::<FieldPath>(), Ok(path));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = text.parse::<FieldPath>();
        }
    }
}
