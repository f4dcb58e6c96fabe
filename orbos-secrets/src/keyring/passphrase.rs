use crate::{Error, Identity, Recipient, Result, Secret};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use rand_core::CryptoRngCore;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// How much work every guess at a passphrase takes; by default what RFC 9106 recommends for little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretching {
    /// Memory in KiB; 65536 by default, 8 to 1048576 possible.
    pub memory: u32,
    /// Passes over the memory; 3 by default, 1 to 32 possible.
    pub passes: u32,
}

impl Default for Stretching {
    fn default() -> Self {
        Self { memory: 65_536, passes: 3 }
    }
}

/// A passphrase stretched to a key pair (Argon2id to X25519), of which this is the public half.
///
/// A key pair, so that the orb's key can be sealed anew for everybody when somebody is removed, without
/// anybody having to know the passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stretched {
    /// Memory in KiB.
    memory: u32,
    /// Passes over the memory.
    passes: u32,
    /// 16 random bytes in Base64.
    salt: String,
    /// The public key in Base64.
    public: String,
}

/// An identity that knows a passphrase.
#[derive(Clone, Debug)]
pub struct Passphrase(Secret);

impl Passphrase {
    /// Takes a passphrase; line breaks around it do not count, as in the original's master keys.
    pub fn new(passphrase: Secret) -> Self {
        Self(passphrase)
    }
}

impl Identity for Passphrase {
    fn open(&self, recipient: &Recipient, sealed: &str) -> Result<Option<Secret>> {
        let Recipient::Passphrase(stretched) = recipient else { return Ok(None) };
        let private = stretched.stretch(&self.0)?;
        if stretched.public()? != PublicKey::from(&private) {
            return Ok(None);
        }
        unseal(&private, sealed).map(Some)
    }
}

impl Recipient {
    /// Whoever knows this passphrase.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if it is empty or the stretching is out of bounds,
    /// [`Random`](Error::Random) without random numbers.
    pub fn passphrase(
        passphrase: &Secret,
        stretching: Stretching,
        random: &mut dyn CryptoRngCore,
    ) -> Result<Self> {
        if trim(passphrase.expose()).is_empty() {
            return Err(refused("it is empty"));
        }
        let mut salt = [0; 16];
        random.try_fill_bytes(&mut salt).map_err(Error::Random)?;
        let Stretching { memory, passes } = stretching;
        let mut stretched = Stretched { memory, passes, salt: URL_SAFE.encode(salt), public: String::new() };
        let private = stretched.stretch(passphrase)?;
        stretched.public = URL_SAFE.encode(PublicKey::from(&private));
        Ok(Self::Passphrase(stretched))
    }
}

impl Stretched {
    pub(crate) fn to_text(&self) -> String {
        let Self { memory, passes, salt, public } = self;
        format!("{memory} {passes} {salt} {public}")
    }

    /// Bounds the work, so that a keyring cannot make its reader run out of memory or time.
    fn stretch(&self, passphrase: &Secret) -> Result<StaticSecret> {
        if !(8..=1_048_576).contains(&self.memory) || !(1..=32).contains(&self.passes) {
            return Err(refused("memory can be 8 to 1048576 KiB, passes 1 to 32"));
        }
        let salt = URL_SAFE.decode(&self.salt).map_err(|_| refused("its salt is not valid Base64"))?;
        let params = Params::new(self.memory, self.passes, 1, Some(32))
            .map_err(|error| refused(&error.to_string()))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(trim(passphrase.expose()), &salt, &mut *key)
            .map_err(|error| refused(&error.to_string()))?;
        Ok(StaticSecret::from(*key))
    }

    fn public(&self) -> Result<PublicKey> {
        let bytes = URL_SAFE.decode(&self.public).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(PublicKey::from).ok_or_else(|| refused("its public key is not 32 bytes in Base64"))
    }

    /// One-time key pair, HKDF over the shared secret and both public keys, AES-256-GCM.
    pub(crate) fn seal(&self, secret: &Secret, random: &mut dyn CryptoRngCore) -> Result<String> {
        let mut once = Zeroizing::new([0; 32]);
        random.try_fill_bytes(&mut *once).map_err(Error::Random)?;
        let (once, public) = (StaticSecret::from(*once), self.public()?);
        let sender = PublicKey::from(&once);
        let (aead, nonce) = agree(&once, &public, &sender, &public)?;

        let mut bytes = sender.as_bytes().to_vec();
        let mut body = Zeroizing::new(secret.expose().to_vec());
        let tag = aead
            .seal_in_place_separate_tag(nonce, Aad::empty(), &mut body)
            .expect("a key is shorter than the 64 GiB that AES-GCM can take");
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(tag.as_ref());
        Ok(URL_SAFE.encode(bytes))
    }
}

fn unseal(private: &StaticSecret, sealed: &str) -> Result<Secret> {
    let mut bytes = Zeroizing::new(URL_SAFE.decode(sealed.trim()).map_err(|_| Error::KeyringAltered)?);
    let (sender, body) = bytes.split_at_mut_checked(32).ok_or(Error::KeyringAltered)?;
    let sender = PublicKey::from(<[u8; 32]>::try_from(&*sender).expect("split at 32 bytes"));
    let (aead, nonce) = agree(private, &sender, &sender, &PublicKey::from(private))?;
    let opened = aead.open_in_place(nonce, Aad::empty(), body).map_err(|_| Error::KeyringAltered)?;
    Ok(Secret::new(&*opened))
}

fn agree(
    ours: &StaticSecret,
    theirs: &PublicKey,
    sender: &PublicKey,
    receiver: &PublicKey,
) -> Result<(LessSafeKey, Nonce)> {
    let shared = ours.diffie_hellman(theirs);
    if !shared.was_contributory() {
        return Err(Error::KeyringAltered);
    }
    let salt = [sender.as_bytes().as_slice(), receiver.as_bytes()].concat();
    let mut derived = Zeroizing::new([0; 32 + NONCE_LEN]);
    Salt::new(HKDF_SHA256, &salt)
        .extract(shared.as_bytes())
        .expand(&[b"orbos passphrase v1"], Derived)
        .and_then(|okm| okm.fill(&mut *derived))
        .expect("HKDF gives up to 8160 bytes");
    let (key, nonce) = derived.split_at(32);
    let aead = UnboundKey::new(&AES_256_GCM, key).expect("the derived key has 32 bytes");
    Ok((
        LessSafeKey::new(aead),
        Nonce::try_assume_unique_for_key(nonce).expect("the derived nonce has 12 bytes"),
    ))
}

struct Derived;

impl KeyType for Derived {
    fn len(&self) -> usize {
        32 + NONCE_LEN
    }
}

fn trim(bytes: &[u8]) -> &[u8] {
    crate::original::strip(bytes)
}

fn refused(why: &str) -> Error {
    Error::Recipient { name: "passphrase".into(), why: why.to_owned() }
}
