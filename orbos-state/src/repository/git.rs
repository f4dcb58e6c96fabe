//! A Git repository, over SSH or on this disk.

mod address;
mod blocking;
mod diagnose;
mod host_keys;
mod remote;
mod store;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orbos_secrets::Secret;

use address::Address;
use blocking::Blocking;
pub use host_keys::{FileHostKeys, HostKey, HostKeys, MemoryHostKeys};
use store::Store;

use super::{Edit, Repository, Revision, Snapshot, Turn};
use crate::{Error, Result};

/// How long the other side may take for one request, unless a caller says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A Git repository: `git@host:path`, `ssh://git@host:port/path`, `file:///path` or a plain path.
///
/// Over SSH it keeps one bare clone in a folder and only ever fetches; asking for news is one
/// connection, and nothing is fetched if there are none. Commits are built without a work tree on the
/// newest revision of the remote's default branch, `main` if the remote is empty. On this disk it
/// works in the repository itself; Git hooks are only run by a server.
///
/// Clones share everything, and writers that use [`update`](crate::update) wait for each other, also
/// those of other processes that use the same folder.
///
/// ```no_run
/// # async fn example(repokey: orbos_secrets::Secret) -> orbos_state::Result<()> {
/// use orbos_state::{FileHostKeys, GitRepository, Repository};
///
/// let repository = GitRepository::open("git@example.com:me/orb.git", "/var/cache/orb.git")?
///     .with_key(repokey)
///     .with_host_keys(FileHostKeys::new("/home/me/.orb/known_hosts"));
/// let files = repository.snapshot().await?;
/// println!("{} says {:?}", files.revision.short(), files.text("orbiter.yml"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct GitRepository {
    address: Arc<Address>,
    store: Arc<Store>,
    key: Option<Arc<Secret>>,
    host_keys: Arc<dyn HostKeys>,
    blocking: Arc<Blocking>,
    queue: Arc<tokio::sync::Mutex<()>>,
    last: Arc<Mutex<Option<Snapshot>>>,
}

/// What may be done with a repository, and why not.
#[derive(Debug)]
pub struct Access {
    /// The newest revision, or why it cannot be read.
    pub read: Result<Revision>,
    /// Whether the server takes changes in general; whether a branch is protected shows only when
    /// something is committed.
    pub write: Result<()>,
}

impl GitRepository {
    /// Does not connect yet. `cache` is the folder of the bare clone, made when it is first needed;
    /// not used for repositories on this disk.
    ///
    /// # Errors
    ///
    /// If the address is none of the forms above.
    pub fn open(url: &str, cache: impl Into<PathBuf>) -> Result<Self> {
        let address = Address::parse(url)?;
        let store = match &address {
            Address::Disk(path) => Store::remote(path.clone()),
            Address::Ssh { .. } => Store::clone(cache.into()),
        };
        Ok(Self {
            address: Arc::new(address),
            store: Arc::new(store),
            key: None,
            host_keys: Arc::new(MemoryHostKeys::default()),
            blocking: Arc::new(Blocking::new(url, TIMEOUT)),
            queue: Arc::default(),
            last: Arc::default(),
        })
    }

    /// Signs in with a private key in PEM or OpenSSH form, without passphrase.
    #[must_use]
    pub fn with_key(mut self, key: Secret) -> Self {
        self.key = Some(Arc::new(key));
        self
    }

    /// Remembers host keys here. Unless set, they are pinned for as long as this value lives.
    #[must_use]
    pub fn with_host_keys(mut self, host_keys: impl HostKeys) -> Self {
        self.host_keys = Arc::new(host_keys);
        self
    }

    /// How long the other side may take for one request; 60 s unless set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.blocking = Arc::new(Blocking::new(self.address.to_string(), timeout));
        self
    }

    /// The files as they were when somebody last answered, also in an earlier process with the same
    /// folder; absent if nobody ever did. For going on while the remote is away.
    ///
    /// # Errors
    ///
    /// If the bare clone is damaged.
    pub async fn last_known(&self) -> Result<Option<Snapshot>> {
        if let Some(files) = self.remembered() {
            return Ok(Some(files));
        }
        let store = Arc::clone(&self.store);
        self.blocking.here(move || store.last_known()).await
    }

    /// For every path and text, when the file began to hold the text without a break, in seconds since 1970;
    /// absent if it does not hold it. Looks at what is known here, and asks no server.
    ///
    /// # Errors
    ///
    /// If the repository is damaged, or was never read.
    pub async fn since(&self, wanted: Vec<(String, String)>) -> Result<Vec<Option<i64>>> {
        let store = Arc::clone(&self.store);
        self.blocking.here(move || store.since(&wanted)).await
    }

    /// Tries what can be tried without changing anything.
    pub async fn check_access(&self) -> Access {
        let read = self.snapshot().await.map(|it| it.revision);
        let write = match &*self.address {
            Address::Disk(_) => {
                let store = Arc::clone(&self.store);
                self.blocking.here(move || store.check_writable()).await
            }
            Address::Ssh { .. } => {
                let (store, session) = (Arc::clone(&self.store), self.session());
                self.blocking.remotely(move || session.check_writable(&store)).await
            }
        };
        Access { read, write }
    }

    fn session(&self) -> remote::Session {
        remote::Session {
            address: Arc::clone(&self.address),
            key: self.key.clone(),
            host_keys: Arc::clone(&self.host_keys),
        }
    }

    fn remembered(&self) -> Option<Snapshot> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, files: &Snapshot) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(files.clone());
    }
}

#[async_trait]
impl Repository for GitRepository {
    async fn snapshot(&self) -> Result<Snapshot> {
        let (store, last) = (Arc::clone(&self.store), self.remembered());
        let files = match &*self.address {
            Address::Disk(_) => self.blocking.here(move || store.snapshot(last)).await?,
            Address::Ssh { .. } => {
                let session = self.session();
                let fetch = move || session.fetch(&store).and_then(|()| store.snapshot(last));
                self.blocking.remotely(fetch).await?
            }
        };
        self.remember(&files);
        Ok(files)
    }

    async fn commit(&self, base: &Revision, edit: &Edit) -> Result<Revision> {
        let (store, base, edit) = (Arc::clone(&self.store), base.clone(), edit.clone());
        match &*self.address {
            Address::Disk(_) => {
                let commit = move || match store.write(&base, &edit)? {
                    Some(new) => store.advance(&base, new),
                    None => store.confirm(&base).map(|()| base),
                };
                self.blocking.here(commit).await
            }
            Address::Ssh { .. } => {
                let session = self.session();
                let commit = move || match store.write(&base, &edit)? {
                    Some(new) => session.push(&store, &base, new),
                    None => session.fetch(&store).and_then(|()| store.confirm(&base)).map(|()| base),
                };
                self.blocking.remotely(commit).await
            }
        }
    }

    async fn turn(&self) -> Turn {
        let turn = Turn::wait(&self.queue).await;
        let store = Arc::clone(&self.store);
        match self.blocking.here(move || store.lock()).await {
            Ok(file) => turn.with_lock(file),
            Err(error) => {
                tracing::debug!(error = error.chain(), "writers of other processes are not held off");
                turn
            }
        }
    }
}

/// What somebody else was faster at.
fn conflict() -> Error {
    Error::conflict("the repository")
}
