//! Another master key, without a moment at which nobody gets in.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]

use anyhow::Result;
use orbos::{MASTERKEY, Session, Unlocked, secrets};
use orbos_secrets::{Keyring, Passphrase, Recipient, Secret, Stretching, generate::OsRng};
use orbos_state::{Edit, Error, Limits, Snapshot, update};

/// Lets both keys in, then writes the orbconfig, then shuts the old one out: at any moment, the one in the
/// orbconfig opens.
pub(super) async fn replace(
    session: &Session,
    before: Secret,
    next: Secret,
    keep: impl FnOnce(Secret) -> Result<()>,
) -> Result<()> {
    let old = session.with_masterkey(before.clone());
    let new = session.with_masterkey(next.clone());
    let files = session.snapshot().await?;
    if files.contains(Keyring::FILE) && new.unlock(&files).is_ok() {
        keep(next)?;
        println!("the secrets can be opened");
        return Ok(());
    }
    let limits = Limits::default;
    update(session.repository.as_ref(), &limits(), |newest| both(&old, newest, &next).map(Some)).await?;
    keep(next)?;
    let left = |newest: &Snapshot| without(&new, newest, &before);
    update(session.repository.as_ref(), &limits(), left).await?;
    println!("the master key is replaced, and every value sealed anew; replace it wherever else it is used");
    Ok(())
}

/// Seals everything for both keys, also what the original sealed with the old one.
fn both(old: &Session, newest: &Snapshot, next: &Secret) -> Result<Edit, Error> {
    let Unlocked { key, keyring, .. } = old.unlock(newest)?;
    let from = old.cipher_with(key.clone());
    let failed = |error| Error::failed("replacing the master key", "nothing was written").because(error);
    let (mut keyring, key) = keyring.rotate(&key, &mut OsRng).map_err(failed)?;
    let name = free_name(&keyring);
    let recipient = Recipient::passphrase(next, Stretching::default(), &mut OsRng).map_err(failed)?;
    keyring.add(&key, name, recipient, &mut OsRng).map_err(failed)?;
    let subject = "Master key added";
    Ok(secrets::rotate(subject, &old.orb, newest, &from, (keyring, key))?.edit)
}

/// Shuts the old master key out.
fn without(new: &Session, newest: &Snapshot, before: &Secret) -> Result<Option<Edit>, Error> {
    let Unlocked { key, keyring, .. } = new.unlock(newest)?;
    let from = new.cipher_with(key.clone());
    let before = Passphrase::new(before.clone());
    let opens = |keyring: &Keyring| keyring.open(&[&before]).is_ok();
    for (name, _) in keyring.recipients().filter(|(_, it)| matches!(it, Recipient::Passphrase(_))) {
        // Whose removal shuts the old master key out is the old master key.
        let Ok(next) = keyring.remove(&key, name, &mut OsRng) else { continue };
        if opens(&keyring) && !opens(&next.0) {
            let done = secrets::rotate("Master key replaced", &new.orb, newest, &from, next)?;
            return Ok(Some(done.edit));
        }
    }
    Ok(None)
}

fn free_name(keyring: &Keyring) -> String {
    let taken = |name: &str| keyring.recipients().any(|(it, _)| it == name);
    let numbered = (2..).map(|number| format!("{MASTERKEY} {number}"));
    let mut names = [MASTERKEY.to_owned()].into_iter().chain(numbered);
    names.find(|it| !taken(it)).expect("there are more numbers than recipients")
}
