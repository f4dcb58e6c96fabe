//! Private keys that open an orb's secrets instead of its master key.

#[cfg(feature = "openpgp-card")]
mod card;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

#[cfg(feature = "openpgp")]
use orbos_secrets::OpenPgpKey;
use orbos_secrets::{AgeIdentity, Identity, Secret};
use orbos_state::Error;

use crate::prompt;

/// Instead of a file: a smart card.
const CARD: &str = "card";

/// A private key, or what holds one.
#[derive(Debug)]
pub(crate) enum PrivateKey {
    /// Of age or SSH.
    Age(AgeIdentity),
    /// Of OpenPGP, from a file.
    #[cfg(feature = "openpgp")]
    OpenPgp(Box<OpenPgpKey>),
    /// Of OpenPGP, on a card.
    #[cfg(feature = "openpgp-card")]
    Card(orbos_secrets::OpenPgpCard),
}

impl PrivateKey {
    pub(crate) fn as_identity(&self) -> &dyn Identity {
        match self {
            Self::Age(key) => key,
            #[cfg(feature = "openpgp")]
            Self::OpenPgp(key) => &**key,
            #[cfg(feature = "openpgp-card")]
            Self::Card(card) => card,
        }
    }
}

/// Where private keys come from, with what a human was asked for already.
#[derive(Debug, Default)]
pub(crate) struct KeySource {
    from: Option<PathBuf>,
    passphrase: Mutex<Option<Secret>>,
    #[cfg(feature = "openpgp-card")]
    pins: std::sync::Arc<card::KnownPins>,
}

impl KeySource {
    /// A file with its passphrase, if it is known; the word `card` for a smart card.
    pub(crate) fn new(from: Option<PathBuf>, passphrase: Option<Secret>) -> Self {
        Self {
            from,
            passphrase: Mutex::new(passphrase),
            #[cfg(feature = "openpgp-card")]
            pins: std::sync::Arc::default(),
        }
    }

    /// What it is, for messages; absent if there is none.
    pub(crate) fn name(&self) -> Option<&'static str> {
        let from = self.from.as_ref()?;
        Some(if from.as_os_str() == CARD { "the smart card" } else { "the identity file" })
    }

    /// The keys; none if nothing was given.
    ///
    /// # Errors
    ///
    /// If there is no key, or it needs a passphrase that nobody can be asked for.
    pub(crate) fn keys(&self) -> Result<Vec<PrivateKey>, Error> {
        match &self.from {
            None => Ok(Vec::new()),
            Some(word) if word.as_os_str() == CARD => self.cards(),
            Some(path) => Ok(vec![self.read(path)?]),
        }
    }

    #[cfg(feature = "openpgp-card")]
    fn cards(&self) -> Result<Vec<PrivateKey>, Error> {
        Ok(card::insert(&self.pins)?.into_iter().map(PrivateKey::Card).collect())
    }

    #[cfg(not(feature = "openpgp-card"))]
    fn cards(&self) -> Result<Vec<PrivateKey>, Error> {
        let why =
            "this program was built without the feature `openpgp-card`; for a file named `card` say `./card`";
        Err(Error::unsupported("using a smart card", why))
    }

    fn read(&self, path: &Path) -> Result<PrivateKey, Error> {
        let what = || format!("reading the identity file {}", path.display());
        let bytes = fs::read(path)
            .map_err(|error| Error::denied(what(), "there has to be a key in it").because(error))?;
        let text = Secret::new(bytes);
        let unfit = |error| Error::denied(what(), "no key in it can be used").because(error);
        match parse(&text, None) {
            Ok(key) => Ok(key),
            Err(error) if error.to_string().contains("needs its passphrase") => {
                let mut known = self.passphrase.lock().unwrap_or_else(PoisonError::into_inner);
                if known.is_none() {
                    let question = format!("passphrase of {} (not shown): ", path.display());
                    let unasked =
                        |error| Error::denied(what(), "its passphrase could not be asked for").because(error);
                    *known = prompt::hidden(&question).map_err(unasked)?;
                }
                let Some(passphrase) = &*known else {
                    let why = "there is no terminal to ask for its passphrase; set ORB_IDENTITY_PASSPHRASE";
                    return Err(Error::denied(what(), why).because(error));
                };
                parse(&text, Some(passphrase)).map_err(unfit)
            }
            Err(error) => Err(unfit(error)),
        }
    }
}

fn parse(text: &Secret, passphrase: Option<&Secret>) -> orbos_secrets::Result<PrivateKey> {
    if text.expose().trim_ascii_start().starts_with(b"-----BEGIN PGP ") {
        #[cfg(feature = "openpgp")]
        return OpenPgpKey::parse(text, passphrase).map(|it| PrivateKey::OpenPgp(Box::new(it)));
        #[cfg(not(feature = "openpgp"))]
        return Err(orbos_secrets::Error::Identity { why: "this program was built without `openpgp`" });
    }
    AgeIdentity::parse(text, passphrase).map(PrivateKey::Age)
}
