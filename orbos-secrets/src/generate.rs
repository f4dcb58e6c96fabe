//! Makes new secrets. Where the random numbers come from is a parameter: [`OsRng`] outside tests.

pub use rand_core::{CryptoRngCore, OsRng};

use crate::{Error, Result, Secret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};
use zeroize::Zeroizing;

/// What passwords are made of: letters and digits that are hard to confuse, none of which needs quoting anywhere.
const LETTERS: &[u8; 56] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ2345678";

/// An SSH key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The private key in OpenSSH's PEM format, ending with a line break.
    pub private: Secret,
    /// The public key as one line of an `authorized_keys` file, without a line break.
    pub public: String,
}

/// Makes an Ed25519 key pair for SSH, without a passphrase.
///
/// # Errors
///
/// [`Generate`](Error::Generate) if the comment has line breaks, [`Random`](Error::Random) without random numbers.
pub fn ssh_key_pair(comment: &str, random: &mut dyn CryptoRngCore) -> Result<KeyPair> {
    let failed = |why: String| Error::Generate { what: "an SSH key pair", why };
    if comment.contains(['\n', '\r', '\0']) {
        return Err(failed("its comment has more than one line".into()));
    }
    let mut seed = Zeroizing::new([0; 32]);
    random.try_fill_bytes(&mut *seed).map_err(Error::Random)?;
    let key = PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), comment)
        .map_err(|error| failed(error.to_string()))?;
    let private = key.to_openssh(LineEnding::LF).map_err(|error| failed(error.to_string()))?;
    let public = key.public_key().to_openssh().map_err(|error| failed(error.to_string()))?;
    Ok(KeyPair { private: Secret::from_text(&*private as &str), public: public.trim_end().to_owned() })
}

/// Makes a password of so many characters, each worth 5.8 bits; 24 are more than anybody can guess.
///
/// # Errors
///
/// [`Generate`](Error::Generate) if it would have fewer than 12 characters, [`Random`](Error::Random) without
/// random numbers.
pub fn password(characters: usize, random: &mut dyn CryptoRngCore) -> Result<Secret> {
    if characters < 12 {
        return Err(Error::Generate {
            what: "a password",
            why: format!("it would have {characters} characters, but needs 12 or more"),
        });
    }
    let mut text = Zeroizing::new(Vec::with_capacity(characters));
    while text.len() < characters {
        let mut bytes = Zeroizing::new([0; 64]);
        random.try_fill_bytes(&mut *bytes).map_err(Error::Random)?;
        // 224 is a multiple of 56; taking larger bytes too would prefer some letters.
        let letters = bytes.iter().filter(|byte| **byte < 224).map(|byte| LETTERS[usize::from(byte % 56)]);
        let missing = characters - text.len();
        text.extend(letters.take(missing));
    }
    Ok(Secret::new(&**text))
}

/// Makes a token: 32 random bytes as 43 characters that are safe in URLs, headers and file names.
///
/// # Errors
///
/// [`Random`](Error::Random) without random numbers.
pub fn token(random: &mut dyn CryptoRngCore) -> Result<Secret> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.try_fill_bytes(&mut *bytes).map_err(Error::Random)?;
    Ok(Secret::from_text(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}
