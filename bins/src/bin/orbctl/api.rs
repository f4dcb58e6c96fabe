//! `orbctl api`: the desired files in the newest version of every kind in them.
#![expect(clippy::print_stdout, reason = "what changes is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, migrate};
use orbos_infra::DESIRED;
use orbos_platform::spec::Boom;
use orbos_state::{Document, Edit, Error, Limits, Snapshot, update};
use similar::TextDiff;

/// Write every document in orbiter.yml and boom.yml in the newest version of its kind, comments kept.
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

/// What BOOM reads.
const BOOM: &str = "boom.yml";

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    let files = session.snapshot().await?;
    let mut outdated = false;
    for path in desired(&files) {
        check(path, &files)?;
        let before = files.source(path)?;
        let after = migrate(&before)?;
        if after == before.text {
            println!("{path}: every version is the newest");
            continue;
        }
        outdated = true;
        let diff = TextDiff::from_lines(before.text.as_str(), after.as_str());
        print!("{}", diff.unified_diff().context_radius(2).header(path, path));
    }
    if args.dry_run || !outdated {
        return Ok(Code::Done);
    }
    let committed = update(session.repository.as_ref(), &Limits::default(), migration).await?;
    match committed {
        Some(revision) => println!("committed {}", revision.short()),
        None => println!("somebody else has done it meanwhile"),
    }
    Ok(Code::Done)
}

/// The desired files that are there; `orbiter.yml` if none is.
fn desired(files: &Snapshot) -> Vec<&'static str> {
    let there: Vec<_> =
        [DESIRED, BOOM].into_iter().filter(|it| files.paths().any(|path| path == *it)).collect();
    if there.is_empty() { vec![DESIRED] } else { there }
}

/// Whoever migrates a file with mistakes could not tell old ones from new ones.
fn check(path: &str, files: &Snapshot) -> Result<(), Error> {
    match path {
        BOOM => Document::parse(&files.source(BOOM)?)?.read::<Boom>().map(drop).map_err(Error::from),
        _ => orbos::check(files).map_err(Error::from),
    }
}

fn migration(newest: &Snapshot) -> Result<Option<Edit>, Error> {
    let mut edit = None;
    for path in desired(newest) {
        let before = newest.source(path)?;
        let after = migrate(&before)?;
        if after != before.text {
            edit = Some(edit.unwrap_or_else(|| Edit::new("migrate apis")).write(path, after));
        }
    }
    Ok(edit)
}
