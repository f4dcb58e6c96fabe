//! OpenPGP by the `pgp` crate.

#[cfg(feature = "openpgp-card")]
pub(crate) mod card;

use crate::{Error, Identity, OpenPgp, Recipient, Result, Secret};
use pgp::{
    composed::{
        ArmorOptions, Deserializable, Message, MessageBuilder, SignedPublicKey, SignedPublicSubKey,
        SignedSecretKey,
    },
    crypto::sym::SymmetricKeyAlgorithm,
    packet::SignatureType,
    types::{KeyDetails, Password},
};
use rand_core::{CryptoRngCore, OsRng};
use std::{fmt, io::Read};
use zeroize::Zeroizing;

/// An OpenPGP private key in software.
pub struct OpenPgpKey {
    key: SignedSecretKey,
    password: Password,
}

impl OpenPgpKey {
    /// Reads a private key, armored or not, as `gpg --export-secret-keys` writes it; tries `passphrase` for it
    /// if it has one.
    ///
    /// # Errors
    ///
    /// [`Identity`](Error::Identity) if it is no private key, or the passphrase is missing or wrong.
    pub fn parse(key: &Secret, passphrase: Option<&Secret>) -> Result<Self> {
        let unfit = |why| Error::Identity { why };
        let (key, _) = SignedSecretKey::from_reader_single(key.expose())
            .map_err(|_| unfit("it is not an OpenPGP private key"))?;
        let password = Password::from(passphrase.map_or(&b""[..], Secret::expose));
        for subkey in &key.secret_subkeys {
            if !matches!(subkey.key.unlock(&password, |_, _| Ok(())), Ok(Ok(()))) {
                return Err(unfit(match passphrase {
                    None => "it needs its passphrase",
                    Some(_) => "the passphrase does not open it",
                }));
            }
        }
        Ok(Self { key, password })
    }

    /// `None` if it is for other keys.
    fn decrypt(&self, file: &[u8]) -> Result<Option<Secret>> {
        let (message, _) = Message::from_reader(file).map_err(damaged)?;
        match message.decrypt(&self.password, &self.key) {
            Ok(message) => read(message, file.len()).map(Some),
            Err(pgp::errors::Error::MissingKey) => Ok(None),
            Err(error) => Err(damaged(error)),
        }
    }
}

impl Identity for OpenPgpKey {
    fn open(&self, recipient: &Recipient, sealed: &str) -> Result<Option<Secret>> {
        match recipient {
            Recipient::Openpgp(_) => self.decrypt(sealed.as_bytes()),
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for OpenPgpKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OpenPgpKey({:x})", self.key.fingerprint())
    }
}

/// Certificates and private keys for a [`PasswordStore`](crate::PasswordStore) where no `gpg` program is; its
/// random numbers come from the operating system.
#[derive(Debug, Default)]
pub struct OpenPgpKeys {
    certificates: Vec<SignedPublicKey>,
    keys: Vec<OpenPgpKey>,
}

impl OpenPgpKeys {
    /// Without any key.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a certificate to encrypt for, as `gpg --export` writes it, armored or not.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if nothing can be encrypted for it.
    pub fn with_certificate(mut self, certificate: &[u8]) -> Result<Self> {
        self.add_certificate(certificate)?;
        Ok(self)
    }

    /// Adds a certificate to encrypt for, as `gpg --export` writes it, armored or not.
    ///
    /// # Errors
    ///
    /// [`Recipient`](Error::Recipient) if nothing can be encrypted for it; nothing is changed then.
    pub fn add_certificate(&mut self, certificate: &[u8]) -> Result<()> {
        self.certificates.push(read_certificate("OpenPGP certificate", certificate)?);
        Ok(())
    }

    /// With a private key to decrypt with, and to encrypt for.
    #[must_use]
    pub fn with_key(mut self, key: OpenPgpKey) -> Self {
        self.certificates.push(key.key.to_public_key());
        self.keys.push(key);
        self
    }

    /// Whether there is a certificate for a recipient, by fingerprint, key id or address.
    pub fn knows(&self, name: &str) -> bool {
        self.matching(name).next().is_some()
    }

    /// By fingerprint, key id or an address that only one of the certificates has.
    fn find(&self, name: &str) -> Result<&SignedPublicKey> {
        let mut found = self.matching(name);
        let Some(one) = found.next() else {
            return Err(refused(name, "there is no certificate of this name at hand"));
        };
        if found.any(|other| other.fingerprint() != one.fingerprint()) {
            return Err(refused(name, "several certificates fit; name it by its fingerprint"));
        }
        Ok(one)
    }

