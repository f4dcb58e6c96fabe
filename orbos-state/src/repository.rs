//! Where an orb's desired and current state live.

#[cfg(feature = "git")]
pub(crate) mod git;
pub(crate) mod memory;
mod update;

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use update::{Limits, update};

use crate::{Diagnostic, Diagnostics, Result, Source, diagnostic::code, yaml};

/// The name of one state of all files; for Git the full id of a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(String);

impl Revision {
    /// A revision by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Before the first commit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is shown to humans: the first seven characters.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All files at one revision. Cheap to clone.
///
/// Of a file that is larger than 4 MiB only its size is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision.
    pub revision: Revision,
    files: Arc<BTreeMap<String, Content>>,
}

/// What a snapshot knows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    TooLarge(u64),
}

impl Content {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        if bytes.len() > yaml::MAX_BYTES {
            Self::TooLarge(bytes.len() as u64)
        } else {
            Self::Bytes(bytes.to_vec())
        }
    }
}

impl Snapshot {
    /// Files with their texts; for tests and for callers without a repository.
    pub fn new<P: Into<String>, T: AsRef<[u8]>>(
        revision: Revision,
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Self {
        let content = |(path, text): (P, T)| (path.into(), Content::new(text.as_ref()));
        Self::of(revision, files.into_iter().map(content).collect())
    }

    pub(crate) fn of(revision: Revision, files: BTreeMap<String, Content>) -> Self {
        Self { revision, files: Arc::new(files) }
    }

    /// The paths of all files, sorted, `/` between folders.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The paths of all files below a folder, however deep.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let folder = folder.trim_matches('/');
        let inside = move |path: &str| {
            folder.is_empty() || path.strip_prefix(folder).is_some_and(|it| it.starts_with('/'))
        };
        self.paths().filter(move |it| inside(it))
    }

    /// What a file says; absent if it is not there, is too large, or is not UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(path)?).ok()
    }

    /// What a file holds; absent if it is not there or is too large.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        match self.files.get(path)? {
            Content::Bytes(bytes) => Some(bytes),
            Content::TooLarge(_) => None,
        }
    }

    /// Whether there is such a file, whatever it holds.
    pub fn contains(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// A file to read documents from.
    ///
    /// # Errors
    ///
    /// If it is not there, is larger than 4 MiB, or is not UTF-8.
    pub fn source(&self, path: &str) -> Result<Source, Diagnostics> {
        let wrong = |code, message: &str| Diagnostic::of_file(code, path, message);
        match self.files.get(path) {
            None => Err(wrong(code::NO_FILE, "the file is not there")
                .hint(format!("add `{path}` to the repository"))
                .into()),
            Some(Content::TooLarge(bytes)) => Err(yaml::too_large(path, *bytes).into()),
            Some(Content::Bytes(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Source::new(path, text)),
                Err(_) => Err(wrong(code::NOT_TEXT, "the file is not UTF-8").hint("save it as UTF-8").into()),
            },
        }
    }

    /// Whether committing these files would change anything.
    pub(crate) fn differs(&self, edit: &Edit) -> bool {
        edit.files.iter().any(|(path, contents)| match contents {
            Some(contents) => self.bytes(path) != Some(contents),
            None => self.contains(path),
        })
    }
}

/// Who signs a commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Author {
    /// A name for humans.
    pub name: String,
    /// An address.
    pub email: String,
}

impl Author {
    /// Somebody by name and address.
    pub fn new(name: impl Into<String>, email: impl Into<String>) -> Self {
        Self { name: name.into(), email: email.into() }
    }
}

impl Default for Author {
    /// `orbos <orbos@caos.ch>`, as in the original.
    fn default() -> Self {
        Self::new("orbos", "orbos@caos.ch")
    }
}

/// One commit to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The first line of the message.
    pub subject: String,
    /// The rest of the message; may be empty.
    pub body: String,
    /// Who signs it.
    pub author: Author,
    /// New contents by path; what is absent removes the file.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
}

impl Edit {
    /// A commit without files so far.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), ..Self::default() }
    }

    /// Writes a file: a text, or bytes that are none.
    #[must_use]
    pub fn write(mut self, path: impl Into<String>, contents: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), Some(contents.into()));
        self
    }

    /// Removes a file.
    #[must_use]
    pub fn remove(mut self, path: impl Into<String>) -> Self {
        self.files.insert(path.into(), None);
        self
    }

    /// Says more than the subject does.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Signed by somebody else than the default.
    #[must_use]
    pub fn author(mut self, author: Author) -> Self {
        self.author = author;
        self
    }
}

/// Where an orb's desired and current state live.
///
/// What an implementation has to keep is checked by `testing::repository_suite` (feature `testing`).
#[async_trait]
pub trait Repository: fmt::Debug + Send + Sync + 'static {
    /// All files at the newest revision.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](crate::Error::Unreachable) if nobody answers, [`Denied`](crate::Error::Denied)
    /// if reading is refused.
    async fn snapshot(&self) -> Result<Snapshot>;

    /// Makes a commit on a revision, if that is still the newest, and returns the new newest one.
    ///
    /// If nothing would change, no commit is made and `base` is returned.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::Error::Conflict) if `base` is no longer the newest revision,
    /// [`Denied`](crate::Error::Denied) if writing is refused.
    async fn commit(&self, base: &Revision, edit: &Edit) -> Result<Revision>;

    /// Waits for one's turn to read, change and commit; [`update`] does so.
    ///
    /// Writers of one process that wait for each other do not race each other; those of other
    /// processes are not held off. Unless implemented, nobody waits.
    async fn turn(&self) -> Turn {
        Turn::default()
    }
}

/// While it is held, other writers of this process wait, see [`Repository::turn`].
#[derive(Debug, Default)]
#[must_use = "others go on as soon as it is dropped"]
pub struct Turn {
    // In this order: processes are let in before the next one of this process tries.
    _lock: Option<std::fs::File>,
    _held: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    /// Waits until everybody who came before on the same queue is done.
    pub async fn wait(queue: &Arc<Mutex<()>>) -> Self {
        Self { _lock: None, _held: Some(Arc::clone(queue).lock_owned().await) }
    }

    /// Also holds a locked file, which other processes wait for.
    pub fn with_lock(self, file: std::fs::File) -> Self {
        Self { _lock: Some(file), ..self }
    }
}
