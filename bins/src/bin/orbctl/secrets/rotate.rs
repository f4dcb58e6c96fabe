//! `orbctl secrets rotate`.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]

use std::cell::Cell;

use anyhow::Result;
use orbos::{Code, Session, secrets};
use orbos_secrets::{Keyring, generate::OsRng};
use orbos_state::{Edit, Error, Limits, Snapshot, update};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The keyring with the new key and every value are one commit: whenever this is interrupted, the repository is
either as before or done. Values of the original's format get the new one.")]
pub(crate) struct Args {}

pub(crate) async fn run(session: &Session, _: &Args) -> Result<Code> {
    let counts = Cell::default();
    let revision = update(session.repository.as_ref(), &Limits::default(), |newest| {
        let (edit, done) = rotated(session, newest)?;
        counts.set(done);
        Ok(Some(edit))
    })
    .await?;
    let (values, files) = counts.get();
    let revision = revision.map(|it| it.short().to_owned()).unwrap_or_default();
    println!("{values} values in {files} files are sealed with a new key, in commit {revision}");
    Ok(Code::Done)
}

fn rotated(session: &Session, newest: &Snapshot) -> Result<(Edit, (usize, usize)), Error> {
    let unlocked = session.unlock(newest)?;
    let from = session.cipher_with(unlocked.key.clone());
    let next = if unlocked.created {
        (unlocked.keyring, unlocked.key)
    } else {
        anew(&unlocked.keyring, |keyring| keyring.rotate(&unlocked.key, &mut OsRng))?
    };
    let done = secrets::rotate("Secrets rotated", &session.orb, newest, &from, next)?;
    Ok((done.edit, (done.values, done.files)))
}

/// What changes a keyring, with errors of this layer.
pub(super) fn anew<T>(
    keyring: &Keyring,
    change: impl FnOnce(&Keyring) -> orbos_secrets::Result<T>,
) -> Result<T, Error> {
    change(keyring)
        .map_err(|error| Error::invalid("this change of the keyring", "nothing was written").because(error))
}
