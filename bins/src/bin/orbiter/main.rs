//! Keeps an orb's machines and clusters as its repository wants them.
#![expect(clippy::print_stderr, reason = "why it ended is for humans")]

mod watch;

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use orbos::{Code, OrbArgs, Session, code_of, compose, explain, serve, stop_signals};
use orbos_infra::Purpose;
use orbos_state::{Outcome, Schedule, run, run_once};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Keeps an orb's machines and clusters as its repository wants them.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = "\
SIGTERM or Ctrl-C lets what is under way end, a second one aborts.
Exit codes: 0 stopped, or the one round left nothing to do or did it; 1 failed; 4 no access; 6 a file is
invalid; 9 after one round something waits.

Examples:
  orbiter --once                      one round
  orbiter --listen 0.0.0.0:9000       for ever, with /metrics and /healthz"
)]
struct Args {
    #[command(flatten)]
    orb: OrbArgs,
    /// Run one round and end.
    #[arg(long)]
    once: bool,
    /// Where to answer /metrics and /healthz.
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How long to wait between rounds when nothing is to be done, in seconds.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    interval: u64,
    /// Log level; `debug` also shows every step on machines.
    #[arg(long, env = "ORBOS_LOG", default_value = "info", value_name = "LEVEL", value_parser = orbos::log_filter)]
    log: Targets,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(log.with_filter(args.log.clone())).init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ended = runtime.block_on(operate(args));
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

async fn operate(args: Args) -> anyhow::Result<Code> {
    let watch = Arc::new(watch::Watch::default());
    let stop = stop_signals(Arc::clone(&watch))?;
    let session = Session::open(&args.orb)?;
    session.ensure_keyring().await?;
    let composed = compose(session, &args.orb, Purpose::Run)?;
    let repository = Arc::clone(&composed.session.repository);
    if args.once {
        let report = run_once(&composed.orbiter, repository.as_ref(), watch.as_ref()).await?;
        return Ok(match Outcome::of(&report.round) {
            Outcome::Settled | Outcome::Moved => Code::Done,
            Outcome::Waiting => Code::Unsettled,
            Outcome::Failed(_) => Code::Failed,
        });
    }
    let server = serve(args.listen, Arc::clone(&watch)).await?;
    let normal = Schedule::default();
    let interval = Duration::from_secs(args.interval);
    let schedule = Schedule { interval, poll: normal.poll.min(interval), ..normal };
    run(&composed.orbiter, repository.as_ref(), schedule, watch.as_ref(), stop.wait()).await;
    server.abort();
    Ok(Code::Done)
}
