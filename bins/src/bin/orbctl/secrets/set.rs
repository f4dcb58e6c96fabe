//! `orbctl secrets set`, and what `writesecret` shares with it.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]
#![expect(clippy::print_stderr, reason = "a warning that is not part of the answer")]

use std::{fs, io::Read, path::PathBuf};

use anyhow::{Context, Result};
use orbos::{
    Code, Session, prompt,
    secrets::{Inventory, write_value},
};
use orbos_secrets::{Cipher, Content, Place, Sealed, Secret};
use orbos_state::{Edit, Error, Limits, Revision, Snapshot, update};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, like `providers.rack.spec.keys.bootstrapkeyprivate`.
    path: String,
    #[command(flatten)]
    given: Given,
    /// Taken so that it is not repeated in an error.
    #[arg(hide = true, allow_hyphen_values = true)]
    too_much: Vec<String>,
}

/// What is said about a secret on the command line that belongs to no option; it is not repeated.
pub(crate) fn refuse(too_much: &[String], path: &str) -> Result<()> {
    if too_much.is_empty() {
        return Ok(());
    }
    let why = "there is something behind it on the command line; secrets are given with --stdin or --file";
    Err(Error::invalid(path, why).into())
}

/// Where the secret comes from; asked for on the terminal if nothing is given.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct Given {
    /// Read it from this file, as it is.
    #[arg(long, short = 's', value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read it from standard input, as it is.
    #[arg(long)]
    stdin: bool,
    /// The secret itself; stays in the history of the shell and in the list of processes.
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    value: Option<String>,
}

impl Given {
    /// Whether a human types it: on the terminal or on the command line.
    pub(crate) fn is_typed(&self) -> bool {
        self.file.is_none() && !self.stdin
    }

    pub(crate) fn read(self, path: &str) -> Result<Secret> {
        let Self { file, stdin, value } = self;
        if let Some(value) = value {
            eprintln!(
                "warning: the shell keeps what stands on its command line; use --stdin, --file or the prompt"
            );
            return Ok(Secret::from_text(value));
        }
        if let Some(file) = file {
            let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            return Ok(Secret::new(bytes));
        }
        if stdin {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).context("reading standard input")?;
            return Ok(Secret::new(bytes));
        }
        let typed = prompt::hidden(&format!("{path} (not shown): ")).context("reading from the terminal")?;
        let missing = || Error::invalid(path, "there is no terminal to ask on; use --stdin or --file");
        Ok(typed.ok_or_else(missing)?)
    }
}

pub(crate) async fn run(session: &Session, args: Args) -> Result<Code> {
    refuse(&args.too_much, &args.path)?;
    // Before a human types a secret for nothing.
    let inventory = Inventory::read(&session.orb, &session.snapshot().await?);
    let name = inventory.find_or_new(&session.orb, &args.path)?.address();
    let secret = args.given.read(&name)?;
    match write(session, &args.path, &secret).await? {
        Some(revision) => println!("{name} is set, in commit {}", revision.short()),
        None => println!("Value is unchanged"),
    }
    Ok(Code::Done)
}

/// Seals a secret into its file; absent if it is there already.
pub(crate) async fn write(session: &Session, path: &str, secret: &Secret) -> Result<Option<Revision>> {
    if secret.is_empty() {
        return Err(Error::invalid(path, "an empty secret counts as none; nothing was written").into());
    }
    let change = |newest: &Snapshot| changed(session, newest, path, secret);
    Ok(update(session.repository.as_ref(), &Limits::default(), change).await?)
}

fn changed(session: &Session, newest: &Snapshot, path: &str, secret: &Secret) -> Result<Option<Edit>, Error> {
    let item = Inventory::read(&session.orb, newest).find_or_new(&session.orb, path)?;
    let unlocked = session.unlock(newest)?;
    let cipher = session.cipher_with(unlocked.key.clone());
    let old = match &item.content {
        Content::Sealed(sealed) => Some(sealed),
        Content::Missing => None,
        Content::Both => return Err(item.ambiguous()),
        Content::Existing => {
            let why = "a reference to Kubernetes stands beside it; remove that first";
            return Err(Error::invalid(item.shown(), why));
        }
        Content::Unsealed => {
            return Err(Error::invalid(
                item.shown(),
                "something that is not sealed stands there; remove it first",
            ));
        }
    };
    let same = |old: &&Sealed| {
        !old.is_original() && cipher.open(old, &item.place).is_ok_and(|known| known == *secret)
    };
    if old.as_ref().is_some_and(same) {
        return Ok(None);
    }
    let Place { file, path, .. } = &item.place;
    let missing = || Error::invalid(file.as_str(), "the repository has no such file");
    let text = newest.text(file).ok_or_else(missing)?;
    let sealed = cipher.seal(secret, &item.place).map_err(|error| item.wrong(error))?;
    let text = write_value(text, &item.field, old, &sealed)?;
    let edit = Edit::new(format!("Secret set: {path}")).write(file.as_str(), text);
    if unlocked.created { unlocked.write(edit).map(Some) } else { Ok(Some(edit)) }
}
