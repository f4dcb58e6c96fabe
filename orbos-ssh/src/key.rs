use orbos_secrets::Secret;
use sha2::{Digest, Sha256};

use crate::Error;

/// A private key to log in with: Ed25519, ECDSA or RSA, as OpenSSH or PEM text.
///
/// It stays in memory and does not print.
///
/// # Examples
///
/// ```
/// use orbos_ssh::{PrivateKey, Secret};
///
/// let key = PrivateKey::new(Secret::from_text("-----BEGIN OPENSSH PRIVATE KEY-----\n…"));
/// assert!(!format!("{key:?}").contains("BEGIN"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKey {
    text: Secret,
    passphrase: Option<Secret>,
}

impl PrivateKey {
    /// Takes a key's text. It is looked at when it is used.
    #[must_use]
    pub fn new(text: Secret) -> Self {
        Self { text, passphrase: None }
    }

    /// Adds the passphrase the key is encrypted with.
    #[must_use]
    pub fn with_passphrase(self, passphrase: Secret) -> Self {
        Self { passphrase: Some(passphrase), ..self }
    }

    pub(crate) fn text(&self) -> Result<&str, Error> {
        let text = std::str::from_utf8(self.text.expose())
            .map_err(|_| Error::BadKey { why: "it is no text".into() })?;
        if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
            Ok(text)
        } else {
            Err(Error::BadKey { why: "it has no line `-----BEGIN … PRIVATE KEY-----`".into() })
        }
    }

    pub(crate) fn passphrase(&self) -> Result<Option<&str>, Error> {
        let text = self.passphrase.as_ref().map(|it| std::str::from_utf8(it.expose())).transpose();
        text.map_err(|_| Error::BadKey { why: "its passphrase is no text".into() })
    }

    /// Tells keys apart without holding them twice.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new().chain_update(self.text.expose());
        if let Some(passphrase) = &self.passphrase {
            digest.update(passphrase.expose());
        }
        digest.finalize().into()
    }
}

impl From<Secret> for PrivateKey {
    fn from(text: Secret) -> Self {
        Self::new(text)
    }
}
