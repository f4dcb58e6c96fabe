//! `orbctl secrets show`, and what `readsecret` shares with it.
#![expect(clippy::print_stderr, reason = "a warning that is not part of the answer")]

use std::io::{IsTerminal, Write};

use anyhow::Result;
use orbos::{Code, Session, secrets::Inventory};
use orbos_secrets::{Cipher, Content, Secret};
use orbos_state::Error;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, like `providers.rack.spec.keys.bootstrapkeyprivate`.
    path: String,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<Code> {
    print(session, &args.path).await?;
    Ok(Code::Done)
}

/// Prints a secret byte by byte as it was set.
pub(crate) async fn print(session: &Session, path: &str) -> Result<()> {
    let files = session.snapshot().await?;
    let inventory = Inventory::read(&session.orb, &files);
    let item = inventory.find(path)?;
    let refused = |why: &str| Err(Error::invalid(item.shown(), why).into());
    let sealed = match &item.content {
        Content::Sealed(sealed) => sealed,
        Content::Missing => return refused("it is not set; `orbctl secrets set` sets it"),
        Content::Existing => return refused("it refers to a secret in Kubernetes"),
        Content::Both => return Err(item.ambiguous().into()),
        Content::Unsealed => return refused("what stands there is not sealed; set it again"),
    };
    put(&session.cipher_at(&files)?.open(sealed, &item.place).map_err(|error| item.wrong(error))?)
}

/// On a terminal only after a warning; without anything behind it.
pub(super) fn put(secret: &Secret) -> Result<()> {
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        eprintln!("warning: the secret stays in the terminal's scrollback");
    }
    stdout.write_all(secret.expose())?;
    stdout.flush()?;
    Ok(())
}
