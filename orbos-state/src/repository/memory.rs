//! A repository without a disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Content, Edit, Repository, Revision, Snapshot, Turn};
use crate::{Error, Result};

/// Keeps files and history in memory; for tests and for embedders that keep state elsewhere. Clones
/// share what they hold.
#[derive(Clone, Debug, Default)]
pub struct MemoryRepository {
    state: Arc<Mutex<State>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Content>,
    history: Vec<Edit>,
    number: u64,
    conflicts: u32,
    unreachable: bool,
}

impl State {
    fn revision(&self) -> Revision {
        Revision::new(if self.number == 0 { String::new() } else { format!("{:07}", self.number) })
    }

    fn write(&mut self, edit: &Edit) {
        for (path, contents) in &edit.files {
            match contents {
                Some(contents) => self.files.insert(path.clone(), Content::new(contents)),
                None => self.files.remove(path),
            };
        }
        self.number += 1;
    }
}

impl MemoryRepository {
    /// Holds these files in its first revision.
    pub fn new<P: Into<String>, T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let repository = Self::default();
        let files = files.into_iter().map(|(path, text)| (path.into(), Some(text.into()))).collect();
        repository.state().write(&Edit { files, ..Edit::default() });
        repository
    }

    /// Lets the next commits fail as if somebody else had been faster each time.
    pub fn lose_races(&self, times: u32) {
        self.state().conflicts = times;
    }

    /// Lets nobody answer until it is called with `false`.
    pub fn cut_off(&self, unreachable: bool) {
        self.state().unreachable = unreachable;
    }

    /// Every commit that was made, the oldest first.
    pub fn history(&self) -> Vec<Edit> {
        self.state().history.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reached(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.unreachable { Err(Error::unreachable("the repository in memory")) } else { Ok(state) }
    }
}

#[async_trait]
impl Repository for MemoryRepository {
    async fn snapshot(&self) -> Result<Snapshot> {
        let state = self.reached()?;
        Ok(Snapshot::of(state.revision(), state.files.clone()))
    }

    async fn commit(&self, base: &Revision, edit: &Edit) -> Result<Revision> {
        let mut state = self.reached()?;
        if state.conflicts > 0 {
            state.conflicts -= 1;
            state.number += 1;
            return Err(Error::conflict("the repository in memory"));
        }
        if state.revision() != *base {
            return Err(Error::conflict("the repository in memory"));
        }
        if Snapshot::of(base.clone(), state.files.clone()).differs(edit) {
            state.write(edit);
            state.history.push(edit.clone());
        }
        Ok(state.revision())
    }

    async fn turn(&self) -> Turn {
        Turn::wait(&self.turn).await
    }
}
