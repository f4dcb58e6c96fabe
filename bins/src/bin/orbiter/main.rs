//! Keeps an orb's machines and clusters as its repository wants them.

mod serve;
mod watch;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Parser;
use orbos::{OrbArgs, Session, compose};
use orbos_infra::Purpose;
use orbos_state::{Schedule, run, run_once};

/// Keeps an orb's machines and clusters as its repository wants them.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = "\
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
    #[arg(long, default_value_t = 30)]
    interval: u64,
    /// Log level; `debug` also shows every step on machines.
    #[arg(long, env = "ORBOS_LOG", default_value = "info", value_name = "LEVEL")]
    log: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(&args.log))
        .with_writer(std::io::stderr)
        .init();
    let session = Session::open(&args.orb)?;
    let cipher = session.cipher().await?;
    let composed = compose(session, &args.orb, cipher, Purpose::Run)?;
    let repository = Arc::clone(&composed.session.repository);
    if args.once {
        let report = run_once(&composed.orbiter, repository.as_ref(), &()).await?;
        anyhow::ensure!(report.round.failures().next().is_none(), "some changes failed");
        return Ok(());
    }
    let watch = Arc::new(watch::Watch::default());
    let server = serve::start(args.listen, Arc::clone(&watch)).await?;
    let schedule = Schedule { interval: Duration::from_secs(args.interval), ..Schedule::default() };
    run(&composed.orbiter, repository.as_ref(), schedule, watch.as_ref(), watch::stopped(Arc::clone(&watch)))
        .await;
    server.abort();
    Ok(())
}
