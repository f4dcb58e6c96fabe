//! The original's format: Base64 over an initialisation vector of 16 bytes and AES-256-CFB with the raw,
//! zero-padded master key. It has no authentication, so it is read and never written.

use crate::{Error, Place, Result, Sealed, Secret};
use aes::Aes256;
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{GeneralPurpose, general_purpose::PAD},
};
use cfb_mode::{
    Decryptor,
    cipher::{AsyncStreamCipher, KeyIvInit},
};
use std::fmt;
use zeroize::Zeroizing;

/// What `encryption` says in values that the original wrote.
pub const ORIGINAL_ENCRYPTION: &str = "AES256";

/// The original's reader takes any trailing bits.
const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, PAD.with_decode_allow_trailing_bits(true));
const KEY: usize = 32;
const IV: usize = 16;

/// The original's key to an orb, as it stands in an orbconfig: text of 1 to 32 bytes.
///
/// It opens values that the original wrote; nothing is ever sealed with it.
#[derive(Clone)]
pub struct MasterKey {
    text: Secret,
    key: Zeroizing<[u8; KEY]>,
}

impl MasterKey {
    /// Takes a master key as written in an orbconfig or read from a file; line breaks around it do not count.
    ///
    /// # Errors
    ///
    /// [`MasterKeySize`](Error::MasterKeySize) if it does not have 1 to 32 bytes, line breaks included.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = Secret::from_text(text);
        if text.is_empty() || text.len() > KEY {
            return Err(Error::MasterKeySize { bytes: text.len() });
        }
        let stripped = strip(text.expose());
        let mut key = Zeroizing::new([0; KEY]);
        key[..stripped.len()].copy_from_slice(stripped);
        Ok(Self { text: Secret::new(stripped), key })
    }

    /// The master key's text without line breaks around it.
    pub fn to_secret(&self) -> Secret {
        self.text.clone()
    }

    pub(crate) fn open(&self, sealed: &Sealed, place: &Place) -> Result<Secret> {
        let altered = |why| Error::Altered { place: place.clone(), why };
        if !matches!(sealed.encoding(), crate::ENCODING | "") {
            return Err(altered("its encoding is not Base64"));
        }
        if sealed.value().is_empty() {
            return Ok(Secret::new([]));
        }
        let text: String =
            sealed.value().chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
        let mut bytes =
            Zeroizing::new(BASE64.decode(text).map_err(|_| altered("its value is not valid Base64"))?);
        if bytes.len() < IV {
            return Err(altered("its value is truncated"));
        }
        let (iv, body) = bytes.split_at_mut(IV);
        Decryptor::<Aes256>::new((&*self.key).into(), (&*iv).into()).decrypt(body);
        let secret = Secret::new(&*body);
        match secret.expose_text() {
            Ok(_) => Ok(secret),
            Err(_) => Err(Error::WrongMasterKey { place: place.clone() }),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MasterKey([secret])")
    }
}

pub(crate) fn strip(mut bytes: &[u8]) -> &[u8] {
    while let [b'\n', rest @ ..] | [rest @ .., b'\n'] = bytes {
        bytes = rest;
    }
    bytes
}
