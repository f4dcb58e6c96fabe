//! When an operator that runs for ever has to end.

use std::{io, sync::Arc};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch::{self, Receiver},
};

use crate::Watched;

/// Whether the process was asked to end.
#[derive(Clone, Debug)]
pub struct Stop(Receiver<bool>);

/// Hears SIGTERM and Ctrl-C from now on, also while a round is under way: the stage under way is then the
/// last one. A second signal ends at once.
///
/// # Errors
///
/// If signals cannot be heard.
pub fn stop_signals(watch: Arc<impl Watched>) -> io::Result<Stop> {
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
    /// Whether it was asked already.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the process was asked to end.
    pub async fn wait(mut self) {
        if self.0.wait_for(|it| *it).await.is_err() {
            // Nobody listens any more, so nobody can ask.
            std::future::pending().await
        }
    }
}
