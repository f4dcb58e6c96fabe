use crate::{Error, Result, Secret, keyring::passphrase::Stretched};
use rand_core::CryptoRngCore;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Somebody whom an orb's key can be sealed for; holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Recipient {
    /// Whoever knows a passphrase, such as the `masterkey` of an orbconfig.
    Passphrase(Stretched),
    /// The holder of an age key: `age1…`.
    Age(String),
    /// The holder of an SSH key, as a line of an `authorized_keys` file: `ssh-ed25519 …` or `ssh-rsa …`.
    Ssh(String),
    /// The holder of an OpenPGP key, in software or on a card, as an armored certificate.
    Openpgp(String),
}

impl Recipient {
    /// A recipient from the text people know: `age1…`, a line with an SSH public key, or an armored OpenPGP
    /// certificate.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if it is none of them, or one that nothing can be sealed for.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let recipient = match text {
            _ if text.starts_with("age1") => Self::Age(text.to_owned()),
            _ if text.starts_with("ssh-") => Self::Ssh(text.to_owned()),
            _ if text.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----") => Self::Openpgp(text.to_owned()),
            _ => {
                return Err(Error::Recipient {
                    name: text.chars().take(40).collect(),
                    why: "it can be age1…, ssh-ed25519 …, ssh-rsa … or an armored OpenPGP certificate".into(),
                });
            }
        };
        recipient.check(text)?;
        Ok(recipient)
    }

    /// What kind it is, as it stands in a keyring: `passphrase`, `age`, `ssh` or `openpgp`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "passphrase",
            Self::Age(_) => "age",
            Self::Ssh(_) => "ssh",
            Self::Openpgp(_) => "openpgp",
        }
    }

    /// What tells it apart for humans, in one line: the public key, or fingerprint and user of an OpenPGP key;
    /// empty for a passphrase, and for an OpenPGP key that this program was built without.
    pub fn summary(&self) -> String {
        let text = match self {
            Self::Passphrase(_) => String::new(),
            Self::Age(text) | Self::Ssh(text) => text.clone(),
            #[cfg(feature = "openpgp")]
            Self::Openpgp(text) => crate::openpgp::summary(text),
            #[cfg(not(feature = "openpgp"))]
            Self::Openpgp(_) => String::new(),
        };
        // Whoever wrote it may not command the terminal.
        text.replace(char::is_control, " ")
    }

    /// All of it as text.
    pub(crate) fn public(&self) -> String {
        match self {
            Self::Passphrase(stretched) => stretched.to_text(),
            Self::Age(text) | Self::Ssh(text) | Self::Openpgp(text) => text.clone(),
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        let short: String = name.chars().take(40).collect();
        match self {
            Self::Passphrase(_) => Ok(()),
            #[cfg(feature = "age")]
            Self::Age(text) | Self::Ssh(text) => crate::age::recipient(&short, text).map(drop),
            #[cfg(feature = "openpgp")]
            Self::Openpgp(text) => crate::openpgp::check(&short, text),
            #[cfg(not(all(feature = "age", feature = "openpgp")))]
            _ => Err(self.needs_feature(&short)),
        }
    }

    pub(crate) fn seal(&self, name: &str, secret: &Secret, random: &mut dyn CryptoRngCore) -> Result<String> {
        match self {
            Self::Passphrase(stretched) => stretched.seal(secret, random),
            #[cfg(feature = "age")]
            Self::Age(text) | Self::Ssh(text) => {
                let recipient = crate::age::recipient(name, text)?;
                crate::age::encrypt_armored(&[recipient], secret.expose())
            }
            #[cfg(feature = "openpgp")]
            Self::Openpgp(text) => {
                let certificate = crate::openpgp::certificate(name, text)?;
                crate::openpgp::encrypt_armored(&certificate, secret, random)
            }
            #[cfg(not(all(feature = "age", feature = "openpgp")))]
            _ => Err(self.needs_feature(name)),
        }
    }

    #[cfg(not(all(feature = "age", feature = "openpgp")))]
    fn needs_feature(&self, name: &str) -> Error {
        let feature = if matches!(self, Self::Openpgp(_)) { "openpgp" } else { "age" };
        Error::Recipient { name: name.to_owned(), why: format!("this program was built without `{feature}`") }
    }
}
