//! `orbctl configure`: where an orb is and how to get in.
#![expect(clippy::print_stdout, reason = "what was found out is the answer")]
#![expect(clippy::print_stderr, reason = "a warning that is not part of the answer")]

mod masterkey;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use orbos::{Code, OrbArgs, Session, keyring};
use orbos_secrets::{Keyring, Secret, generate};
use orbos_state::{Error, OrbAccess, Orbconfig};

/// Write the orbconfig: where the orb's repository is and how to get in.
#[derive(Debug, clap::Args)]
#[command(visible_aliases = ["reconfigure", "config", "init"], after_help = "\
Examples:
  orbctl configure --repourl git@github.com:me/my-orb.git     a master key and a key for the repository are made
  ORB_MASTERKEY=… orbctl configure --repourl file:///srv/my-orb.git
  orbctl --orb prod configure --repourl git@github.com:me/prod.git --repokey ~/.ssh/prod")]
pub(crate) struct Args {
    /// Where the orb's repository is; needed only once.
    #[arg(long, value_name = "URL")]
    repourl: Option<String>,
    /// What opens the secrets; one is made if the orbconfig has none. Another one than before replaces it, and
    /// everything is sealed anew.
    #[arg(long, env = "ORB_MASTERKEY", hide_env_values = true, value_name = "KEY")]
    masterkey: Option<String>,
    /// A file with the private key for the repository; one is made if it is needed and there is none.
    #[arg(long, value_name = "FILE")]
    repokey: Option<PathBuf>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let path = orb.path()?;
    let mut config = if path.exists() { Orbconfig::read(&path)? } else { Orbconfig::default() };
    let next = args.masterkey.map(Secret::from_text);
    if next.is_some() && std::env::var_os("ORB_MASTERKEY").is_none() {
        eprintln!("warning: the shell keeps what stands on its command line; use the variable ORB_MASTERKEY");
    }
    let access = access_of(&mut config, orb);
    if let Some(url) = args.repourl {
        access.url = url;
    }
    if access.url.is_empty() {
        return Err(Error::invalid("url", "say where the repository is with --repourl").into());
    }
    if let Some(file) = args.repokey {
        let text = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        access.repokey = Some(Secret::new(text));
    }
    let before = access.masterkey.clone().filter(|it| next.as_ref().is_some_and(|next| next != it));
    if before.is_none() {
        let known = next.clone().or_else(|| access.masterkey.clone());
        if known.is_none() {
            println!("A master key was made; it stands in {} and nowhere else.", path.display());
        }
        let fresh = || generate::password(28, &mut generate::OsRng);
        access.masterkey = Some(known.map_or_else(fresh, Ok)?);
    }
    let over_ssh = !access.url.starts_with("file://") && !access.url.starts_with('/');
    if over_ssh && access.repokey.is_none() {
        access.repokey = Some(make_repokey()?);
    }
    config.write(&path)?;
    println!("written {}", path.display());

    let session = Session::open(orb)?;
    check_access(&session).await?;
    if let (Some(before), Some(next)) = (before, next) {
        masterkey::replace(&session, before, next, |masterkey| {
            let mut config = Orbconfig::read(&path)?;
            access_of(&mut config, orb).masterkey = Some(masterkey);
            Ok(config.write(&path)?)
        })
        .await?;
        return Ok(Code::Done);
    }
    check_keyring(&session).await
}

fn access_of<'a>(config: &'a mut Orbconfig, orb: &OrbArgs) -> &'a mut OrbAccess {
    match &orb.orb {
        Some(name) => config.orbs.entry(name.clone()).or_default(),
        None => config.unnamed.get_or_insert_default(),
    }
}

fn make_repokey() -> Result<Secret> {
    let pair = generate::ssh_key_pair("orbos", &mut generate::OsRng)?;
    println!(
        "A key was made for the repository; add it there as a deploy key with write access:\n\n{}\n",
        pair.public
    );
    Ok(pair.private)
}

/// What can be tried without changing anything.
async fn check_access(session: &Session) -> Result<()> {
    let access = session.repository.check_access().await;
    let revision = access.read?;
    let newest = if revision.is_empty() { "it is empty".into() } else { format!("at {}", revision.short()) };
    println!("{} can be read; {newest}", session.access.url);
    access.write?;
    println!("changes are taken in general; whether the branch is protected shows with the first commit");
    Ok(())
}

/// Opens the keyring, or makes the first commit with one.
async fn check_keyring(session: &Session) -> Result<Code> {
    let files = session.snapshot().await?;
    let known = keyring(&files)?.is_some();
    session.ensure_keyring().await?;
    match known {
        true => println!("the secrets can be opened"),
        false => println!("{} is written; the branch takes commits", Keyring::FILE),
    }
    Ok(Code::Done)
}
