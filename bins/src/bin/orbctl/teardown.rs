//! `orbctl teardown`: clusters apart, machines back.
#![expect(clippy::print_stdout, reason = "the plan is shown before it happens")]

use std::{io::Write, time::Duration};

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, compose};
use orbos_infra::{Purpose, forecast};
use orbos_state::look;

use crate::{progress::Progress, takeoff::settle};

/// Take clusters apart and give machines back.
#[derive(Debug, clap::Args)]
#[command(visible_aliases = ["destroy"])]
pub(crate) struct Args {
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    orbos::check(&session.snapshot().await?).map_err(orbos_state::Error::from)?;
    let cipher = session.cipher().await?;
    let composed = compose(session, orb, cipher, Purpose::Teardown)?;
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
    settle(&composed, &Progress::start(), Duration::from_secs(3600), Duration::from_secs(60)).await
}

fn confirmed(name: &str) -> Result<bool> {
    print!("This destroys the cluster and everything on it. Type the orb's name, {name}, to go on: ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == name)
}
