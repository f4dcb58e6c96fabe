//! libgit2 blocks, and has no time-outs that can be set without unsafe code.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// Runs one request at a time on a thread of its own; one that hangs is left behind, and no other is
/// started until it ends.
#[derive(Debug)]
pub(super) struct Blocking {
    what: String,
    timeout: Duration,
    one_at_a_time: tokio::sync::Mutex<()>,
    running: Arc<Mutex<Option<Instant>>>,
}

impl Blocking {
    pub(super) fn new(what: impl Into<String>, timeout: Duration) -> Self {
        let (one_at_a_time, running) = (tokio::sync::Mutex::default(), Arc::default());
        Self { what: what.into(), timeout, one_at_a_time, running }
    }

    /// For work that waits for another machine.
    pub(super) async fn remotely<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.one_at_a_time.lock().await;
        if let Some(since) = *lock(&self.running) {
            return Err(self.silent(format!("a request hangs for {} s", since.elapsed().as_secs())));
        }
        *lock(&self.running) = Some(Instant::now());
        let running = Arc::clone(&self.running);
        let task = self.here(move || {
            let _ended = Ended(running);
            work()
        });
        match tokio::time::timeout(self.timeout, task).await {
            Ok(result) => result,
            Err(_) => Err(self.silent(format!("no answer within {} s", self.timeout.as_secs_f32()))),
        }
    }

    /// For work on this disk.
    pub(super) async fn here<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let ended = tokio::task::spawn_blocking(work).await;
        ended.unwrap_or_else(|error| Err(Error::failed(&self.what, "the request ended early").because(error)))
    }

    fn silent(&self, why: String) -> Error {
        Error::unreachable(format!("the repository {}", self.what)).because(why)
    }
}

struct Ended(Arc<Mutex<Option<Instant>>>);

impl Drop for Ended {
    fn drop(&mut self) {
        *lock(&self.0) = None;
    }
}

fn lock(running: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn while_one_request_hangs_no_other_is_started() {
        let blocking = Blocking::new("git@example.com:orb", Duration::from_millis(20));
        let (end, ends) = mpsc::channel::<()>();
        let hangs = move || ends.recv().map_err(|_| Error::failed("waiting", "gave up"));
        let late = blocking.remotely(hangs).await.expect_err("nobody ends it");
        assert!(late.chain().ends_with("no answer within 0.02 s"), "{}", late.chain());

        let refused = blocking.remotely(|| Ok(())).await.expect_err("the first one still hangs");
        assert!(refused.chain().contains("a request hangs for 0 s"), "{}", refused.chain());

        end.send(()).expect("it still waits");
        while blocking.remotely(|| Ok(())).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
}
