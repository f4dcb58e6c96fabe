//! Public keys, and where they are in private ones.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;

/// A public key as it is in an `authorized_keys` file, without options.
#[derive(Clone, Debug)]
pub(super) struct PublicKey {
    algorithm: String,
    blob: Vec<u8>,
    comment: String,
}

impl PublicKey {
    /// Reads a line of an `authorized_keys` file; nothing but one key may be in the text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.contains(['\n', '\r', '\0']) {
            return Err("it has more than one line");
        }
        let mut words = text.splitn(3, ' ');
        let (Some(algorithm), Some(blob)) = (words.next(), words.next()) else {
            return Err("it should read `ssh-ed25519 AAAA… comment`");
        };
        let blob = STANDARD.decode(blob).map_err(|_| "its second word is not Base64")?;
        let key = Self::from_blob(&blob).ok_or("its second word is not a key")?;
        if key.algorithm != algorithm {
            return Err("its second word is a key of another kind than its first word says");
        }
        Ok(Self { comment: words.next().unwrap_or_default().trim().to_owned(), ..key })
    }

    /// Finds the public part in the text of a private key; `None` for formats in which it cannot be read.
    ///
    /// Read are OpenSSH's own format and RSA keys in PKCS#1, as the original generates them.
    pub(super) fn of_private(text: &str) -> Option<Self> {
        match body(text, "OPENSSH PRIVATE KEY") {
            Some(bytes) => Self::of_openssh(&bytes),
            None => Self::of_pkcs1(&body(text, "RSA PRIVATE KEY")?),
        }
    }

    fn of_openssh(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(OPENSSH)?;
        let (_cipher, _kdf, _options) = (field(&mut rest)?, field(&mut rest)?, field(&mut rest)?);
        let (count, mut rest) = rest.split_first_chunk::<4>()?;
        (*count == [0, 0, 0, 1]).then_some(())?;
        Self::from_blob(field(&mut rest)?)
    }

    /// A sequence of version, modulus and public exponent; SSH wants them the other way round.
    fn of_pkcs1(bytes: &[u8]) -> Option<Self> {
        let mut outer = bytes;
        let mut rest = der(&mut outer, 0x30)?;
        let (_version, modulus, exponent) = (der(&mut rest, 2)?, der(&mut rest, 2)?, der(&mut rest, 2)?);
        let mut blob = Vec::new();
        for part in [b"ssh-rsa", exponent, modulus] {
            blob.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
            blob.extend(part);
        }
        Self::from_blob(&blob)
    }

    fn from_blob(blob: &[u8]) -> Option<Self> {
        let algorithm = field(&mut &*blob).and_then(|it| std::str::from_utf8(it).ok())?;
        let word = !algorithm.is_empty() && algorithm.bytes().all(|it| it.is_ascii_graphic());
        word.then(|| Self { algorithm: algorithm.to_owned(), blob: blob.to_owned(), comment: String::new() })
    }
}

/// Whether a private key can be used only with a passphrase.
pub(super) fn is_locked(private: &str) -> bool {
    let cipher = |bytes: Vec<u8>| Some(field(&mut bytes.strip_prefix(OPENSSH)?)?.to_owned());
    let cipher = body(private, "OPENSSH PRIVATE KEY").and_then(cipher);
    private.contains("ENCRYPTED") || cipher.is_some_and(|it| it != b"none")
}

/// What is between the lines with a label.
fn body(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once("-----END ")?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

/// How OpenSSH's own format begins.
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// Whoever has one gets in where the other does; comments do not count.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, STANDARD.encode(&self.blob))?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, " {}", self.comment) }
    }
}

/// Takes what has its length in front of it.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (found, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(found)
}

/// Takes an element of DER with this tag.
fn der<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&[found, first], after) = rest.split_first_chunk::<2>()?;
    (found == tag).then_some(())?;
    let (length, after) = match usize::from(first) {
        short @ 0..0x80 => (short, after),
        long => {
            let (digits, after) =
                after.split_at_checked(long - 0x80).filter(|(it, _)| (1..=4).contains(&it.len()))?;
            (digits.iter().fold(0, |length, it| length << 8 | usize::from(*it)), after)
        }
    };
    let (found, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    fn generate(arguments: &[&str]) -> (String, String) {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("key");
        let mut keygen = Command::new("ssh-keygen");
        let output = keygen.args(["-q", "-C", "me@here"]).args(arguments).arg("-f").arg(&path).output();
        assert!(output.expect("ssh-keygen is installed").status.success());
        let read = |path| fs::read_to_string(path).expect("ssh-keygen made it");
        (read(path.clone()), read(path.with_extension("pub")))
    }

    #[test]
    fn the_public_part_is_found_in_private_keys() {
        for arguments in [
            &["-N", "", "-t", "ed25519"][..],
            &["-N", "", "-t", "ecdsa"],
            &["-N", "", "-t", "rsa", "-b", "2048"],
            &["-N", "", "-t", "rsa", "-b", "2048", "-m", "PEM"],
            &["-N", "secret", "-t", "ed25519"],
        ] {
            let (private, public) = generate(arguments);
            assert_eq!(is_locked(&private), arguments.contains(&"secret"));
            let written = PublicKey::parse(&public).expect("ssh-keygen wrote it");
            assert_eq!(format!("{written}\n"), public);
            let derived = PublicKey::of_private(&private).expect("the format is known");
            assert_eq!(derived, written);
            assert_eq!(format!("{derived} me@here\n"), public);
        }
    }

    #[test]
    fn of_other_formats_it_is_not_known() {
        let (encrypted, _) = generate(&["-N", "secret", "-t", "rsa", "-b", "2048", "-m", "PEM"]);
        assert!(is_locked(&encrypted));
        let (pkcs8, _) = generate(&["-N", "", "-t", "rsa", "-b", "2048", "-m", "PKCS8"]);
        for text in [
            &encrypted,
            &pkcs8,
            "",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        ] {
            assert!(PublicKey::of_private(text).is_none(), "{text}");
        }
    }

    #[test]
    fn half_a_private_key_makes_nothing_panic() {
        for arguments in
            [&["-N", "", "-t", "ed25519"][..], &["-N", "", "-t", "rsa", "-b", "2048", "-m", "PEM"]]
        {
            let (private, _) = generate(arguments);
            let (begin, rest) = private.split_once('\n').expect("it has lines");
            let (body, end) = rest.split_once("-----END").expect("it has an end");
            let bytes = STANDARD.decode(body.replace('\n', "")).expect("it is Base64");
            for length in 0..bytes.len() {
                let body = STANDARD.encode(&bytes[..length]);
                let _ = PublicKey::of_private(&format!("{begin}\n{body}\n-----END{end}"));
            }
        }
    }

    #[test]
    fn a_public_key_is_one_line_and_nothing_else() {
        let (_, good) = generate(&["-N", "", "-t", "ed25519"]);
        let blob = good.split(' ').nth(1).expect("it has two words");
        assert!(PublicKey::parse(&good).is_ok() && PublicKey::parse(&format!("ssh-ed25519 {blob}")).is_ok());
        for bad in [
            format!("{good}{good}"),
            format!("command=\"id\" {good}"),
            format!("ssh-rsa {blob}"),
            "ssh-ed25519".to_owned(),
            "ssh-ed25519 AAAA".to_owned(),
            "ssh-ed25519 ?".to_owned(),
            String::new(),
        ] {
            assert!(PublicKey::parse(&bad).is_err(), "{bad}");
        }
    }
}
