//! `orbctl secrets store`.
#![expect(clippy::print_stdout, reason = "what was done is the answer")]

use anyhow::Result;
use orbos::{
    Code, Session,
    secrets::{StoreFiles, password_store},
};
use orbos_secrets::{PasswordStore, Secret};
use orbos_state::{Edit, Error, Limits, Snapshot, update};

use super::{Given, refuse, show::put};

/// Entries of a password store of pass or gopass in a folder of the repository.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A folder with a `.gpg-id` or `.age-recipients` is a store; those named there can read its entries. Entries of GnuPG are
read with the identity file, or else by `gpg` with its own keys; entries of age with the identity file.

Examples:
  orbctl secrets store list --folder passwords
  orbctl secrets store set argocd/admin --folder passwords --stdin < password
  orbctl secrets store show argocd/admin --folder passwords")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The store's folder in the repository; the whole repository if none is given.
    #[arg(
        long,
        env = "ORB_STORE",
        global = true,
        default_value = "",
        hide_default_value = true,
        value_name = "FOLDER"
    )]
    folder: String,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the names of all entries.
    #[command(visible_alias = "ls")]
    List,
    /// Print an entry, byte by byte as it was stored.
    Show {
        /// Its name, like `argocd/admin`.
        name: String,
        /// Only the password, which is the first line.
        #[arg(long, conflicts_with = "field")]
        password: bool,
        /// Only what stands behind this key in the lines below the password.
        #[arg(long, value_name = "KEY")]
        field: Option<String>,
    },
    /// Encrypt an entry for everybody who may read its folder, in one commit.
    #[command(visible_alias = "insert")]
    Set {
        /// Its name, like `argocd/admin`.
        name: String,
        #[command(flatten)]
        given: Given,
        /// Taken so that it is not repeated in an error.
        #[arg(hide = true, allow_hyphen_values = true)]
        too_much: Vec<String>,
    },
    /// Remove an entry, in one commit. It stays in the history.
    #[command(visible_alias = "rm")]
    Remove {
        /// Its name, like `argocd/admin`.
        name: String,
    },
}

type Store = PasswordStore<StoreFiles>;

pub(crate) async fn run(session: &Session, args: Args) -> Result<Code> {
    let folder = args.folder.trim_matches('/').to_owned();
    let files = session.snapshot().await?;
    let store = || PasswordStore::new(StoreFiles::new(files.clone(), &folder));
    match args.command {
        Command::List => {
            for name in entries(&store(), &folder)? {
                println!("{name}");
            }
        }
        Command::Show { name, password, field } => {
            let store = password_store(session, &files, &folder)?;
            let entry = store.show(&name).map_err(|error| unread(&folder, &name, error))?;
            let not_text = |error| unread(&folder, &name, error);
            let missing =
                |key: &str| Error::invalid(path(&folder, &name), format!("it has no line `{key}: …`"));
            put(&match field {
                Some(key) => entry.field(&key).map_err(not_text)?.ok_or_else(|| missing(&key))?,
                None if password => entry.password().map_err(not_text)?,
                None => entry.contents().clone(),
            })?;
        }
        Command::Set { name, given, too_much } => {
            refuse(&too_much, &name)?;
            let secret = with_line_break(given.is_typed(), given.read(&name)?);
            if secret.expose().trim_ascii().is_empty() {
                return Err(
                    Error::invalid(&*name, "an empty secret counts as none; nothing was written").into()
                );
            }
            let write = |store: &mut Store| store.insert(&name, &secret);
            let revision =
                change(session, &folder, &format!("Entry set: {}", path(&folder, &name)), &write).await?;
            println!("{} is set, in commit {revision}", path(&folder, &name));
        }
        Command::Remove { name } => {
            if !entries(&store(), &folder)?.contains(&name) {
                return Err(Error::invalid(path(&folder, &name), "there is no such entry").into());
            }
            let remove = |store: &mut Store| store.remove(&name);
            let subject = format!("Entry removed: {}", path(&folder, &name));
            let revision = change(session, &folder, &subject, &remove).await?;
            println!("{} is removed, in commit {revision}; it stays in the history", path(&folder, &name));
        }
    }
    Ok(Code::Done)
}

/// As `pass` and gopass write what is typed: the password is a line.
fn with_line_break(typed: bool, secret: Secret) -> Secret {
    match typed && !secret.is_empty() {
        true => Secret::new([secret.expose(), b"\n"].concat()),
        false => secret,
    }
}

fn entries(store: &Store, folder: &str) -> Result<Vec<String>, Error> {
    store.entries().map_err(|error| Error::failed(format!("listing `{folder}`"), "no store").because(error))
}

fn path(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn unread(folder: &str, name: &str, error: orbos_secrets::Error) -> Error {
    use orbos_secrets::Error as Secrets;
    let file = path(folder, name);
    match error {
        Secrets::Gpg { .. } | Secrets::Identity { .. } => {
            Error::denied(format!("opening {file}"), "no key at hand opens it").because(error)
        }
        error => Error::invalid(file, "the entry cannot be used").because(error),
    }
}

/// One commit on the newest revision.
async fn change(
    session: &Session,
    folder: &str,
    subject: &str,
    change: &dyn Fn(&mut Store) -> orbos_secrets::Result<()>,
) -> Result<String> {
    let edit = |newest: &Snapshot| -> Result<Option<Edit>, Error> {
        let mut store = password_store(session, newest, folder)?;
        let failed = |error| Error::invalid(subject, "nothing was written").because(error);
        change(&mut store).map_err(failed)?;
        Ok(store.files().edit(subject.to_owned()))
    };
    let revision = update(session.repository.as_ref(), &Limits::default(), edit).await?;
    Ok(revision.map(|it| it.short().to_owned()).unwrap_or_default())
}
