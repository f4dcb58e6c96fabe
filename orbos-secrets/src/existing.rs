use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reference to a secret that exists in Kubernetes, in the namespace `caos-system`, instead of a sealed value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Existing {
    /// The Kubernetes secret's name.
    #[serde(default)]
    pub name: String,
    /// The key in its data.
    #[serde(default)]
    pub key: String,
    /// What a tool calls it inside its own namespace; absent if it is called the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_name: Option<String>,
}

impl Existing {
    /// Checks that both name and key are there and could be those of a Kubernetes secret.
    ///
    /// # Errors
    ///
    /// [`Existing`](Error::Existing) says which is not.
    pub fn check(&self) -> Result<()> {
        let Self { name, key, internal_name } = self;
        let refused = |why: &str| Err(Error::Existing { name: name.clone(), why: why.to_owned() });
        let named = |text: &str| {
            let edge = |letter: Option<u8>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
            let allowed = |letter: u8| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"-.".contains(&letter)
            };
            text.len() <= 253
                && text.bytes().all(allowed)
                && edge(text.bytes().next())
                && edge(text.bytes().last())
        };
        let keyed = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter);
        if !named(name) || internal_name.as_deref().is_some_and(|name| !named(name)) {
            return refused(
                "its name can have up to 253 of a-z, 0-9, - and ., and begins and ends with a letter or digit",
            );
        }
        if key.is_empty() || key.len() > 253 || !key.bytes().all(keyed) {
            return refused("its key can have 1 to 253 of A-Z, a-z, 0-9, -, _ and .");
        }
        Ok(())
    }
}