    fn matching(&self, name: &str) -> impl Iterator<Item = &SignedPublicKey> {
        let digits = name.trim_start_matches("0x").trim_end_matches('!').to_ascii_lowercase();
        let is_id = digits.len() >= 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let matches = move |certificate: &&SignedPublicKey| {
            if is_id {
                let subkeys = certificate.public_subkeys.iter().map(KeyDetails::fingerprint);
                let mut all = subkeys.chain([certificate.fingerprint()]);
                return all.any(|fingerprint| format!("{fingerprint:x}").ends_with(&digits));
            }
            let users = certificate.details.users.iter().filter_map(|user| user.id.as_str());
            users.into_iter().any(|user| user == name || user.ends_with(&format!("<{name}>")))
        };
        self.certificates.iter().filter(matches)
    }
}

impl OpenPgp for OpenPgpKeys {
    fn encrypt(&self, recipients: &[String], contents: &Secret) -> Result<Vec<u8>> {
        let mut builder = MessageBuilder::from_bytes("", contents.expose().to_vec())
            .seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
        for name in recipients {
            let certificate = self.find(name)?;
            builder
                .encrypt_to_key(OsRng, &encryption_key(name, certificate)?)
                .map_err(|error| refused(name, &error.to_string()))?;
        }
        builder.to_vec(OsRng).map_err(|error| refused(&recipients.join(", "), &error.to_string()))
    }

    fn decrypt(&self, file: &[u8]) -> Result<Secret> {
        for key in &self.keys {
            if let Some(secret) = key.decrypt(file)? {
                return Ok(secret);
            }
        }
        Err(Error::Identity { why: "none of the OpenPGP keys at hand is among the recipients" })
    }
}

/// Fingerprint and first user of a certificate; empty if it is none.
pub(crate) fn summary(armored: &str) -> String {
    let Ok((certificate, _)) = SignedPublicKey::from_reader_single(armored.as_bytes()) else {
        return String::new();
    };
    let user = certificate.details.users.first().and_then(|user| user.id.as_str()).unwrap_or_default();
    format!("{:X} {user}", certificate.fingerprint()).trim_end().to_owned()
}

/// Whether it is one certificate, and one that can be encrypted for.
pub(crate) fn check(name: &str, armored: &str) -> Result<()> {
    let blocks = armored.matches("-----BEGIN PGP PUBLIC KEY BLOCK-----").count();
    let several = SignedPublicKey::from_reader_many(armored.as_bytes())
        .is_ok_and(|(certificates, _)| certificates.take(2).count() > 1);
    if blocks > 1 || several {
        return Err(refused(name, "there are several OpenPGP keys in it; export the one that is meant"));
    }
    certificate(name, armored).map(drop)
}

/// Reads an armored certificate that can be encrypted for.
pub(crate) fn certificate(name: &str, armored: &str) -> Result<SignedPublicKey> {
    read_certificate(name, armored.as_bytes())
}

fn read_certificate(name: &str, bytes: &[u8]) -> Result<SignedPublicKey> {
    let (certificate, _) = SignedPublicKey::from_reader_single(bytes)
        .map_err(|error| refused(name, &format!("it is not a valid OpenPGP certificate: {error}")))?;
    encryption_key(name, &certificate)?;
    Ok(certificate)
}

/// The newest subkey that is meant for encryption and not revoked, as GnuPG chooses. Whether it has expired is
/// not looked at: that would need a clock, and a keyring has to be sealed again for everybody or for nobody.
pub(crate) fn encryption_key<'a>(
    name: &str,
    certificate: &'a SignedPublicKey,
) -> Result<&'a SignedPublicSubKey> {
    if !certificate.details.revocation_signatures.is_empty() {
        return Err(refused(name, "its OpenPGP key was revoked"));
    }
    let usable = certificate.public_subkeys.iter().filter(|subkey| {
        let revoked = subkey
            .signatures
            .iter()
            .any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation));
        let meant = subkey.signatures.iter().any(|signature| {
            let flags = signature.key_flags();
            flags.encrypt_comms() || flags.encrypt_storage()
        });
        let bound = subkey.verify_bindings(&certificate.primary_key).is_ok();
        meant && !revoked && bound && subkey.algorithm().can_encrypt()
    });
    usable
        .max_by_key(|subkey| subkey.created_at())
        .ok_or_else(|| refused(name, "its OpenPGP certificate has no valid subkey for encryption"))
}

pub(crate) fn encrypt_armored(
    certificate: &SignedPublicKey,
    secret: &Secret,
    mut random: &mut dyn CryptoRngCore,
) -> Result<String> {
    let failed = |error: pgp::errors::Error| refused("openpgp", &error.to_string());
    let subkey = encryption_key("openpgp", certificate)?;
    let mut builder = MessageBuilder::from_bytes("", secret.expose().to_vec())
        .seipd_v1(&mut random, SymmetricKeyAlgorithm::AES256);
    builder.encrypt_to_key(&mut random, &subkey).map_err(failed)?;
    builder.to_armored_string(&mut random, ArmorOptions::default()).map_err(failed)
}

/// The contents of a decrypted message.
pub(crate) fn read(message: Message<'_>, capacity: usize) -> Result<Secret> {
    let mut message = if message.is_compressed() { message.decompress().map_err(damaged)? } else { message };
    let mut opened = Zeroizing::new(Vec::with_capacity(capacity));
    message.read_to_end(&mut opened).map_err(damaged)?;
    Ok(Secret::new(std::mem::take(&mut *opened)))
}

pub(crate) fn damaged(error: impl fmt::Display) -> Error {
    Error::Damaged { what: "an OpenPGP message", why: error.to_string() }
}

fn refused(name: &str, why: &str) -> Error {
    Error::Recipient { name: name.to_owned(), why: why.to_owned() }
}
