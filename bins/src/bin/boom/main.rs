//! Keeps the tools on a cluster as an orb's `boom.yml` wants them.
#![expect(clippy::print_stderr, reason = "why it ended is for humans")]

mod watch;

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use orbos::{Code, OrbArgs, Platform, PlatformArgs, Stop, code_of, explain, hold, serve, stop_signals};
use orbos_k8s::objects::Cluster;
use orbos_platform::{Boom, NAMESPACE};
use orbos_state::{Outcome, Schedule, run, run_once};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use watch::Watch;

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
    /// Run one round and end.
    #[arg(long)]
    once: bool,
    /// Where to answer /metrics, /healthz and /readyz.
    #[arg(long, default_value = "127.0.0.1:2112", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// How long to wait between rounds when nothing is to be done, in seconds.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    interval: u64,
    /// Log level.
    #[arg(long, env = "ORBOS_LOG", default_value = "info", value_name = "LEVEL", value_parser = orbos::log_filter)]
    log: Targets,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(log.with_filter(args.log.clone())).init();
    // A thread of its own renews the lease and answers, also while a kustomization is built.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
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
    let watch = Arc::new(Watch::default());
    let stop = stop_signals(Arc::clone(&watch))?;
    let platform = Platform::open(&args.orb, &args.platform)?;
    platform.ensure_keyring().await?;
    let (boom, cluster) = platform.boom_around(!args.once).await?;
    if args.once {
        return once(&platform, &boom, &cluster, &watch).await;
    }
    let server = serve(args.listen, Arc::clone(&watch)).await?;
    let normal = Schedule::default();
    let interval = Duration::from_secs(args.interval);
    let schedule = Schedule { interval, poll: normal.poll.min(interval), ..normal };
    forever(&platform, &boom, &cluster, &watch, schedule, stop).await;
    server.abort();
    Ok(Code::Done)
}

async fn once(
    platform: &Platform,
    boom: &Boom,
    cluster: &Arc<Cluster>,
    watch: &Watch,
) -> anyhow::Result<Code> {
    let held = hold(cluster, NAMESPACE).await?;
    let ended = tokio::select! {
        ended = run_once(boom, platform.repository.as_ref(), watch) => ended,
        why = held.lost() => Err(why),
    };
    held.release().await;
    Ok(match Outcome::of(&ended?.round) {
        Outcome::Settled | Outcome::Moved => Code::Done,
        Outcome::Waiting => Code::Unsettled,
        Outcome::Failed(_) => Code::Failed,
    })
}

/// Works while the lease is held, and waits for it while it is not.
async fn forever(
    platform: &Platform,
    boom: &Boom,
    cluster: &Arc<Cluster>,
    watch: &Arc<Watch>,
    schedule: Schedule,
    stop: Stop,
) {
    loop {
        let held = tokio::select! {
            () = stop.clone().wait() => return,
            held = orbos::wait_for(cluster, NAMESPACE) => held,
        };
        watch.leads(true);
        tokio::select! {
            () = run(boom, platform.repository.as_ref(), schedule, watch.as_ref(), stop.clone().wait()) => {}
            // Not even the round under way is ended: somebody else works already.
            why = held.lost() => tracing::error!(error = why.chain(), "the lease is lost"),
        }
        watch.leads(false);
        held.release().await;
        if stop.is_asked() {
            return;
        }
    }
}
