//! `orbctl file`: files of the repository without a checkout.
#![expect(clippy::print_stdout, reason = "the file is the answer")]

use std::{fs, process};

use anyhow::{Context, Result, bail};
use orbos::{Code, OrbArgs, Session};
use orbos_infra::DESIRED;
use orbos_state::{Edit, Error, Repository, Snapshot};

/// Print or edit a file of the repository.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print a file.
    #[command(after_help = "\
Examples:
  orbctl file print orbiter.yml
  orbctl file print caos-internal/orbiter/current.yml")]
    Print {
        /// Its path in the repository.
        path: String,
    },
    /// Edit a file with $EDITOR and commit it.
    ///
    /// A text that cannot be committed is kept. Exit codes: 0 committed, or unchanged; 4 no access; 5 somebody
    /// else changed the file meanwhile; 6 the text has mistakes.
    #[command(after_help = "\
Examples:
  orbctl file edit orbiter.yml
  EDITOR='sed -i s/v1.20.2/v1.20.4/' orbctl file edit orbiter.yml")]
    Edit {
        /// Its path in the repository.
        path: String,
    },
}

pub(crate) async fn run(orb: &OrbArgs, command: Command) -> Result<Code> {
    let session = Session::open(orb)?;
    let snapshot = session.snapshot().await?;
    match command {
        Command::Print { path } => {
            let text = snapshot.text(&path);
            print!("{}", text.ok_or_else(|| Error::invalid(&path, "the repository has no such file"))?);
        }
        Command::Edit { path } => edit(&session, &snapshot, &path).await?,
    }
    Ok(Code::Done)
}

/// Commits only if nobody else changed the file meanwhile; the human's text is never thrown away.
async fn edit(session: &Session, snapshot: &Snapshot, path: &str) -> Result<()> {
    let before = snapshot.text(path).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or(path);
    let draft = tempfile::Builder::new().suffix(&format!("-{name}")).tempfile()?;
    fs::write(draft.path(), before)?;
    let editor = std::env::var("EDITOR").unwrap_or_else(|_| "vi".into());
    let status = process::Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(draft.path())
        .status()?;
    if !status.success() {
        bail!("the editor `{editor}` ended with {status}; nothing was committed");
    }
    let after = fs::read_to_string(draft.path())?;
    if after == before {
        println!("unchanged");
        return Ok(());
    }
    let attempt = async {
        if path == DESIRED {
            orbos::check(&Snapshot::new(snapshot.revision.clone(), [(DESIRED, after.as_str())]))
                .map_err(orbos_state::Error::from)?;
        }
        let newest = session.snapshot().await?;
        if newest.text(path).unwrap_or_default() != before {
            bail!(Error::conflict(path));
        }
        let edit = Edit::new(format!("File written by orbctl: {path}")).write(path, after.as_str());
        Ok(session.repository.commit(&newest.revision, &edit).await?)
    };
    match attempt.await {
        Ok(revision) => println!("committed {}", revision.short()),
        Err(error) => {
            let (_, kept) = draft.keep().context("keeping your text")?;
            println!("your text was not committed; it is kept in {}", kept.display());
            return Err(error);
        }
    }
    Ok(())
}
