//! Files for age recipients and SSH keys, by the `age` crate; its random numbers come from the operating system.

use crate::{Error, Identity, Recipient, Result, Secret};
use age::{
    Decryptor, Encryptor,
    armor::{ArmoredReader, ArmoredWriter, Format},
    secrecy::SecretString,
};
use std::{
    fmt,
    io::{Read, Write},
};
use zeroize::Zeroizing;

type BoxedRecipient = Box<dyn age::Recipient>;

/// Private keys that open what was sealed for their holder: age keys and SSH keys.
pub struct AgeIdentity(Vec<Box<dyn age::Identity>>);

impl AgeIdentity {
    /// Reads the text of an age key file (`AGE-SECRET-KEY-1…`, comments allowed) or of an SSH private key
    /// (Ed25519 or RSA), for whose passphrase, if it has one, `passphrase` is tried.
    ///
    /// # Errors
    ///
    /// [`Identity`](Error::Identity) if it is neither, or the passphrase is missing or wrong.
    pub fn parse(text: &Secret, passphrase: Option<&Secret>) -> Result<Self> {
        let text = text.expose_text().map_err(|_| unfit("it is not text"))?;
        if text.trim_start().starts_with("-----BEGIN") {
            return ssh_identity(text, passphrase).map(|identity| Self(vec![identity]));
        }
        let mut identities: Vec<Box<dyn age::Identity>> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let identity: age::x25519::Identity = line.parse().map_err(|_| {
                unfit("it is neither an age key (AGE-SECRET-KEY-1…) nor an SSH private key (-----BEGIN …)")
            })?;
            identities.push(Box::new(identity));
        }
        if identities.is_empty() { Err(unfit("there is no key in it")) } else { Ok(Self(identities)) }
    }

    pub(crate) fn decrypt(&self, file: &[u8]) -> Result<Option<Secret>> {
        let damaged = |why: String| Error::Damaged { what: "an age file", why };
        let decryptor =
            Decryptor::new_buffered(ArmoredReader::new(file)).map_err(|error| damaged(error.to_string()))?;
        let identities = self.0.iter().map(|identity| &**identity as &dyn age::Identity);
        let mut reader = match decryptor.decrypt(identities) {
            Ok(reader) => reader,
            Err(age::DecryptError::NoMatchingKeys) => return Ok(None),
            Err(error) => return Err(damaged(error.to_string())),
        };
        // As long as the file, so that no copy stays behind when it grows.
        let mut opened = Zeroizing::new(Vec::with_capacity(file.len()));
        reader.read_to_end(&mut opened).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(Secret::new(std::mem::take(&mut *opened))))
    }
}

impl Identity for AgeIdentity {
    fn open(&self, recipient: &Recipient, sealed: &str) -> Result<Option<Secret>> {
        match recipient {
            Recipient::Age(_) | Recipient::Ssh(_) => self.decrypt(sealed.as_bytes()),
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for AgeIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AgeIdentity({} keys)", self.0.len())
    }
}

/// Reads `age1…`, `ssh-ed25519 …` or `ssh-rsa …`.
pub(crate) fn recipient(name: &str, text: &str) -> Result<BoxedRecipient> {
    let refused = |why: &str| Error::Recipient { name: name.to_owned(), why: why.to_owned() };
    if text.contains(['\n', '\r']) {
        return Err(refused("it has more than one line"));
    }
    if !text.starts_with("ssh-") {
        let recipient: age::x25519::Recipient =
            text.parse().map_err(|why| refused(&format!("it is not a valid age recipient: {why}")))?;
        return Ok(Box::new(recipient));
    }
    match text.parse::<age::ssh::Recipient>() {
        Ok(recipient) => Ok(Box::new(recipient)),
        Err(error) => Err(refused(&format!(
            "only ssh-ed25519 and ssh-rsa keys (of 2048 to 4096 bits) can be sealed for: {error:?}"
        ))),
    }
}

pub(crate) fn encrypt_armored(recipients: &[BoxedRecipient], contents: &[u8]) -> Result<String> {
    let bytes = write(recipients, contents, Format::AsciiArmor)?;
    Ok(String::from_utf8(bytes).expect("armor is ASCII"))
}

pub(crate) fn encrypt(recipients: &[BoxedRecipient], contents: &[u8]) -> Result<Vec<u8>> {
    write(recipients, contents, Format::Binary)
}

fn write(recipients: &[BoxedRecipient], contents: &[u8], format: Format) -> Result<Vec<u8>> {
    let failed = |why: String| Error::Recipient { name: "age".into(), why };
    let recipients = recipients.iter().map(|recipient| &**recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(|error| failed(error.to_string()))?;
    let write = || -> std::io::Result<Vec<u8>> {
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(Vec::new(), format)?)?;
        writer.write_all(contents)?;
        writer.finish()?.finish()
    };
    write().map_err(|error| failed(error.to_string()))
}

fn ssh_identity(text: &str, passphrase: Option<&Secret>) -> Result<Box<dyn age::Identity>> {
    let identity = age::ssh::Identity::from_buffer(text.as_bytes(), None)
        .map_err(|_| unfit("it is not a complete SSH private key"))?;
    match (identity, passphrase) {
        (age::ssh::Identity::Unencrypted(key), _) => Ok(Box::new(age::ssh::Identity::from(key))),
        (age::ssh::Identity::Encrypted(_), None) => Err(unfit("it needs its passphrase")),
        (age::ssh::Identity::Encrypted(key), Some(passphrase)) => {
            let passphrase = SecretString::from(passphrase.expose_text()?.to_owned());
            let key = key.decrypt(passphrase).map_err(|_| unfit("the passphrase does not open it"))?;
            Ok(Box::new(age::ssh::Identity::from(key)))
        }
        (age::ssh::Identity::Unsupported(_), _) => Err(unfit(
            "only ssh-ed25519 and ssh-rsa keys can open; an RSA key in the old encrypted PEM format can be \
             converted with `ssh-keygen -p`",
        )),
    }
}

fn unfit(why: &'static str) -> Error {
    Error::Identity { why }
}
