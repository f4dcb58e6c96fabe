//! `orbctl secrets`: sealed values in the orb's files.
#![expect(clippy::print_stdout, reason = "the secret is the answer")]

use std::{fs, io::Read, path::PathBuf};

use anyhow::{Context, Result};
use orbos::{Code, OrbArgs, Session};
use orbos_infra::DESIRED;
use orbos_secrets::{Place, Sealed, Secret};
use orbos_state::{Document, Edit, Error, FieldPath, Limits, edit, update};

/// Show and set sealed values.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print a secret.
    Show {
        /// Where it stands, like `providers.static.spec.keys.bootstrapkeyprivate`.
        path: FieldPath,
    },
    /// Seal a secret into the orb's file.
    Set {
        /// Where it shall stand, like `providers.static.spec.keys.bootstrapkeyprivate`.
        path: FieldPath,
        /// Read it from this file, as it is.
        #[arg(long, short = 's', conflicts_with = "stdin")]
        file: Option<PathBuf>,
        /// Read it from standard input, as it is.
        #[arg(long, required_unless_present = "file")]
        stdin: bool,
    },
}

pub(crate) async fn run(orb: &OrbArgs, command: Command) -> Result<Code> {
    let session = Session::open(orb)?;
    match command {
        Command::Show { path } => show(&session, &path).await?,
        Command::Set { path, file, stdin: _ } => {
            let secret = match file {
                Some(file) => fs::read(&file).with_context(|| format!("reading {}", file.display()))?,
                None => {
                    let mut secret = Vec::new();
                    std::io::stdin().read_to_end(&mut secret)?;
                    secret
                }
            };
            set(&session, &path, &Secret::new(secret)).await?;
        }
    }
    Ok(Code::Done)
}

async fn show(session: &Session, path: &FieldPath) -> Result<()> {
    let cipher = session.reading_cipher().await?;
    let snapshot = session.snapshot().await?;
    let document = Document::parse(&snapshot.source(DESIRED).map_err(Error::from)?).map_err(Error::from)?;
    let mut value = serde_json::Value::Object(document.body());
    for segment in path.segments() {
        value = match segment {
            orbos_state::Segment::Key(key) => value[key].take(),
            orbos_state::Segment::Index(index) => value[*index].take(),
        };
    }
    let nothing = || Error::invalid(path.to_string(), "there is no sealed value");
    let sealed: Sealed = serde_json::from_value(value).map_err(|error| nothing().because(error))?;
    print!("{}", cipher.open(&sealed, &Place::new(&session.orb, DESIRED, path.to_string()))?.expose_text()?);
    Ok(())
}

async fn set(session: &Session, path: &FieldPath, secret: &Secret) -> Result<()> {
    let cipher = session.cipher().await?;
    let sealed = cipher.seal(secret, &Place::new(&session.orb, DESIRED, path.to_string()))?;
    let value = serde_json::to_value(sealed)?;
    update(session.repository.as_ref(), &Limits::default(), |newest| {
        let text =
            newest.text(DESIRED).ok_or_else(|| Error::invalid(DESIRED, "the repository has no such file"))?;
        let edit = Edit::new(format!("Secret set: {path}"));
        Ok(Some(
            edit.write(DESIRED, edit::insert(text, path, &value).or_else(|_| edit::set(text, path, &value))?),
        ))
    })
    .await?;
    Ok(())
}
