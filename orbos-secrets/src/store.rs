//! Password stores as `pass` and gopass keep them: a folder with an encrypted file for each entry.

pub(crate) mod folder;
pub(crate) mod gpg;

use crate::{Error, Result, Secret};
use std::{collections::BTreeSet, fmt::Debug};

const GPG: &str = "gpg";
const AGE: &str = "age";

/// The files of a store, with `/` between folders, relative to the store. [`Folder`](crate::Folder) has them on
/// disk; a program that keeps a repository in memory implements it for that.
pub trait Files: Debug {
    /// Every file below the store, sorted. A store that does not exist has none.
    ///
    /// # Errors
    ///
    /// What reading reported.
    fn list(&self) -> std::io::Result<Vec<String>>;

    /// The contents of a file, `None` if there is none.
    ///
    /// # Errors
    ///
    /// What reading reported.
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>>;

    /// Writes a file, and the folders it needs: all of it, or nothing.
    ///
    /// # Errors
    ///
    /// What writing reported.
    fn write(&mut self, path: &str, contents: &[u8]) -> std::io::Result<()>;

    /// Removes a file; it is no error if there is none.
    ///
    /// # Errors
    ///
    /// What removing reported.
    fn remove(&mut self, path: &str) -> std::io::Result<()>;
}

/// Encrypts and decrypts entries for OpenPGP keys.
pub trait OpenPgp: Debug {
    /// Encrypts for all recipients, as they stand in a `.gpg-id`: fingerprints, key ids or addresses.
    ///
    /// # Errors
    ///
    /// Says which recipient has no usable key.
    fn encrypt(&self, recipients: &[String], contents: &Secret) -> Result<Vec<u8>>;

    /// Decrypts with the private keys at hand.
    ///
    /// # Errors
    ///
    /// Says whether a key is missing or the file is damaged.
    fn decrypt(&self, file: &[u8]) -> Result<Secret>;
}

/// A store of `pass` or gopass. Both programs read what it writes, and the other way round.
///
/// A folder's recipients stand in its `.gpg-id` (entries are `NAME.gpg`) or `.age-recipients` (`NAME.age`), or
/// in those of the nearest folder above.
///
/// ```no_run
/// use orbos_secrets::{Folder, GpgProgram, PasswordStore, Secret};
///
/// let mut store = PasswordStore::new(Folder::new("orb/secrets")).with_openpgp(GpgProgram::new());
/// store.insert("argocd/admin", &Secret::from_text("hunter2\n"))?;
/// let password = store.show("argocd/admin")?.password()?;
/// # Ok::<(), orbos_secrets::Error>(())
/// ```
#[derive(Debug)]
pub struct PasswordStore<F> {
    files: F,
    openpgp: Option<Box<dyn OpenPgp>>,
    #[cfg(feature = "age")]
    age: Option<crate::AgeIdentity>,
}

/// What an entry holds: the password in the first line, anything below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(Secret);

impl Entry {
    /// All of it, as it was written.
    pub fn contents(&self) -> &Secret {
        &self.0
    }

    /// The first line, without its line break.
    ///
    /// # Errors
    ///
    /// [`NotText`](Error::NotText) if the entry is not UTF-8.
    pub fn password(&self) -> Result<Secret> {
        Ok(Secret::from_text(self.0.expose_text()?.lines().next().unwrap_or_default()))
    }

    /// What stands behind `KEY:` in one of the lines below the password; `None` if no line begins with it.
    ///
    /// # Errors
    ///
    /// [`NotText`](Error::NotText) if the entry is not UTF-8.
    pub fn field(&self, key: &str) -> Result<Option<Secret>> {
        let lines = self.0.expose_text()?.lines().skip(1);
        let mut fields = lines.filter_map(|line| line.split_once(':'));
        Ok(fields.find(|(name, _)| name.trim() == key).map(|(_, value)| Secret::from_text(value.trim())))
    }
}

impl<F: Files> PasswordStore<F> {
    /// A store that can be listed; it opens nothing before it has keys.
    pub fn new(files: F) -> Self {
        Self {
            files,
            openpgp: None,
            #[cfg(feature = "age")]
            age: None,
        }
    }

    /// With OpenPGP keys for entries `NAME.gpg`.
    #[must_use]
    pub fn with_openpgp(self, openpgp: impl OpenPgp + 'static) -> Self {
        Self { openpgp: Some(Box::new(openpgp)), ..self }
    }

