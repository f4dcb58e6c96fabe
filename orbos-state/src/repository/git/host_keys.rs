//! Which machine answers: pinned on first contact, refused when changed.

use std::{
    collections::BTreeMap,
    fmt,
    io::Write,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{Error, Result};

/// The public key of a machine.
#[derive(Clone, PartialEq, Eq)]
pub struct HostKey {
    /// Its algorithm, like `ssh-ed25519`.
    pub algorithm: String,
    /// As SSH sends it.
    pub bytes: Vec<u8>,
    sha256: Option<[u8; 32]>,
}

impl HostKey {
    /// A key from a line of `known_hosts`.
    pub fn new(algorithm: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { algorithm: algorithm.into(), bytes: bytes.into(), sha256: None }
    }

    pub(super) fn offered(certificate: &git2::cert::CertHostkey<'_>) -> Option<Self> {
        let algorithm = certificate.hostkey_type()?.name();
        let bytes = certificate.hostkey()?.to_vec();
        Some(Self { algorithm: algorithm.to_owned(), bytes, sha256: certificate.hash_sha256().copied() })
    }

    /// As `ssh-keygen -l` shows it: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let hash = self.sha256.unwrap_or_else(|| sha256(&self.bytes));
        format!("SHA256:{}", STANDARD.encode(hash).trim_end_matches('='))
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// Remembers the keys of machines by host, `[host]:port` if the port is not 22.
///
/// Called from a thread that may block.
pub trait HostKeys: fmt::Debug + Send + Sync + 'static {
    /// The keys known of a host; none before the first contact.
    ///
    /// # Errors
    ///
    /// If they cannot be read; then nobody is trusted.
    fn known(&self, host: &str) -> Result<Vec<HostKey>>;

    /// Remembers the key of a host that was not known.
    ///
    /// # Errors
    ///
    /// If it cannot be kept; then the host is not trusted.
    fn pin(&self, host: &str, key: &HostKey) -> Result<()>;
}

/// Compares what a host offers with what is known of it, and pins it on first contact.
pub(super) fn check(host_keys: &dyn HostKeys, host: &str, offered: &HostKey) -> Result<()> {
    let known = host_keys.known(host)?;
    if known.is_empty() {
        tracing::info!(host, key = ?offered, "first contact, host key pinned");
        return host_keys.pin(host, offered);
    }
    if known.iter().any(|it| it.bytes == offered.bytes) {
        return Ok(());
    }
    let known: Vec<String> = known.iter().map(|it| format!("{it:?}")).collect();
    let why = format!(
        "its host key has changed: pinned is {}, but it offers {offered:?}; if that is right, remove the pinned key of {host}",
        known.join(", ")
    );
    Err(Error::denied(format!("connecting to {host}"), why))
}

/// Remembers for as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryHostKeys(Mutex<BTreeMap<String, Vec<HostKey>>>);

impl MemoryHostKeys {
    /// Knows these already.
    pub fn new(known: impl IntoIterator<Item = (String, HostKey)>) -> Self {
        let keys = Self::default();
        for (host, key) in known {
            keys.map().entry(host).or_default().push(key);
        }
        keys
    }

    fn map(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<HostKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostKeys for MemoryHostKeys {
    fn known(&self, host: &str) -> Result<Vec<HostKey>> {
        Ok(self.map().get(host).cloned().unwrap_or_default())
    }

    fn pin(&self, host: &str, key: &HostKey) -> Result<()> {
        self.map().entry(host.to_owned()).or_default().push(key.clone());
        Ok(())
    }
}

/// Remembers in a file in the form of OpenSSH's `known_hosts`, without hashed names and patterns.
#[derive(Debug)]
pub struct FileHostKeys(PathBuf);

impl FileHostKeys {
    /// The file is made on first contact.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn failed(&self, doing: &str, error: std::io::Error) -> Error {
        Error::failed(doing, self.0.display().to_string()).because(error)
    }
}

impl HostKeys for FileHostKeys {
    fn known(&self, host: &str) -> Result<Vec<HostKey>> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("reading host keys", error)),
        };
        Ok(text.lines().filter_map(|line| read_line(line, host)).collect())
    }

    fn pin(&self, host: &str, key: &HostKey) -> Result<()> {
        let line = format!("{host} {} {}\n", key.algorithm, STANDARD.encode(&key.bytes));
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| self.failed("writing host keys", error))
    }
}

fn read_line(line: &str, host: &str) -> Option<HostKey> {
    let mut words = line.split_whitespace();
    words.next()?.split(',').find(|it| *it == host)?;
    Some(HostKey::new(words.next()?, STANDARD.decode(words.next()?).ok()?))
}
