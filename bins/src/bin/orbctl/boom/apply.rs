//! `orbctl boom apply`: the tools as the file wants them.
#![expect(clippy::print_stderr, reason = "progress is for humans")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use orbos::{Code, OrbArgs, Platform, PlatformArgs};
use orbos_platform::{NAMESPACE, PlatformChange};
use orbos_state::{Advice, Change, Listener, Outcome, Report, Schedule, run_once};

use super::{plan::headline, warn};
use crate::takeoff::duration;

/// Apply the tools to the cluster, and delete what is no longer wanted.
///
/// What was interrupted goes on where it was when it is started again. Only one of it works on a cluster at a time.
/// Exit codes: 0 done; 1 failed; 4 no access; 5 another BOOM is at work; 6 a file is invalid; 9 something still waits;
/// 130 interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl boom apply
  orbctl boom apply --file boom.yml --kubeconfig admin.conf     any cluster, no orb
  orbctl boom apply --wait --timeout 10m                        until every tool works")]
pub(crate) struct Args {
    #[command(flatten)]
    platform: PlatformArgs,
    /// Go on until every tool does what it is for.
    #[arg(long)]
    wait: bool,
    /// How long to try before giving up, like `90s` or `20m`.
    #[arg(long, default_value = "10m", value_parser = duration)]
    timeout: Duration,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let platform = Platform::open(orb, &args.platform)?;
    let files = platform.repository.snapshot().await?;
    warn(&platform, &files)?;
    // A file that is wrong is reported before anything is touched.
    platform.settings.goal_without_secrets(&files)?;
    platform.ensure_keyring().await?;
    let (boom, cluster) = platform.boom().await?;
    let lines = Lines::default();
    let listening = tokio::spawn(listen(Arc::clone(&lines.0)));
    let held = orbos::hold(&cluster, NAMESPACE).await?;
    let ended = tokio::select! {
        ended = rounds(&boom, &platform, &args, &lines) => ended,
        why = held.lost() => Err(why.into()),
    };
    listening.abort();
    held.release().await;
    if matches!(ended, Ok(Code::Interrupted)) {
        eprintln!("Stopped. Nothing is half done; continue with: orbctl boom apply");
    }
    ended
}

/// The first Ctrl-C lets the stage under way end, the second one aborts.
async fn listen(stop: Arc<AtomicBool>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if stop.swap(true, Ordering::SeqCst) {
            std::process::exit(Code::Interrupted.number().into());
        }
        eprintln!("Stopping after what is under way.");
    }
}

async fn rounds(
    boom: &orbos_platform::Boom,
    platform: &Platform,
    args: &Args,
    lines: &Lines,
) -> Result<Code> {
    let schedule = Schedule::default();
    let begin = Instant::now();
    let mut failures = 0;
    loop {
        let report = run_once(boom, platform.repository.as_ref(), lines).await?;
        let outcome = Outcome::of(&report.round);
        failures = if matches!(outcome, Outcome::Failed(_)) { failures + 1 } else { 0 };
        let late = begin.elapsed() > args.timeout;
        if lines.stop() && outcome != Outcome::Settled {
            return Ok(Code::Interrupted);
        }
        match outcome {
            Outcome::Failed(Advice::AskHuman) => return Ok(Code::Failed),
            Outcome::Failed(_) if late => return Ok(Code::Failed),
            Outcome::Moved if late => return Ok(Code::Unsettled),
            Outcome::Settled | Outcome::Waiting if !args.wait || late || works(&report) => {
                return Ok(ended(&report, args.wait));
            }
            _ => tokio::time::sleep(schedule.wait(outcome, failures).min(Duration::from_secs(5))).await,
        }
    }
}

/// Whether every tool does what it is for.
fn works(report: &Report<orbos_platform::Platform>) -> bool {
    report.round.plan.waiting().is_empty()
        && report.round.observed.tools().values().all(|it| it.state == "ready")
}

fn ended(report: &Report<orbos_platform::Platform>, wait: bool) -> Code {
    report.round.plan.waiting().iter().for_each(|it| eprintln!("{it}"));
    let tools = report.round.observed.tools();
    let ill = tools.iter().filter(|it| it.1.state != "ready");
    for (name, tool) in ill {
        let why = tool.because.first().map(|it| format!(": {it}")).unwrap_or_default();
        eprintln!("… tool {name}: {}{why}", tool.state);
    }
    if let Err(error) = &report.recorded {
        eprintln!("the current file was not written: {}", error.chain());
    }
    let settled = report.round.plan.waiting().is_empty() && (!wait || works(report));
    if settled { Code::Done } else { Code::Unsettled }
}

/// A line for each step that has ended.
#[derive(Default)]
struct Lines(Arc<AtomicBool>);

impl Listener<orbos_platform::Platform> for Lines {
    fn finished(&self, change: &PlatformChange, result: &orbos_state::Result<()>, _: Duration) {
        match result {
            Ok(()) => eprintln!("{} {}", change.effect(), headline(change)),
            Err(error) => eprintln!("failed {}: {}", headline(change), error.chain()),
        }
    }

    fn stop(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
