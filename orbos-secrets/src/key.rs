use crate::{Error, Result, Secret};
use rand_core::CryptoRngCore;
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// Length of an orb key in bytes.
const KEY: usize = 32;

/// The key that an orb's secrets are sealed with: 32 random bytes.
///
/// People and programs do not hold it; a keyring in the repository holds it, sealed for each of them.
#[derive(Clone)]
pub struct OrbKey(Zeroizing<[u8; KEY]>);

impl OrbKey {
    /// Makes a new key from random numbers.
    ///
    /// # Errors
    ///
    /// [`Random`](Error::Random) if there are none.
    pub fn generate(random: &mut dyn CryptoRngCore) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; KEY]);
        random.try_fill_bytes(&mut *bytes).map_err(Error::Random)?;
        Ok(Self(bytes))
    }

    /// Takes a key that was kept somewhere else.
    ///
    /// # Errors
    ///
    /// [`OrbKeySize`](Error::OrbKeySize) if it does not have 32 bytes.
    pub fn from_secret(secret: &Secret) -> Result<Self> {
        let bytes = secret.expose();
        let key = bytes.try_into().map_err(|_| Error::OrbKeySize { bytes: bytes.len() })?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The key's 32 bytes, to be kept somewhere else.
    pub fn to_secret(&self) -> Secret {
        Secret::new(*self.0)
    }

    /// The key's public name: says which key a value needs, and nothing about the key itself.
    pub fn id(&self) -> KeyId {
        let mut id = [0; KeyId::LENGTH];
        self.derive(b"orbos key id", &[b"v1"], &mut id);
        KeyId(id)
    }

    /// Derives bytes for one use with HKDF-SHA256.
    pub(crate) fn derive(&self, salt: &[u8], info: &[&[u8]], into: &mut [u8]) {
        let prk: Prk = Salt::new(HKDF_SHA256, salt).extract(&*self.0);
        prk.expand(info, Length(into.len()))
            .and_then(|okm| okm.fill(into))
            .expect("HKDF gives up to 8160 bytes, and exactly as many as were asked for");
    }
}

impl fmt::Debug for OrbKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OrbKey({})", self.id())
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The public name of an [`OrbKey`]; 16 hexadecimal digits when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct KeyId(pub(crate) [u8; KeyId::LENGTH]);

impl KeyId {
    pub(crate) const LENGTH: usize = 8;
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::KeyId { text: text.chars().take(40).collect() };
        let digits: Vec<u32> =
            text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or_else(invalid)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
        let id = bytes.try_into().map_err(|_| invalid())?;
        if text.len() == 2 * Self::LENGTH { Ok(Self(id)) } else { Err(invalid()) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}
