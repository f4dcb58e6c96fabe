//! Version 1 of our own format, in Base64 with the URL alphabet:
//!
//! ```text
//! version 0x01 | key id, 8 | salt, 32 | hash of the place, 32 | ciphertext | tag, 16
//! ```
//!
//! Key and nonce of AES-256-GCM come out of HKDF-SHA256 over the orb's key and the salt, so that no pair is
//! ever used twice. Everything before the ciphertext is associated data. The hash of the place stands in the
//! header, instead of being left for the reader to supply, so that a value that was moved can be told from a
//! value that was altered: the tag says whether the header is genuine, the header says for where.
//! The secret is padded to a multiple of 32 bytes, so that its length shows only roughly.

use crate::{Error, KeyId, OrbKey, Place, Result, Sealed, Secret};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use rand_core::CryptoRngCore;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// What `encryption` says in values of our own format.
pub const ENCRYPTION: &str = "AES256-GCM";

const VERSION: u8 = 1;
const SALT: usize = 32;
const PLACE: usize = 32;
const ID_AT: usize = 1;
const SALT_AT: usize = ID_AT + KeyId::LENGTH;
const PLACE_AT: usize = SALT_AT + SALT;
const HEADER: usize = PLACE_AT + PLACE;
const TAG: usize = 16;
const BLOCK: usize = 32;

pub(crate) fn seal(
    key: &OrbKey,
    secret: &Secret,
    place: &Place,
    random: &mut dyn CryptoRngCore,
) -> Result<Sealed> {
    let mut salt = [0; SALT];
    random.try_fill_bytes(&mut salt).map_err(Error::Random)?;

    let mut header = Vec::with_capacity(HEADER);
    header.push(VERSION);
    header.extend(key.id().0);
    header.extend(salt);
    header.extend(place.digest());

    let mut body = pad(secret);
    let (aead, nonce) = derive(key, &salt);
    let tag = aead
        .seal_in_place_separate_tag(nonce, Aad::from(&header), &mut body)
        .expect("a secret is shorter than the 64 GiB that AES-GCM can take");

    let mut bytes = header;
    bytes.extend_from_slice(&body);
    bytes.extend_from_slice(tag.as_ref());
    Ok(Sealed::new(ENCRYPTION, URL_SAFE.encode(bytes)))
}

pub(crate) fn open(key: &OrbKey, sealed: &Sealed, place: &Place) -> Result<Secret> {
    let altered = |why| Error::Altered { place: place.clone(), why };
    if sealed.encoding() != crate::ENCODING {
        return Err(altered("its encoding is not Base64"));
    }
    let mut bytes = Zeroizing::new(
        URL_SAFE.decode(sealed.value()).map_err(|_| altered("its value is not valid Base64"))?,
    );
    match bytes.first() {
        Some(&VERSION) => {}
        Some(version) => {
            let encryption = format!("{ENCRYPTION} version {version}");
            return Err(Error::UnknownEncryption { place: place.clone(), encryption });
        }
        None => return Err(altered("its value is empty")),
    }
    if bytes.len() < HEADER + BLOCK + TAG {
        return Err(altered("its value is truncated"));
    }

    let (header, body) = bytes.split_at_mut(HEADER);
    let sealed_with = KeyId(header[ID_AT..SALT_AT].try_into().expect("a key id has 8 bytes"));
    let have = key.id();
    if sealed_with != have {
        return Err(Error::WrongKey { place: place.clone(), sealed_with, have });
    }
    let (aead, nonce) = derive(key, &header[SALT_AT..PLACE_AT]);
    let padded = aead
        .open_in_place(nonce, Aad::from(&header[..]), body)
        .map_err(|_| altered("it was truncated or altered after it was sealed"))?;
    if header[PLACE_AT..] != place.digest() {
        return Err(Error::Moved { place: place.clone() });
    }
    unpad(padded).ok_or_else(|| altered("its padding is not valid"))
}

fn derive(key: &OrbKey, salt: &[u8]) -> (LessSafeKey, Nonce) {
    let mut derived = Zeroizing::new([0; 32 + NONCE_LEN]);
    key.derive(salt, &[b"orbos sealed value v1 ", ENCRYPTION.as_bytes()], &mut *derived);
    let (key, nonce) = derived.split_at(32);
    let aead = UnboundKey::new(&AES_256_GCM, key).expect("the derived key has 32 bytes");
    (LessSafeKey::new(aead), Nonce::try_assume_unique_for_key(nonce).expect("the derived nonce has 12 bytes"))
}

/// Adds 0x80 and zeros up to the next multiple of 32 bytes; in one allocation, so that no copy stays behind.
fn pad(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let length = (secret.len() + 1).next_multiple_of(BLOCK);
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(secret.expose());
    padded.push(0x80);
    padded.resize(length, 0);
    padded
}

fn unpad(padded: &[u8]) -> Option<Secret> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    (padded[end] == 0x80).then(|| Secret::new(&padded[..end]))
}
