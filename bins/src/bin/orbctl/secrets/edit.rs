//! `orbctl secrets edit`.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]

use std::{
    fs,
    io::{Seek, Write},
    path::PathBuf,
    process,
};

use anyhow::{Context, Result, bail};
use orbos::{Code, Session, secrets::Inventory};
use orbos_secrets::{Cipher, Content, Secret};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, like `providers.rack.spec.keys.bootstrapkeyprivate`.
    path: String,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<Code> {
    let files = session.snapshot().await?;
    let inventory = Inventory::read(&session.orb, &files);
    let item = inventory.find_or_new(&session.orb, &args.path)?;
    let before = match &item.content {
        Content::Sealed(sealed) => {
            session.cipher_at(&files)?.open(sealed, &item.place).map_err(|error| item.wrong(error))?
        }
        Content::Both => return Err(item.ambiguous().into()),
        _ => Secret::new([]),
    };
    let after = Draft::new(&before)?.edit()?;
    if after == before {
        println!("Value is unchanged");
        return Ok(Code::Done);
    }
    match super::write(session, &args.path, &after).await? {
        Some(revision) => println!("{} is set, in commit {}", item.address(), revision.short()),
        None => println!("Value is unchanged"),
    }
    Ok(Code::Done)
}

/// A secret in a file for its owner only, in memory, overwritten when it is dropped.
struct Draft(tempfile::NamedTempFile);

impl Draft {
    fn new(secret: &Secret) -> Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let folder = [Some(PathBuf::from("/dev/shm")), runtime].into_iter().flatten().find(|it| it.is_dir());
        let folder =
            folder.context("there is no folder in memory (/dev/shm or $XDG_RUNTIME_DIR) to edit in")?;
        // Files of this kind have mode 0600.
        let mut file = tempfile::Builder::new().prefix("orbos-").tempfile_in(folder)?;
        file.write_all(secret.expose())?;
        Ok(Self(file))
    }

    fn edit(&self) -> Result<Secret> {
        let editor = std::env::var("EDITOR").unwrap_or_else(|_| "vi".into());
        let status = process::Command::new("sh")
            .arg("-c")
            .arg(format!("{editor} \"$1\""))
            .arg("sh")
            .arg(self.0.path())
            .status()?;
        if !status.success() {
            bail!("the editor `{editor}` ended with {status}; nothing was written");
        }
        Ok(Secret::new(fs::read(self.0.path())?))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // The editor may have replaced the file by another one of the same name: both are wiped.
        let wipe = |file: &mut fs::File| -> std::io::Result<()> {
            let length = file.metadata()?.len();
            file.rewind()?;
            std::io::copy(&mut std::io::Read::take(std::io::repeat(0), length), file)?;
            file.sync_all()
        };
        // Nobody is left to be told; the file goes away in any case.
        let _ = wipe(self.0.as_file_mut());
        let _ = fs::File::options().write(true).open(self.0.path()).and_then(|mut it| wipe(&mut it));
    }
}
