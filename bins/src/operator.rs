//! What programs that run rounds do alike.
#![expect(clippy::print_stderr, reason = "why it ended is for humans")]

use std::{future::Future, io, process::ExitCode, time::Duration};

use orbos_state::{Outcome, Reconciler, Round, Schedule};
use tokio::runtime::Runtime;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{Code, code_of, explain, log_filter};

/// How an operator works.
#[derive(Debug, clap::Args)]
pub struct OperatorArgs {
    /// Run one round and end.
    #[arg(long)]
    pub once: bool,
    /// How long to wait between rounds when nothing is to be done, in seconds.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    interval: u64,
    /// Log level; `debug` also shows every step.
    #[arg(long, env = "ORBOS_LOG", default_value = "info", value_name = "LEVEL", value_parser = log_filter)]
    log: Targets,
}

impl OperatorArgs {
    /// From now on what is logged goes to stderr.
    pub fn log(&self) {
        let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        tracing_subscriber::registry().with(log.with_filter(self.log.clone())).init();
    }

    /// When rounds begin.
    pub fn schedule(&self) -> Schedule {
        let normal = Schedule::default();
        let interval = Duration::from_secs(self.interval);
        Schedule { interval, poll: normal.poll.min(interval), ..normal }
    }
}

/// Runs an operator to its end, and says why if that is a bad one.
pub fn operate(runtime: io::Result<Runtime>, work: impl Future<Output = anyhow::Result<Code>>) -> ExitCode {
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(work);
        // Whoever still works in the background, as a request to a repository that does not answer, is left.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("{}", explain(&error));
            code_of(&error).into()
        }
    }
}

/// What one round alone ends with.
pub fn code_of_round<R: Reconciler>(round: &Round<R>) -> Code {
    match Outcome::of(round) {
        Outcome::Settled | Outcome::Moved => Code::Done,
        Outcome::Waiting => Code::Unsettled,
        Outcome::Failed(_) => Code::Failed,
    }
}
