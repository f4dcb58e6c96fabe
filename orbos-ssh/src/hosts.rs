use std::{collections::BTreeMap, fmt, str::FromStr, sync::Mutex};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use sha2::{Digest, Sha256};

/// The public key of a machine's SSH server.
///
/// Reads and prints as in a `known_hosts` file: `ssh-ed25519 AAAA…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

impl HostKey {
    /// Takes a key as it is on the wire; `None` if that does not begin with
    /// the name of an algorithm.
    #[must_use]
    pub fn from_wire(blob: &[u8]) -> Option<Self> {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let name = rest.get(..u32::from_be_bytes(*length) as usize)?;
        let algorithm = std::str::from_utf8(name).ok().filter(|it| is_word(it))?;
        Some(Self { algorithm: algorithm.to_owned(), blob: blob.to_owned() })
    }

    /// Returns the name of the key's algorithm, as `ssh-ed25519`.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// Returns the fingerprint as `ssh-keygen -l` prints it, `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.blob)))
    }

    pub(crate) fn described(&self) -> String {
        format!("{} {}", self.algorithm, self.fingerprint())
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_graphic())
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, STANDARD.encode(&self.blob))
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({})", self.described())
    }
}

impl FromStr for HostKey {
    type Err = BadHostKey;

    fn from_str(text: &str) -> Result<Self, BadHostKey> {
        let mut words = text.split_ascii_whitespace();
        let (Some(algorithm), Some(blob)) = (words.next(), words.next()) else {
            return Err(BadHostKey { line: text.to_owned() });
        };
        let key = STANDARD.decode(blob).ok().and_then(|it| Self::from_wire(&it));
        key.filter(|it| it.algorithm == algorithm).ok_or_else(|| BadHostKey { line: text.to_owned() })
    }
}

/// A text that is no host key, or a line that is no pinned one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line:?} is no host key; it should read `host ssh-ed25519 AAAA…`")]
pub struct BadHostKey {
    /// The text.
    pub line: String,
}

/// Remembers the host key of every machine that was ever logged in to.
///
/// A key is pinned at the first login; from then on a machine with another key
/// is refused until its key is forgotten.
pub trait HostKeys: fmt::Debug + Send + Sync {
    /// Returns the pinned key; `None` if there was no contact yet.
    fn known(&self, host: &str) -> Option<HostKey>;

    /// Pins a key, in place of any that was.
    fn pin(&self, host: &str, key: HostKey);

    /// Forgets a key, since the machine is gone or known to be set up again.
    fn forget(&self, host: &str);
}

/// Host keys in memory, to be read from and written to a text.
///
/// The text has a line `host algorithm key` for every machine, sorted, as in a
/// `known_hosts` file.
///
/// # Examples
///
/// ```
/// use orbos_ssh::{HostKeys, KnownHosts};
///
/// let text = "10.0.0.7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE/pnWMAFzSLqq/Ef7EbHmoXfFAIwhFfJUMWs5SMYkNE\n";
/// let hosts: KnownHosts = text.parse()?;
/// assert_eq!(hosts.known("10.0.0.7").map(|key| key.algorithm().to_owned()), Some("ssh-ed25519".into()));
/// assert_eq!(hosts.to_string(), text);
/// # Ok::<(), orbos_ssh::BadHostKey>(())
/// ```
#[derive(Debug, Default)]
pub struct KnownHosts {
    keys: Mutex<BTreeMap<String, HostKey>>,
}

impl KnownHosts {
    /// Starts without any.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all of them, by host.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, HostKey> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, HostKey>> {
        self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl HostKeys for KnownHosts {
    fn known(&self, host: &str) -> Option<HostKey> {
        self.lock().get(host).cloned()
    }

    fn pin(&self, host: &str, key: HostKey) {
        self.lock().insert(host.to_owned(), key);
    }

    fn forget(&self, host: &str) {
        self.lock().remove(host);
    }
}

impl From<BTreeMap<String, HostKey>> for KnownHosts {
    fn from(keys: BTreeMap<String, HostKey>) -> Self {
        Self { keys: Mutex::new(keys) }
    }
}

impl fmt::Display for KnownHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().iter().try_for_each(|(host, key)| writeln!(f, "{host} {key}"))
    }
}

impl FromStr for KnownHosts {
    type Err = BadHostKey;

    /// Skips empty lines and comments (`#`).
    fn from_str(text: &str) -> Result<Self, BadHostKey> {
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
        let keys = lines.map(|line| {
            let bad = || BadHostKey { line: line.to_owned() };
            let (host, key) = line.split_once(char::is_whitespace).ok_or_else(bad)?;
            Ok((host.to_owned(), key.trim().parse().map_err(|_| bad())?))
        });
        Ok(keys.collect::<Result<BTreeMap<_, _>, _>>()?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: &str, rest: &[u8]) -> HostKey {
        let mut blob = u32::try_from(algorithm.len()).expect("it is short").to_be_bytes().to_vec();
        blob.extend_from_slice(algorithm.as_bytes());
        blob.extend_from_slice(rest);
        HostKey::from_wire(&blob).expect("it begins with an algorithm")
    }

    #[test]
    fn the_text_is_sorted_and_reads_back() {
        let hosts = KnownHosts::new();
        hosts.pin("[10.0.0.9]:2222", key("ssh-ed25519", b"b"));
        hosts.pin("10.0.0.8", key("ssh-rsa", b"a"));
        hosts.pin("10.0.0.8", key("ssh-ed25519", b"c"));
        let text = hosts.to_string();
        let starts: Vec<_> = text.lines().map(|it| it.rsplit_once(' ').expect("three words").0).collect();
        assert_eq!(starts, ["10.0.0.8 ssh-ed25519", "[10.0.0.9]:2222 ssh-ed25519"]);
        let read: KnownHosts = format!("# pinned by ORBITER\n\n{text}").parse().expect("it was just printed");
        assert_eq!(read.all(), hosts.all());
        hosts.forget("10.0.0.8");
        assert_eq!(hosts.known("10.0.0.8"), None);
    }

    #[test]
    fn a_line_that_is_no_key_is_refused_rather_than_forgotten() {
        let rsa = key("ssh-rsa", b"a").to_string();
        let lying = rsa.replace("ssh-rsa ", "ssh-ed25519 ");
        for line in
            ["host", "host ssh-rsa", "host ssh-rsa !!!", "host ssh-rsa AAAA", &format!("host {lying}")]
        {
            assert_eq!(line.parse::<KnownHosts>().map(drop), Err(BadHostKey { line: line.into() }));
        }
        assert!(HostKey::from_wire(b"\0\0\0\xffssh-rsa").is_none());
    }
}
