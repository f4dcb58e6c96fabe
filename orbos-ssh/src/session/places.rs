//! What may run at the same time on one connection.

use std::sync::{MutexGuard, PoisonError};

use tokio::sync::SemaphorePermit;

use super::{COMMANDS_AT_ONCE, Session};
use crate::{Error, Output, channel::Channel, standing::Standing};

impl Session {
    /// Opens a channel for a command, as soon as one more may run at the same time.
    ///
    /// A machine that refuses one allows fewer, or has not yet noticed that
    /// another one has ended. Either way there is one less place from now on, and the last one is not for the shell
    /// that stays.
    pub(crate) async fn command_channel(&self) -> Result<(SemaphorePermit<'_>, Channel), Error> {
        let mut tries = 0;
        loop {
            let place = self.places.acquire().await.expect("nobody closes the semaphore");
            match self.channel("a channel for a command", self.ssh.channel_session()).await {
                Err(Error::Refused { .. }) if tries < COMMANDS_AT_ONCE + 3 => {
                    if !self.give_up(place) {
                        self.standing.lock().await.take();
                    }
                }
                result => return result.map(|channel| (place, channel)),
            }
            tries += 1;
        }
    }

    /// Runs a script in the shell that stays on the machine, which is started if it is not there.
    ///
    /// `None`: there is none, or it ended, or does not answer. An error: it took too long.
    pub(crate) async fn look(&self, script: &str) -> Result<Option<Output>, Error> {
        let mut standing = self.standing.lock().await;
        if standing.is_none() {
            *standing = self.standing_channel().await.map(Standing::new);
        }
        let Some(mut shell) = standing.take() else { return Ok(None) };
        let said = shell.look(self, script).await;
        if matches!(said, Ok(Some(_))) {
            *standing = Some(shell);
        } else {
            drop(shell);
            *self.all_places() += 1;
            self.places.add_permits(1);
        }
        said
    }

    /// Takes a place for as long as the shell stays, if there is another one left.
    async fn standing_channel(&self) -> Option<Channel> {
        let place = self.places.acquire().await.expect("nobody closes the semaphore");
        if *self.all_places() == 1 {
            return None;
        }
        let channel = self.channel("a channel for a command", self.ssh.channel_session()).await.ok()?;
        self.give_up(place).then_some(channel)
    }

    /// Has one place less from now on, if it is not the last one.
    fn give_up(&self, place: SemaphorePermit<'_>) -> bool {
        let mut all = self.all_places();
        let is_last = *all == 1;
        if !is_last {
            *all -= 1;
            place.forget();
        }
        !is_last
    }

    fn all_places(&self) -> MutexGuard<'_, usize> {
        self.all_places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
