//! `orbctl secrets recipients`.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]

use std::{cell::Cell, fs, io::Read, path::Path};

use anyhow::{Context, Result};
use orbos::{Code, Session, keyring, prompt, secrets};
use orbos_secrets::{Keyring, Recipient, Secret, Stretching, generate::OsRng};
use orbos_state::{Edit, Error, Limits, Snapshot, update};

use super::rotate::anew;

/// Say who may open the orb's secrets.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List everybody who may open the secrets.
    #[command(visible_alias = "ls")]
    List,
    /// Let somebody open the secrets.
    #[command(after_help = "\
Examples:
  orbctl secrets recipients add alice ~/alice.pub
  orbctl secrets recipients add ci age1q4mhkqw9rrw32tcun3s0ggj49n8kgqnr3tt89patf28nst6hlqdq47epmv
  gpg --armor --export bob@example.com | orbctl secrets recipients add bob -
  orbctl secrets recipients add ops --passphrase")]
    Add {
        /// A name of your choice.
        name: String,
        /// Their public key, or the file it is in, `-` for standard input: SSH (Ed25519 or RSA), age, or OpenPGP
        /// as `gpg --armor --export` writes it.
        #[arg(required_unless_present_any = ["passphrase", "passphrase_stdin"], allow_hyphen_values = true)]
        key: Option<String>,
        /// Whoever knows a passphrase, which is asked for.
        #[arg(long, conflicts_with = "key")]
        passphrase: bool,
        /// Whoever knows a passphrase, which is read from standard input.
        #[arg(long, conflicts_with_all = ["key", "passphrase"])]
        passphrase_stdin: bool,
    },
    /// Let somebody no longer open the secrets: a new key, and every value sealed with it.
    #[command(
        visible_alias = "rm",
        after_help = "\
Whoever is removed may have kept what they could open: replace the secrets themselves, too."
    )]
    Remove {
        /// Their name in the list.
        name: String,
        /// Even if nothing at hand opens the secrets any more.
        #[arg(long)]
        even_me: bool,
    },
}

pub(crate) async fn run(session: &Session, command: Command) -> Result<Code> {
    match command {
        Command::List => list(session).await?,
        Command::Add { name, key, passphrase: _, passphrase_stdin } => {
            let recipient = match key {
                Some(key) => parse(&key)?,
                None => of_passphrase(&name, passphrase_stdin)?,
            };
            add(session, &name, &recipient).await?;
        }
        Command::Remove { name, even_me } => remove(session, &name, even_me).await?,
    }
    Ok(Code::Done)
}

async fn list(session: &Session) -> Result<()> {
    let Some(keyring) = keyring(&session.snapshot().await?)? else {
        println!("the orb has no keyring yet; the first secret that is set makes one for the master key");
        return Ok(());
    };
    println!("key {}", keyring.key());
    for (name, recipient) in keyring.recipients() {
        println!("{}", format!("{name}  {}  {}", recipient.kind(), recipient.summary()).trim_end());
    }
    Ok(())
}

fn parse(key: &str) -> Result<Recipient> {
    if ["age1", "ssh-", "-----BEGIN PGP PUBLIC"].iter().any(|it| key.starts_with(it)) {
        let unfit = |error| Error::invalid("the key", "it cannot be used").because(error);
        return Ok(Recipient::parse(key).map_err(unfit)?);
    }
    if ["PRIVATE KEY", "AGE-SECRET-KEY"].iter().any(|it| key.contains(it)) {
        return Err(Error::invalid("KEY", "this is a private key; give the public one").into());
    }
    let (what, bytes) = read(key)?;
    // The bytes may be a secret: they are repeated in no error.
    let Ok(text) = String::from_utf8(bytes) else {
        let why = "it is not text; export an OpenPGP key with `gpg --armor --export`";
        return Err(Error::invalid(what, why).into());
    };
    if text.contains("PRIVATE KEY") {
        return Err(Error::invalid(what, "this is a private key; give the public one").into());
    }
    if text.trim_start().starts_with("-----BEGIN PGP PUBLIC") {
        let unfit = |error| Error::invalid(&*what, "this OpenPGP key cannot be used").because(error);
        return Ok(Recipient::parse(&text).map_err(unfit)?);
    }
    // In the file of an age key the public part is a comment.
    let public = text.lines().find_map(|it| it.strip_prefix("# public key: ")).unwrap_or(&text);
    let why = "there is no public key in it: age1…, ssh-ed25519 …, ssh-rsa … or an armored OpenPGP key";
    let unfit = |_| Error::invalid(&*what, why);
    Ok(Recipient::parse(public).map_err(unfit)?)
}