    /// With private keys to read entries `NAME.age`; writing them needs none.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn with_age(self, identity: crate::AgeIdentity) -> Self {
        Self { age: Some(identity), ..self }
    }

    /// The store's files.
    pub fn files(&self) -> &F {
        &self.files
    }

    /// The names of all entries, sorted: `argocd/admin`.
    ///
    /// # Errors
    ///
    /// [`StoreFile`](Error::StoreFile) if the files cannot be listed.
    pub fn entries(&self) -> Result<Vec<String>> {
        let files = self.files.list().map_err(|source| Error::StoreFile { path: String::new(), source })?;
        let entries = files.iter().filter_map(|file| {
            let name = file.strip_suffix(".gpg").or_else(|| file.strip_suffix(".age"))?;
            check_name(name).is_ok().then(|| name.to_owned())
        });
        Ok(entries.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Opens an entry.
    ///
    /// # Errors
    ///
    /// [`Store`](Error::Store) if there is no such entry or no key for it, [`Damaged`](Error::Damaged) if it
    /// cannot be read.
    pub fn show(&self, name: &str) -> Result<Entry> {
        check_name(name)?;
        if let Some(file) = self.read(&format!("{name}.{GPG}"))? {
            return self.openpgp(name)?.decrypt(&file).map(Entry);
        }
        match self.read(&format!("{name}.{AGE}"))? {
            Some(file) => self.decrypt_age(name, &file).map(Entry),
            None => Err(refused(name, "there is no such entry")),
        }
    }

    /// Encrypts an entry for the recipients of its folder and writes it, in place of an older one of its name.
    ///
    /// `pass` and gopass end the password with a line break.
    ///
    /// # Errors
    ///
    /// [`Store`](Error::Store) if the name is not valid or no folder above has recipients,
    /// [`Recipient`](Error::Recipient) if one of them cannot be encrypted for. Nothing is written then.
    pub fn insert(&mut self, name: &str, contents: &Secret) -> Result<()> {
        check_name(name)?;
        let (kind, recipients) = self.recipients(name)?;
        let path = format!("{name}.{kind}");
        let file = match kind {
            GPG => self.openpgp(name)?.encrypt(&recipients, contents)?,
            _ => encrypt_age(&recipients, contents)?,
        };
        self.files.write(&path, &file).map_err(|source| Error::StoreFile { path, source })
    }

    /// Removes an entry; it is no error if there is none. It stays in the history of a repository.
    ///
    /// # Errors
    ///
    /// [`Store`](Error::Store) if the name is not valid, [`StoreFile`](Error::StoreFile) if it cannot be removed.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        check_name(name)?;
        for kind in [GPG, AGE] {
            let path = format!("{name}.{kind}");
            self.files.remove(&path).map_err(|source| Error::StoreFile { path, source })?;
        }
        Ok(())
    }

    /// Which kind of files the entry's folder has, and for whom; an entry that is there stays of its kind.
    fn recipients(&self, name: &str) -> Result<(&'static str, Vec<String>)> {
        let is_age = self.read(&format!("{name}.{AGE}"))?.is_some();
        let mut kinds = [(GPG, ".gpg-id"), (AGE, ".age-recipients")];
        if is_age {
            kinds.reverse();
        }
        let mut folder = name;
        loop {
            folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            for (kind, file) in kinds {
                let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
                let Some(contents) = self.read(&path)? else { continue };
                let recipients = parse_recipients(&contents, kind);
                if recipients.is_empty() {
                    return Err(refused(name, &format!("{path} names no recipients")));
                }
                return Ok((kind, recipients));
            }
            if folder.is_empty() {
                return Err(refused(
                    name,
                    "neither its folder nor one above has a `.gpg-id` or `.age-recipients`; write one with the keys of \
                     those who may read it, for example with `pass init`",
                ));
            }
        }
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.files.read(path).map_err(|source| Error::StoreFile { path: path.to_owned(), source })
    }

    fn openpgp(&self, name: &str) -> Result<&dyn OpenPgp> {
        self.openpgp
            .as_deref()
            .ok_or_else(|| refused(name, "it is encrypted with OpenPGP, and no key is at hand"))
    }

    #[cfg(feature = "age")]
    fn decrypt_age(&self, name: &str, file: &[u8]) -> Result<Secret> {
        let identity = self.age.as_ref();
        let identity =
            identity.ok_or_else(|| refused(name, "it is encrypted with age, and no key is at hand"))?;
        identity
            .decrypt(file)?
            .ok_or_else(|| refused(name, "it is encrypted for other age keys than those at hand"))
    }

    #[cfg(not(feature = "age"))]
    fn decrypt_age(&self, name: &str, _: &[u8]) -> Result<Secret> {
        Err(refused(name, "it is encrypted with age, and this program was built without `age`"))
    }
}

#[cfg(feature = "age")]
fn encrypt_age(recipients: &[String], contents: &Secret) -> Result<Vec<u8>> {
    let recipients = recipients.iter().map(|text| crate::age::recipient(text, text));
    crate::age::encrypt(&recipients.collect::<Result<Vec<_>>>()?, contents.expose())
}

#[cfg(not(feature = "age"))]
fn encrypt_age(recipients: &[String], _: &Secret) -> Result<Vec<u8>> {
    Err(refused(&recipients.join(", "), "this program was built without `age`"))
}

/// A recipient a line; what follows a `#` is a comment, but SSH keys have them in their own comments.
fn parse_recipients(contents: &[u8], kind: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(contents);
    let lines = text.lines().map(|line| match kind {
        GPG => line.split('#').next().unwrap_or_default().trim(),
        _ => Some(line.trim()).filter(|line| !line.starts_with('#')).unwrap_or_default(),
    });
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Keeps names inside the store, and away from its own files.
fn check_name(name: &str) -> Result<()> {
    let bad = |part: &str| part.is_empty() || part.starts_with('.') || part.contains(['\\', '\0']);
    if name.split('/').any(bad) {
        return Err(refused(
            name,
            "its name can have folders with `/` between them, none empty or beginning with `.`",
        ));
    }
    Ok(())
}

fn refused(name: &str, why: &str) -> Error {
    Error::Store { name: name.to_owned(), why: why.to_owned() }
}
