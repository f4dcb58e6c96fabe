//! `orbctl api`: the desired file in the newest version of every kind in it.
#![expect(clippy::print_stdout, reason = "what changes is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, migrate};
use orbos_infra::DESIRED;
use orbos_state::{Edit, Error, Limits, update};
use similar::TextDiff;

/// Write every document in orbiter.yml in the newest version of its kind, comments kept.
///
/// Older versions are read as they are; nothing but this command rewrites them.
/// Exit codes: 0 done, or nothing to do; 4 no access; 6 the file is invalid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl api --dry-run     show what would change
  orbctl api               commit it as `migrate apis`")]
pub(crate) struct Args {
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    let files = session.snapshot().await?;
    // Whoever migrates a file with mistakes could not tell old ones from new ones.
    orbos::check(&files).map_err(Error::from)?;
    let before = files.source(DESIRED)?;
    let after = migrate(&before)?;
    if after == before.text {
        println!("{DESIRED}: every version is the newest");
        return Ok(Code::Done);
    }
    let diff = TextDiff::from_lines(before.text.as_str(), after.as_str());
    print!("{}", diff.unified_diff().context_radius(2).header(DESIRED, DESIRED));
    if args.dry_run {
        return Ok(Code::Done);
    }
    let committed = update(session.repository.as_ref(), &Limits::default(), |newest| {
        let before = newest.source(DESIRED)?;
        let after = migrate(&before)?;
        Ok((after != before.text).then(|| Edit::new("migrate apis").write(DESIRED, after)))
    })
    .await?;
    match committed {
        Some(revision) => println!("committed {}", revision.short()),
        None => println!("somebody else has done it meanwhile"),
    }
    Ok(Code::Done)
}
