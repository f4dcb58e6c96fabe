//! `orbctl secrets`: sealed values in the orb's files.

mod audit;
mod edit;
mod generate;
mod list;
mod recipients;
mod rotate;
mod set;
mod show;
mod store;

use anyhow::Result;
use orbos::{Code, OrbArgs, Session};

pub(crate) use set::{Given, refuse, write};
pub(crate) use show::print;

/// Show, set, generate and rotate sealed values, and say who may open them.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
A secret is named by its path in orbiter.yml, as FILE:PATH in another file, or as the original named it.

Examples:
  orbctl secrets list
  orbctl secrets set providers.rack.spec.keys.bootstrapkeyprivate --file ~/.ssh/id_ed25519
  orbctl secrets show orbiter.k8s.kubeconfig.encrypted > orb.kubeconfig
  orbctl secrets recipients add alice ~/alice.pub")]
pub(crate) enum Command {
    /// List every secret and every place for one: what it is, where it comes from, whether it is set.
    #[command(visible_alias = "ls")]
    List(list::Args),
    /// Print a secret, without anything behind it.
    #[command(visible_alias = "read")]
    Show(show::Args),
    /// Seal a secret into the orb's file.
    #[command(visible_alias = "write")]
    Set(set::Args),
    /// Make the secrets that are missing and can be made.
    Generate(generate::Args),
    /// Change a secret with $EDITOR.
    Edit(edit::Args),
    /// Make a new key for the orb and seal every value with it, in one commit.
    Rotate(rotate::Args),
    /// Say who may open the orb's secrets.
    #[command(visible_alias = "recipient", subcommand)]
    Recipients(recipients::Command),
    Store(store::Args),
    /// List what somebody should look at: old formats, unused, shared, missing and old values.
    Audit(audit::Args),
}

pub(crate) async fn run(orb: &OrbArgs, command: Command) -> Result<Code> {
    let session = Session::open(orb)?;
    match command {
        Command::List(args) => list::run(&session, &args).await,
        Command::Show(args) => show::run(&session, &args).await,
        Command::Set(args) => set::run(&session, args).await,
        Command::Generate(args) => generate::run(&session, &args).await,
        Command::Edit(args) => edit::run(&session, &args).await,
        Command::Rotate(args) => rotate::run(&session, &args).await,
        Command::Recipients(command) => recipients::run(&session, command).await,
        Command::Store(args) => store::run(&session, args).await,
        Command::Audit(args) => audit::run(&session, &args).await,
    }
}
