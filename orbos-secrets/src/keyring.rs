//! An orb's key, sealed for everybody who may open the orb.

pub(crate) mod passphrase;
pub(crate) mod recipient;

use crate::{Error, KeyId, OrbKey, Recipient, Result, Secret};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use rand_core::CryptoRngCore;
use ring::hmac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use zeroize::Zeroizing;

/// Somebody's means to open what was sealed for them: a passphrase, a private key, a card.
pub trait Identity: Debug {
    /// Opens the orb's key if this recipient is this identity; `None` if it is somebody else.
    ///
    /// # Errors
    ///
    /// Says why if it is the right identity and still could not open it. It is then not tried again, so that
    /// no card is locked by repeating.
    fn open(&self, recipient: &Recipient, sealed: &str) -> Result<Option<Secret>>;
}

/// An orb's key, sealed for each of its recipients; the document `caos-internal/keyring.yml`.
///
/// ```yaml
/// key: 3c64e1f0a1b2c3d4          # the name of the key; says nothing about it
/// recipients:
/// - name: alice
///   ssh: ssh-ed25519 AAAAC3N… alice@laptop
///   sealed: |
///     -----BEGIN AGE ENCRYPTED FILE-----
///     …
/// - name: orbconfig
///   passphrase: {memory: 65536, passes: 3, salt: …, public: …}
///   sealed: …
/// mac: …                         # made with the orb's key over all of the above
/// ```
///
/// Public keys are public: whoever can write to the repository could add their own, or seal a key of their
/// own making for everybody. The first is refused, because nobody without the orb's key can make the `mac`.
/// The second shows in the key's name: a program that remembers it should compare it ([`Keyring::key`]).
///
/// ```
/// use orbos_secrets::{Keyring, Passphrase, Recipient, Secret, Stretching, generate::OsRng};
///
/// let passphrase = Secret::from_text("correct horse battery staple");
/// let recipient = Recipient::passphrase(&passphrase, Stretching::default(), &mut OsRng)?;
/// let (keyring, orb_key) = Keyring::create([("ops", recipient)], &mut OsRng)?;
///
/// let opened = keyring.open(&[&Passphrase::new(passphrase)])?;
/// assert_eq!(opened.id(), orb_key.id());
/// # Ok::<(), orbos_secrets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keyring {
    key: KeyId,
    recipients: Vec<Entry>,
    mac: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct Entry {
    name: String,
    #[serde(flatten)]
    recipient: Recipient,
    sealed: String,
}

impl Keyring {
    /// Where a keyring stands in an orb's repository.
    pub const FILE: &'static str = "caos-internal/keyring.yml";

    /// Makes a new orb key and seals it for these recipients, each with a name of one's own choice.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if there is none, a name is taken twice, or one cannot be sealed for.
    pub fn create<Name: Into<String>>(
        recipients: impl IntoIterator<Item = (Name, Recipient)>,
        random: &mut dyn CryptoRngCore,
    ) -> Result<(Self, OrbKey)> {
        let key = OrbKey::generate(random)?;
        let mut keyring = Self { key: key.id(), recipients: Vec::new(), mac: String::new() };
        for (name, recipient) in recipients {
            keyring.push(&key, name.into(), recipient, random)?;
        }
        if keyring.recipients.is_empty() {
            return Err(invalid("the keyring", "it needs at least one recipient, or nobody could open it"));
        }
        keyring.authenticate(&key);
        Ok((keyring, key))
    }

