//! When to end.

use std::{io, sync::Arc};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch::{self, Receiver},
};

use crate::watch::Watch;

/// Whether the process was asked to end.
pub(crate) struct Stop(Receiver<bool>);

/// Hears SIGTERM and Ctrl-C from now on, also while a round is under way: the stage under way is then the
/// last one. A second signal ends at once.
pub(crate) fn listen(watch: Arc<Watch>) -> io::Result<Stop> {
    let mut terminations = signal(SignalKind::terminate())?;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let (asked, heard) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            let code = tokio::select! {
                _ = terminations.recv() => 143,
                _ = interrupts.recv() => 130,
            };
            if *asked.borrow() {
                std::process::exit(code);
            }
            tracing::info!("stopping after what is under way");
            watch.stop();
            asked.send_replace(true);
        }
    });
    Ok(Stop(heard))
}

impl Stop {
    /// Waits until the process was asked to end.
    pub(crate) async fn wait(mut self) {
        if self.0.wait_for(|it| *it).await.is_err() {
            // Nobody listens any more, so nobody can ask.
            std::future::pending().await
        }
    }
}
