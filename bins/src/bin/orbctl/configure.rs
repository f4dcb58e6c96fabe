//! `orbctl configure`: where an orb is and how to get in.
#![expect(clippy::print_stdout, reason = "what was found out is the answer")]

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use orbos::{Code, OrbArgs, Session};
use orbos_secrets::{Secret, generate};
use orbos_state::{Error, Orbconfig};

/// Write the orbconfig: where the orb's repository is and how to get in.
#[derive(Debug, clap::Args)]
#[command(visible_aliases = ["reconfigure", "config", "init"], after_help = "\
Examples:
  orbctl configure --repourl git@github.com:me/my-orb.git --masterkey \"$(openssl rand -base64 21)\"
  orbctl configure --repourl file:///srv/my-orb.git       a master key is made if there is none")]
pub(crate) struct Args {
    /// Where the orb's repository is.
    #[arg(long, value_name = "URL")]
    repourl: Option<String>,
    /// What secrets are sealed with; one is made if the orbconfig has none.
    #[arg(long, env = "ORB_MASTERKEY", hide_env_values = true, value_name = "KEY")]
    masterkey: Option<String>,
    /// A file with the private key for the repository; one is made if it is needed and there is none.
    #[arg(long, value_name = "FILE")]
    repokey: Option<PathBuf>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let path = orb.path()?;
    let mut config = if path.exists() { Orbconfig::read(&path)? } else { Orbconfig::default() };
    let access = match &orb.orb {
        Some(name) => config.orbs.entry(name.clone()).or_default(),
        None => config.unnamed.get_or_insert_default(),
    };
    if let Some(url) = args.repourl {
        access.url = url;
    }
    if access.url.is_empty() {
        return Err(Error::invalid("url", "say where the repository is with --repourl").into());
    }
    if let Some(key) = args.masterkey {
        access.masterkey = Some(Secret::from_text(key));
    }
    if access.masterkey.is_none() {
        access.masterkey = Some(generate::password(28, &mut generate::OsRng)?);
        println!("A master key was made; it stands in {} and nowhere else.", path.display());
    }
    if let Some(file) = args.repokey {
        let text = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        access.repokey = Some(Secret::new(text));
    }
    let over_ssh = !access.url.starts_with("file://") && !access.url.starts_with('/');
    if over_ssh && access.repokey.is_none() {
        let pair = generate::ssh_key_pair("orbos", &mut generate::OsRng)?;
        println!(
            "A key was made for the repository; add it there as a deploy key with write access:\n\n{}\n",
            pair.public
        );
        access.repokey = Some(pair.private);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    config.write(&path)?;
    println!("written {}", path.display());
    report_access(&Session::open(orb)?).await
}

async fn report_access(session: &Session) -> Result<Code> {
    let access = session.repository.check_access().await;
    match (&access.read, &access.write) {
        (Ok(revision), Ok(())) => {
            let newest =
                if revision.is_empty() { "it is empty".into() } else { format!("at {}", revision.short()) };
            println!("{} can be read and written; {newest}", session.access.url);
            Ok(Code::Done)
        }
        _ => {
            access.read?;
            access.write?;
            Ok(Code::NoAccess)
        }
    }
}
