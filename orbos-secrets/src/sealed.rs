use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `encoding` says in every sealed value: Base64 with the URL alphabet and padding.
pub const ENCODING: &str = "Base64";

/// A secret at rest, as it stands in a document: the only form of a secret that can be written.
///
/// The YAML shape is the original's, for values of either format:
///
/// ```yaml
/// kubeconfig:
///   encryption: AES256-GCM
///   encoding: Base64
///   value: AbN4…
/// ```
///
/// Only a [`Cipher`](crate::Cipher) makes new ones; documents that are read hold the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// `AES256-GCM`, or `AES256` for values that the original wrote.
    #[serde(default)]
    encryption: String,
    /// `Base64`.
    #[serde(default)]
    encoding: String,
    /// The encrypted secret; empty if there is none.
    #[serde(default)]
    value: String,
}

impl Sealed {
    pub(crate) fn new(encryption: &str, value: String) -> Self {
        Self { encryption: encryption.to_owned(), encoding: ENCODING.to_owned(), value }
    }

    /// A value as it stands in a document.
    pub(crate) fn read(encryption: &str, encoding: &str, value: &str) -> Self {
        Self { encryption: encryption.to_owned(), encoding: encoding.to_owned(), value: value.to_owned() }
    }

    /// How it is encrypted: [`ENCRYPTION`](crate::ENCRYPTION) or [`ORIGINAL_ENCRYPTION`](crate::ORIGINAL_ENCRYPTION),
    /// or anything else that stood in a document.
    pub fn encryption(&self) -> &str {
        &self.encryption
    }

    /// How its value is written as text: [`ENCODING`], or anything else that stood in a document.
    pub fn encoding(&self) -> &str {
        &self.encoding
    }

    /// The encrypted secret as text; not secret.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether it is in the original's format, which has no authentication and should be sealed again.
    pub fn is_original(&self) -> bool {
        matches!(self.encryption.as_str(), crate::ORIGINAL_ENCRYPTION | "")
    }
}