/// A file or standard input, with a name for messages.
fn read(key: &str) -> Result<(String, Vec<u8>)> {
    if key != "-" {
        let bytes = fs::read(Path::new(key))
            .with_context(|| format!("reading `{key}`, which has to be a public key or the file it is in"))?;
        return Ok((key.to_owned(), bytes));
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("reading standard input")?;
    Ok(("standard input".to_owned(), bytes))
}

fn of_passphrase(name: &str, from_stdin: bool) -> Result<Recipient> {
    let passphrase = if from_stdin {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("reading standard input")?;
        Some(Secret::new(bytes))
    } else {
        prompt::hidden(&format!("passphrase for {name} (not shown): "))
            .context("reading from the terminal")?
    };
    let missing = || Error::invalid(name, "there is no terminal to ask on; use --passphrase-stdin");
    let passphrase = passphrase.ok_or_else(missing)?;
    let unfit = |error| Error::invalid("the passphrase", "it cannot be used").because(error);
    Ok(Recipient::passphrase(&passphrase, Stretching::default(), &mut OsRng).map_err(unfit)?)
}

async fn add(session: &Session, name: &str, recipient: &Recipient) -> Result<()> {
    let revision = update(session.repository.as_ref(), &Limits::default(), |newest| {
        let mut unlocked = session.unlock(newest)?;
        let mut keyring = unlocked.keyring.clone();
        let add = |_: &Keyring| keyring.add(&unlocked.key, name, recipient.clone(), &mut OsRng);
        anew(&unlocked.keyring, add)?;
        unlocked.keyring = keyring;
        unlocked.write(Edit::new(format!("Recipient added: {name}"))).map(Some)
    })
    .await?;
    println!("{name} can open the secrets, since commit {}", short(revision.as_ref()));
    Ok(())
}

async fn remove(session: &Session, name: &str, even_me: bool) -> Result<()> {
    let counts = Cell::default();
    let revision = update(session.repository.as_ref(), &Limits::default(), |newest| {
        let (edit, values) = removed(session, newest, name, even_me)?;
        counts.set(values);
        Ok(Some(edit))
    })
    .await?;
    let values = counts.get();
    println!(
        "{name} is removed and {values} values are sealed with a new key, in commit {}; replace the secrets that \
         {name} has seen",
        short(revision.as_ref())
    );
    Ok(())
}

fn removed(session: &Session, newest: &Snapshot, name: &str, even_me: bool) -> Result<(Edit, usize), Error> {
    let unlocked = session.unlock(newest)?;
    let next = anew(&unlocked.keyring, |it| it.remove(&unlocked.key, name, &mut OsRng))?;
    if !even_me && session.open_keyring(&next.0).is_err() {
        let why = "nothing at hand would open the secrets any more; use --even-me if that is meant";
        return Err(Error::invalid(format!("removing {name}"), why));
    }
    let from = session.cipher_with(unlocked.key.clone());
    let subject = format!("Recipient removed: {name}");
    let done = secrets::rotate(&subject, &session.orb, newest, &from, next)?;
    Ok((done.edit, done.values))
}

fn short(revision: Option<&orbos_state::Revision>) -> &str {
    revision.map_or("", |it| it.short())
}
