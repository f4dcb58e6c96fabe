//! Names that fit everywhere they are used.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An RFC 1123 label: 1 to 63 lower-case letters, digits and hyphens, none of these at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// Text that is no [`Label`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a host name: use 1 to 63 lower-case letters, digits and hyphens, and no hyphen at either end"
)]
pub struct LabelError(String);

impl Label {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, LabelError> {
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
        let inner = text.bytes().all(|it| plain(it) || it == b'-');
        let ends = text.bytes().next().is_some_and(plain) && text.bytes().last().is_some_and(plain);
        if inner && ends && text.len() <= 63 { Ok(Self(text)) } else { Err(LabelError(text)) }
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        text.to_owned().try_into()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Label {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Label".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63 })
    }
}

/// What [`is_word`] accepts, for hints.
pub(super) const WORD: &str = "use letters, digits, `-` and `_`";

/// Whether a text can be a part of names like `provider.pool.machine` and stand in other programs' files.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}

/// IP addresses in documents, with an error that shows what stands there.
pub(super) mod ip {
    use std::net::IpAddr;

    use serde::{Deserialize, Deserializer, de};

    pub(in crate::spec) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
        parse(&String::deserialize(deserializer)?)
    }

    /// An empty text is as good as none, as in the original.
    pub(in crate::spec) fn optional<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<IpAddr>, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            Some(text) if !text.is_empty() => parse(&text).map(Some),
            _ => Ok(None),
        }
    }

    fn parse<E: de::Error>(text: &str) -> Result<IpAddr, E> {
        text.parse().map_err(|_| E::custom(format!("`{text}` is not an IP address like 10.0.0.7")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_the_original_accepts() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/spec/original.json")).expect("it is JSON");
        let cases = vectors["machine_name"].as_array().expect("a list");
        assert_eq!(cases.len(), 10);
        for case in cases {
            let text = case["value"].as_str().expect("a text");
            assert_eq!(text.parse::<Label>().is_ok(), case["valid"] == true, "{text:?}");
        }
    }

    #[test]
    fn ranges_are_what_the_original_accepts() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/spec/original.json")).expect("it is JSON");
        let cases = vectors["cidr"].as_array().expect("a list");
        assert_eq!(cases.len(), 12);
        for case in cases {
            let text = case["value"].as_str().expect("a text");
            assert_eq!(text.parse::<crate::Cidr>().is_ok(), case["valid"] == true, "{text:?}");
        }
    }
}
