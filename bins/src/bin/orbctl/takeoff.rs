//! `orbctl takeoff`: machines and clusters as the repository wants them.

use std::time::{Duration, Instant};

use anyhow::Result;
use orbos::{Code, Composed, OrbArgs, Session, compose};
use orbos_infra::Purpose;
use orbos_state::{Advice, Outcome, Schedule, run_once};

use crate::progress::Progress;

/// Make machines and clusters as the repository wants them.
///
/// A take-off that was interrupted goes on where it was when it is started again. The first Ctrl-C lets
/// what is under way end, the second aborts.
/// Exit codes: 0 settled; 1 failed; 4 no access; 6 a file is invalid; 9 something still waits; 130 interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl takeoff
  orbctl takeoff --bundle ./bundle --timeout 20m      without any internet on the machines")]
pub(crate) struct Args {
    /// Which operators; only `orbiter` for now, which is also meant without a name.
    #[arg(value_parser = ["orbiter"], value_name = "OPERATOR")]
    _operators: Vec<String>,
    /// How long to try before giving up, like `90s` or `20m`.
    #[arg(long, default_value = "60m", value_parser = duration)]
    timeout: Duration,
    /// How long to wait while nothing moves before giving up, like `90s` or `5m`.
    #[arg(long, default_value = "5m", value_parser = duration)]
    patience: Duration,
}

/// `90s`, `20m` or `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration like 90s, 20m or 2h");
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(number * seconds))
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    // A file that is wrong is reported before anything is touched.
    orbos::check(&session.snapshot().await?).map_err(orbos_state::Error::from)?;
    session.ensure_keyring().await?;
    let composed = compose(session, orb, Purpose::Run)?;
    settle(&composed, &Progress::start(orb.plain), "orbctl takeoff", args.timeout, args.patience).await
}

/// Runs rounds until nothing is left to do, or until nothing moves any more; `command` goes on after an end.
pub(crate) async fn settle(
    composed: &Composed,
    progress: &Progress,
    command: &str,
    timeout: Duration,
    patience: Duration,
) -> Result<Code> {
    // Somebody sits there and waits.
    let schedule = Schedule { waiting: Duration::from_millis(500), ..Schedule::default() };
    let begin = Instant::now();
    let mut moved = Instant::now();
    let mut failures = 0;
    loop {
        let report = run_once(&composed.orbiter, composed.session.repository.as_ref(), progress).await?;
        let outcome = Outcome::of(&report.round);
        if outcome == Outcome::Moved {
            moved = Instant::now();
        }
        failures = if matches!(outcome, Outcome::Failed(_)) { failures + 1 } else { 0 };
        if let Some(code) = progress.interrupted().filter(|_| outcome != Outcome::Settled) {
            progress.say(&format!("Stopped. Nothing is half done; continue with: {command}"));
            return Ok(code);
        }
        match outcome {
            Outcome::Settled => {
                progress.settled(begin.elapsed());
                report.recorded?;
                return Ok(Code::Done);
            }
            Outcome::Failed(Advice::AskHuman) => {
                progress.failed(&report.round);
                return Ok(Code::Failed);
            }
            _ if begin.elapsed() > timeout || moved.elapsed() > patience => {
                progress.failed(&report.round);
                progress.waits(&report.round);
                return Ok(if failures > 0 { Code::Failed } else { Code::Unsettled });
            }
            _ => {}
        }
        let wait = schedule.wait(outcome, failures).min(Duration::from_secs(30));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = progress.interruption() => {}
        }
    }
}
