//! `orbctl boom`: the tools of the platform.
#![expect(clippy::print_stderr, reason = "warnings are for humans")]

mod apply;
mod plan;
mod render;
mod status;
mod vendor;

use anyhow::Result;
use clap::Subcommand;
use orbos::{Code, OrbArgs, Platform};
use orbos_state::Snapshot;

/// The tools of the platform.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Plan(plan::Args),
    Diff(plan::DiffArgs),
    Apply(apply::Args),
    Render(render::Args),
    Status(status::Args),
    Vendor(vendor::Args),
}

pub(crate) async fn run(orb: &OrbArgs, command: Command) -> Result<Code> {
    match command {
        Command::Plan(it) => plan::run(orb, it).await,
        Command::Diff(it) => plan::diff(orb, it).await,
        Command::Apply(it) => apply::run(orb, it).await,
        Command::Render(it) => render::run(orb, it).await,
        Command::Status(it) => status::run(orb, it).await,
        Command::Vendor(it) => vendor::run(orb, it).await,
    }
}

/// Says what is read of the file and does nothing any more.
fn warn(platform: &Platform, files: &Snapshot) -> Result<()> {
    platform.warnings(files)?.iter().for_each(|it| eprintln!("{it}"));
    Ok(())
}
