//! `orbctl check`: what is wrong with the files, without asking any machine.
#![expect(clippy::print_stdout, reason = "the finding is the answer")]

use std::path::PathBuf;

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, check_all, folder};
use orbos_state::Error;

/// Read the files of the orb, or of a folder, and say what is wrong; asks no machine.
///
/// Exit codes: 0 no mistakes; 4 the repository cannot be read; 6 mistakes, each with file, line and column.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl check              the files in the orb's repository
  orbctl check ./my-orb     the files in a folder, before they are pushed; needs no orbconfig")]
pub(crate) struct Args {
    /// A folder with the files; absent: the orb's repository.
    folder: Option<PathBuf>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let files = match &args.folder {
        Some(path) => folder(path)?,
        None => Session::open(orb)?.snapshot().await?,
    };
    for name in check_all(&files).map_err(Error::from)? {
        println!("{name}: no mistakes");
    }
    Ok(Code::Done)
}
