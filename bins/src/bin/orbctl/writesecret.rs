//! `orbctl writesecret`: the original's name for `secrets set`.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]
#![expect(clippy::print_stderr, reason = "the list is not the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, secrets::Inventory};
use orbos_state::Error;

use crate::secrets::{Given, refuse, write};

/// Seal a secret into the orb's file, as the original did.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  orbctl writesecret orbiter.rack.bootstrapkeyprivate.encrypted --file ~/.ssh/id_ed25519")]
pub(crate) struct Args {
    /// Which one, like `orbiter.rack.bootstrapkeyprivate.encrypted`; all are listed if none is given.
    path: Option<String>,
    #[command(flatten)]
    given: Given,
    /// Taken so that it is not repeated in an error.
    #[arg(hide = true, allow_hyphen_values = true)]
    too_much: Vec<String>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    let inventory = Inventory::read(&session.orb, &session.snapshot().await?);
    let Some(path) = args.path else {
        for item in &inventory.items {
            eprintln!("{}", item.original_name().unwrap_or_else(|| item.address()));
        }
        return Err(Error::invalid("PATH", "say which one; those above can be set").into());
    };
    refuse(&args.too_much, &path)?;
    let item = inventory.find_or_new(&session.orb, &path)?;
    let secret = args.given.read(&path)?;
    match write(&session, &path, &secret).await? {
        Some(_) => println!("Desired state written to {}", item.place.file),
        None => println!("Value is unchanged"),
    }
    Ok(Code::Done)
}
