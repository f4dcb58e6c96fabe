//! Password stores in a folder of an orb's repository.

use std::{collections::BTreeMap, io};

use orbos_secrets::{Files, GpgProgram, PasswordStore};
#[cfg(feature = "openpgp")]
use orbos_secrets::{OpenPgp, OpenPgpKeys, Secret};
use orbos_state::{Edit, Error, Snapshot};

use crate::{Session, identity::PrivateKey};

/// Where gopass keeps the public keys of those who may read a store.
#[cfg(feature = "openpgp")]
const PUBLIC_KEYS: &str = ".public-keys";

/// The files of a store at one revision, and what would be written.
#[derive(Clone, Debug)]
pub struct StoreFiles {
    files: Snapshot,
    folder: String,
    changed: BTreeMap<String, Option<Vec<u8>>>,
}

impl StoreFiles {
    /// A folder of the repository; an empty name for all of it.
    pub fn new(files: Snapshot, folder: &str) -> Self {
        Self { files, folder: folder.trim_matches('/').to_owned(), changed: BTreeMap::new() }
    }

    /// Adds what was written to a commit; absent if nothing was.
    pub fn edit(&self, subject: String) -> Option<Edit> {
        let edit = Edit { files: self.changed.clone(), ..Edit::new(subject) };
        (!edit.files.is_empty()).then_some(edit)
    }

    fn path(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }
}

impl Files for StoreFiles {
    fn list(&self) -> io::Result<Vec<String>> {
        let inside = |path: &str| match self.folder.as_str() {
            "" => Some(path.to_owned()),
            folder => path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned),
        };
        Ok(self.files.below(&self.folder).filter_map(inside).collect())
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(path);
        if let Some(contents) = self.changed.get(&path) {
            return Ok(contents.clone());
        }
        match self.files.bytes(&path) {
            Some(contents) => Ok(Some(contents.to_vec())),
            None if self.files.contains(&path) => Err(io::Error::other("it is larger than 4 MiB")),
            None => Ok(None),
        }
    }

    fn write(&mut self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.changed.insert(self.path(path), Some(contents.to_vec()));
        Ok(())
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        let path = self.path(path);
        if self.files.contains(&path) {
            self.changed.insert(path, None);
        }
        Ok(())
    }
}

/// A store in a folder, with the keys at hand: those of the identity file, and those of the `gpg` program.
///
/// # Errors
///
/// If the identity file cannot be used.
pub fn password_store(
    session: &Session,
    files: &Snapshot,
    folder: &str,
) -> Result<PasswordStore<StoreFiles>, Error> {
    let files = StoreFiles::new(files.clone(), folder);
    let mut store = PasswordStore::new(files.clone()).with_openpgp(GpgProgram::new());
    for key in session.private_keys()? {
        store = match key {
            PrivateKey::Age(key) => store.with_age(key),
            #[cfg(feature = "openpgp")]
            PrivateKey::OpenPgp(key) => store.with_openpgp(own(*key, &files)),
            // GnuPG finds the card by itself.
            #[cfg(feature = "openpgp-card")]
            PrivateKey::Card(_) => store,
        };
    }
    Ok(store)
}

#[cfg(feature = "openpgp")]
fn own(key: orbos_secrets::OpenPgpKey, files: &StoreFiles) -> OwnKey {
    let mut keys = OpenPgpKeys::new().with_key(key);
    let public = files.list().unwrap_or_default();
    for path in public.iter().filter(|it| it.split('/').rev().nth(1) == Some(PUBLIC_KEYS)) {
        let Ok(Some(certificate)) = files.read(path) else { continue };
        // Whoever is missing then is named when something is encrypted.
        if keys.add_certificate(&certificate).is_err() {
            tracing::warn!(%path, "not a public key");
        }
    }
    OwnKey { keys, gpg: GpgProgram::new() }
}

/// Decrypts with the key of the identity file, or as `gpg` can; encrypts for the public keys that it knows, or, if one
/// of them is missing, for those that `gpg` knows. If it knows several of a name nobody guesses which one is meant.
#[cfg(feature = "openpgp")]
#[derive(Debug)]
struct OwnKey {
    keys: OpenPgpKeys,
    gpg: GpgProgram,
}

#[cfg(feature = "openpgp")]
impl OpenPgp for OwnKey {
    fn encrypt(&self, recipients: &[String], contents: &Secret) -> orbos_secrets::Result<Vec<u8>> {
        match recipients.iter().all(|it| self.keys.knows(it)) {
            true => self.keys.encrypt(recipients, contents),
            false => self.gpg.encrypt(recipients, contents),
        }
    }

    fn decrypt(&self, file: &[u8]) -> orbos_secrets::Result<Secret> {
        self.keys.decrypt(file).or_else(|own| self.gpg.decrypt(file).map_err(|_| own))
    }
}
