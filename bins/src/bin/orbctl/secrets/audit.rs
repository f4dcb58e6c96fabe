//! `orbctl secrets audit`.
#![expect(clippy::print_stdout, reason = "the findings are the answer")]

use anyhow::Result;
use orbos::{
    Code, Session, keyring,
    secrets::{Inventory, Limit, audit},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End with exit code 3 if there is something to look at.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<Code> {
    let files = session.snapshot().await?;
    let inventory = Inventory::read(&session.orb, &files);
    let cipher = session.cipher_at(&files)?;
    let findings = audit(&inventory, &cipher, Limit::default(), |_, _| None);
    for finding in &findings {
        println!("{finding}");
    }
    let readers = match keyring(&files)? {
        None => vec!["whoever has the master key".to_owned()],
        Some(keyring) => keyring.recipients().map(|(name, it)| format!("{name} ({})", it.kind())).collect(),
    };
    let values = inventory.sealed().count();
    println!("{values} values, {} findings; readable by {}", findings.len(), readers.join(", "));
    Ok(if args.exit_code && !findings.is_empty() { Code::Differs } else { Code::Done })
}
