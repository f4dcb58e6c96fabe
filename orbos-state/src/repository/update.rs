//! Read, change, commit; again if somebody was faster.

use std::time::Duration;

use super::{Edit, Repository, Revision, Snapshot};
use crate::{Error, Result};

/// How often to try, and how long to wait in between.
///
/// Randomness is a parameter: the wait is a function of the attempt, counted from 1, so that a caller
/// may let it jitter.
pub struct Limits {
    /// How often at most.
    pub attempts: u32,
    /// How long to wait after an attempt that lost the race.
    pub pause: Box<dyn Fn(u32) -> Duration + Send + Sync>,
}

impl Limits {
    /// So many attempts with these pauses.
    pub fn new(attempts: u32, pause: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self { attempts, pause: Box::new(pause) }
    }
}

impl Default for Limits {
    /// 16 attempts; 10 ms, 20 ms, 40 ms … and at most 2 s in between, without jitter.
    fn default() -> Self {
        Self::new(16, |attempt| Duration::from_millis(10 << attempt.min(8) >> 1).min(Duration::from_secs(2)))
    }
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

/// Reads the newest revision, lets `change` decide what to write, and commits that.
///
/// If somebody else was faster, everything happens again with what they wrote; since `change` works on
/// the newest files, writers that change different fields never undo each other. Nothing is committed
/// if `change` returns nothing, or only what is there already.
///
/// Returns the new revision; absent if nothing was committed.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use orbos_state::{Edit, Limits, MemoryRepository, edit, update};
///
/// let repository = MemoryRepository::new([("orb.yml", "nodes: 3 # odd\n")]);
/// let revision = update(&repository, &Limits::default(), |files| {
///     let text = files.text("orb.yml").unwrap_or_default();
///     let text = edit::set(text, &"nodes".parse().expect("a key is a path"), &5.into())?;
///     Ok(Some(Edit::new("scale to 5 nodes").write("orb.yml", text)))
/// })
/// .await?;
/// assert!(revision.is_some());
/// # Ok::<(), orbos_state::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// What `change` or the repository report; [`Conflict`](Error::Conflict) if every attempt lost.
pub async fn update<F>(repository: &dyn Repository, limits: &Limits, change: F) -> Result<Option<Revision>>
where
    F: Fn(&Snapshot) -> Result<Option<Edit>>,
{
    let _turn = repository.turn().await;
    let mut attempt = 1;
    loop {
        let files = repository.snapshot().await?;
        let Some(edit) = change(&files)?.filter(|it| files.differs(it)) else {
            return Ok(None);
        };
        match repository.commit(&files.revision, &edit).await {
            Err(Error::Conflict { .. }) if attempt < limits.attempts => {
                tracing::debug!(attempt, subject = edit.subject, "somebody else committed first");
                tokio::time::sleep((limits.pause)(attempt)).await;
                attempt += 1;
            }
            result => return result.map(Some),
        }
    }
}