    /// Opens the orb's key with the first identity that fits.
    ///
    /// # Errors
    ///
    /// [`NoRecipientOpens`](Error::NoRecipientOpens) if none fits, [`KeyringAltered`](Error::KeyringAltered)
    /// if the keyring was changed by somebody without the orb's key, or what the identity that fits reported.
    pub fn open(&self, identities: &[&dyn Identity]) -> Result<OrbKey> {
        let mut failure = None;
        for identity in identities {
            match self.open_with(*identity) {
                Ok(Some(key)) => {
                    self.verify(&key)?;
                    return Ok(key);
                }
                Ok(None) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.unwrap_or_else(|| Error::NoRecipientOpens { recipients: self.names() }))
    }

    /// What is sealed for somebody else may be damaged without any harm to this identity; but a card or a
    /// passphrase that was refused is not tried again.
    fn open_with(&self, identity: &dyn Identity) -> Result<Option<OrbKey>> {
        let mut damage = None;
        for Entry { recipient, sealed, .. } in &self.recipients {
            match identity.open(recipient, sealed) {
                Ok(Some(secret)) => return OrbKey::from_secret(&secret).map(Some),
                Ok(None) => {}
                Err(error @ (Error::Damaged { .. } | Error::KeyringAltered | Error::Recipient { .. })) => {
                    damage = damage.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        damage.map_or(Ok(None), Err)
    }

    /// Seals the orb's key for one more recipient.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if the name is taken or the recipient cannot be sealed for,
    /// [`KeyringAltered`](Error::KeyringAltered) if this is not the keyring's key. Nothing is changed then.
    pub fn add(
        &mut self,
        key: &OrbKey,
        name: impl Into<String>,
        recipient: Recipient,
        random: &mut dyn CryptoRngCore,
    ) -> Result<()> {
        self.verify(key)?;
        self.push(key, name.into(), recipient, random)?;
        self.authenticate(key);
        Ok(())
    }

    /// Removes a recipient: a keyring with a new orb key, sealed for everybody else, and that key.
    ///
    /// The removed one may have kept the old key, so every value has to be sealed again with the new one in
    /// the same commit (see [`reseal`](crate::reseal)), and secrets that they have seen be replaced.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if there is none of this name or it is the last,
    /// [`KeyringAltered`](Error::KeyringAltered) if this is not the keyring's key.
    pub fn remove(&self, key: &OrbKey, name: &str, random: &mut dyn CryptoRngCore) -> Result<(Self, OrbKey)> {
        self.verify(key)?;
        let (removed, kept): (Vec<_>, Vec<_>) =
            self.recipients.iter().cloned().partition(|entry| entry.name == name);
        if removed.is_empty() {
            let why = format!("there is none of this name; there are {}", self.names());
            return Err(Error::Recipient { name: name.to_owned(), why });
        }
        if kept.is_empty() {
            return Err(invalid(name, "it is the last one, and nobody could open the orb without it"));
        }
        Self::create(kept.into_iter().map(|Entry { name, recipient, .. }| (name, recipient)), random)
    }

    /// A keyring with a new orb key for the same recipients, and that key.
    ///
    /// # Errors
    ///
    /// [`KeyringAltered`](Error::KeyringAltered) if this is not the keyring's key,
    /// [`Recipient`](Error::Recipient) if one cannot be sealed for.
    pub fn rotate(&self, key: &OrbKey, random: &mut dyn CryptoRngCore) -> Result<(Self, OrbKey)> {
        self.verify(key)?;
        let recipients = self.recipients.iter().cloned();
        Self::create(recipients.map(|Entry { name, recipient, .. }| (name, recipient)), random)
    }

    /// The name of the key that is sealed here.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Everybody who can open the orb, in the order of the file.
    pub fn recipients(&self) -> impl Iterator<Item = (&str, &Recipient)> {
        self.recipients.iter().map(|entry| (entry.name.as_str(), &entry.recipient))
    }

    fn push(
        &mut self,
        key: &OrbKey,
        name: String,
        recipient: Recipient,
        random: &mut dyn CryptoRngCore,
    ) -> Result<()> {
        if name.trim().is_empty() || name.contains(char::is_control) {
            return Err(invalid(&name, "a recipient needs a name of one line"));
        }
        if self.recipients.iter().any(|entry| entry.name == name) {
            return Err(invalid(&name, "the keyring has a recipient of this name already"));
        }
        let sealed = recipient.seal(&name, &key.to_secret(), random)?;
        self.recipients.push(Entry { name, recipient, sealed });
        Ok(())
    }

    fn names(&self) -> String {
        let names: Vec<_> =
            self.recipients().map(|(name, recipient)| format!("{name} ({})", recipient.kind())).collect();
        names.join(", ")
    }

    fn authenticate(&mut self, key: &OrbKey) {
        self.mac = URL_SAFE.encode(hmac::sign(&mac_key(key), &self.message()));
    }

    /// Checks that this keyring was written by somebody who has the orb's key.
    ///
    /// # Errors
    ///
    /// [`KeyringAltered`](Error::KeyringAltered) if not.
    pub fn verify(&self, key: &OrbKey) -> Result<()> {
        let mac = URL_SAFE.decode(&self.mac).map_err(|_| Error::KeyringAltered)?;
        let genuine = hmac::verify(&mac_key(key), &self.message(), &mac).is_ok();
        if genuine && self.key == key.id() { Ok(()) } else { Err(Error::KeyringAltered) }
    }

    /// Every field with its length in front, so that no two keyrings give the same message.
    fn message(&self) -> Vec<u8> {
        let Self { key, recipients, mac: _ } = self;
        let mut message = key.0.to_vec();
        for Entry { name, recipient, sealed } in recipients {
            for part in [name.as_str(), recipient.kind(), &recipient.public(), sealed] {
                message.extend((part.len() as u64).to_be_bytes());
                message.extend(part.as_bytes());
            }
        }
        message
    }
}

fn mac_key(key: &OrbKey) -> hmac::Key {
    let mut bytes = Zeroizing::new([0; 32]);
    key.derive(b"orbos keyring", &[b"mac v1"], &mut *bytes);
    hmac::Key::new(hmac::HMAC_SHA256, &*bytes)
}

fn invalid(name: &str, why: &str) -> Error {
    Error::Recipient { name: name.to_owned(), why: why.to_owned() }
}
