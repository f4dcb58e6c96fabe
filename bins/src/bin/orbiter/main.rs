//! Keeps an orb's machines and clusters as its repository wants them.

mod gauges;

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use clap::Parser;
use orbos::{
    Code, OperatorArgs, OrbArgs, Rounds, Session, code_of_round, compose, operate, serve, stop_signals,
};
use orbos_infra::Purpose;
use orbos_state::{run, run_once};

use gauges::Sizes;

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
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where to answer /metrics and /healthz.
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "ADDRESS")]
    listen: SocketAddr,
}

fn main() -> ExitCode {
    let args = Args::parse();
    args.operator.log();
    operate(tokio::runtime::Builder::new_current_thread().enable_all().build(), work(args))
}

async fn work(args: Args) -> anyhow::Result<Code> {
    let rounds = Arc::new(Rounds::<Sizes>::default());
    let stop = stop_signals(Arc::clone(&rounds))?;
    let session = Session::open(&args.orb)?;
    session.ensure_keyring().await?;
    let composed = compose(session, &args.orb, Purpose::Run)?;
    let repository = Arc::clone(&composed.session.repository);
    if args.operator.once {
        let report = run_once(&composed.orbiter, repository.as_ref(), rounds.as_ref()).await?;
        return Ok(code_of_round(&report.round));
    }
    let server = serve(args.listen, Arc::clone(&rounds)).await?;
    let schedule = args.operator.schedule();
    run(&composed.orbiter, repository.as_ref(), schedule, rounds.as_ref(), stop.wait()).await;
    server.abort();
    Ok(Code::Done)
}
