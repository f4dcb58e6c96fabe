//! Keeps the tools on a cluster as an orb's `boom.yml` wants them.

mod gauges;

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use clap::Parser;
use orbos::{
    Code, OperatorArgs, OrbArgs, Platform, PlatformArgs, Rounds, Stop, code_of_round, hold, operate, serve,
    stop_signals,
};
use orbos_k8s::objects::Cluster;
use orbos_platform::{Boom, NAMESPACE};
use orbos_state::{Schedule, run, run_once};

use gauges::Tools;

/// Keeps the tools on a cluster as an orb's `boom.yml` wants them.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 110,
    after_help = "\
Several of it on one cluster do no harm: one works, the others wait.
SIGTERM or Ctrl-C lets what is under way end, a second one aborts.
Exit codes: 0 stopped, or the one round left nothing to do or did it; 1 failed; 4 no access; 5 with --once, another
BOOM is at work; 6 a file is invalid; 9 after one round something waits.

Examples:
  boom --once                          one round
  boom --file boom.yml --once          a file, on the cluster of KUBECONFIG
  boom --listen 0.0.0.0:2112           for ever, with /metrics, /healthz and /readyz"
)]
struct Args {
    #[command(flatten)]
    orb: OrbArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where to answer /metrics, /healthz and /readyz.
    #[arg(long, default_value = "127.0.0.1:2112", value_name = "ADDRESS")]
    listen: SocketAddr,
}

fn main() -> ExitCode {
    let args = Args::parse();
    args.operator.log();
    // A thread of its own renews the lease and answers, also while a kustomization is built.
    operate(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build(), work(args))
}

async fn work(args: Args) -> anyhow::Result<Code> {
    let rounds = Arc::new(Rounds::default());
    let stop = stop_signals(Arc::clone(&rounds))?;
    let platform = Platform::open(&args.orb, &args.platform)?;
    platform.ensure_keyring().await?;
    let (boom, cluster) = platform.boom_around(!args.operator.once).await?;
    if args.operator.once {
        return once(&platform, &boom, &cluster, &rounds).await;
    }
    rounds.stand_by(true);
    let server = serve(args.listen, Arc::clone(&rounds)).await?;
    forever(&platform, &boom, &cluster, &rounds, args.operator.schedule(), stop).await;
    server.abort();
    Ok(Code::Done)
}

async fn once(
    platform: &Platform,
    boom: &Boom,
    cluster: &Arc<Cluster>,
    rounds: &Rounds<Tools>,
) -> anyhow::Result<Code> {
    let held = hold(cluster, NAMESPACE).await?;
    let ended = tokio::select! {
        ended = run_once(boom, platform.repository.as_ref(), rounds) => ended,
        why = held.lost() => Err(why),
    };
    held.release().await;
    Ok(code_of_round(&ended?.round))
}

/// Works while the lease is held, and waits for it while it is not.
async fn forever(
    platform: &Platform,
    boom: &Boom,
    cluster: &Arc<Cluster>,
    rounds: &Rounds<Tools>,
    schedule: Schedule,
    stop: Stop,
) {
    loop {
        let held = tokio::select! {
            () = stop.clone().wait() => return,
            held = orbos::wait_for(cluster, NAMESPACE) => held,
        };
        rounds.stand_by(false);
        tokio::select! {
            () = run(boom, platform.repository.as_ref(), schedule, rounds, stop.clone().wait()) => {}
            // Not even the round under way is ended: somebody else works already.
            why = held.lost() => tracing::error!(error = why.chain(), "the lease is lost"),
        }
        rounds.stand_by(true);
        held.release().await;
        if stop.is_asked() {
            return;
        }
    }
}
