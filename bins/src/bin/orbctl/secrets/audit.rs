//! `orbctl secrets audit`.
#![expect(clippy::print_stdout, reason = "the findings are the answer")]

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use orbos::{
    Code, Session, keyring,
    secrets::{Inventory, Item, Limit, audit},
};
use orbos_secrets::Sealed;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also list values that stand there for more days; without it, every kind says how long its secrets live.
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u64>,
    /// End with exit code 3 if there is something to look at.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<Code> {
    let files = session.snapshot().await?;
    let inventory = Inventory::read(&session.orb, &files);
    let cipher = session.cipher_at(&files)?;
    let wanted: Vec<(String, String)> = inventory
        .sealed()
        .map(|(item, sealed)| (item.place.file.clone(), sealed.value().to_owned()))
        .collect();
    let since = session.repository.since(wanted.clone()).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let age = |item: &Item, sealed: &Sealed| {
        let is_it = |(file, value): &(String, String)| *file == item.place.file && value == sealed.value();
        let since = u64::try_from(since[wanted.iter().position(is_it)?]?).ok()?;
        Some(now.saturating_sub(since) / (24 * 60 * 60))
    };
    let findings = audit(&inventory, &cipher, Limit { days: args.older_than }, age);
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
