//! `orbctl teardown`: clusters apart, machines back.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the plan is shown before it happens")]

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use anyhow::{Result, bail};
use orbos::{Code, OrbArgs, Session, Unanswered, compose};
use orbos_infra::{Purpose, forecast};
use orbos_state::look;

use crate::{
    progress::Progress,
    takeoff::{duration, settle},
};

/// Take clusters apart and give machines back.
///
/// Exit codes: 0 done; 1 failed; 4 no access; 8 not confirmed; 9 something still waits; 130 interrupted.
#[derive(Debug, clap::Args)]
#[command(
    visible_aliases = ["destroy"],
    after_help = "\
Examples:
  orbctl teardown          show what would happen, and ask for the orb's name
  orbctl teardown --yes    do not ask"
)]
pub(crate) struct Args {
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// How long to try before giving up, like `90s` or `20m`.
    #[arg(long, default_value = "60m", value_parser = duration)]
    timeout: Duration,
    /// How long to wait while nothing moves before giving up, like `90s` or `5m`.
    #[arg(long, default_value = "1m", value_parser = duration)]
    patience: Duration,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    orbos::check(&session.snapshot().await?).map_err(orbos_state::Error::from)?;
    session.ensure_keyring().await?;
    let composed = compose(session, orb, Purpose::Teardown)?;
    let look = look(&composed.orbiter, composed.session.repository.as_ref()).await?;
    for plan in forecast(&look.goal, &look.observed, 50) {
        print!("{plan}");
    }
    if look.plan.is_settled() {
        println!("There is nothing to tear down.");
        return Ok(Code::Done);
    }
    let name = orb.orb.clone().unwrap_or_else(|| composed.session.orb.clone());
    if !args.yes && !confirmed(&name)? {
        println!("Nothing was changed.");
        return Ok(Code::Unconfirmed);
    }
    settle(&composed, &Progress::start(orb.plain), "orbctl teardown", args.timeout, args.patience).await
}

fn confirmed(name: &str) -> Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        bail!(Unanswered { question: format!("tearing down {name} has to be confirmed"), flag: "--yes" });
    }
    eprint!(
        "This destroys the cluster and everything on it. Type the orb's name, {name}, to go on (or use --yes): "
    );
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == name)
}
