//! `orbctl readsecret`: the original's name for `secrets show`.
#![expect(clippy::print_stderr, reason = "the list is not the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, secrets::Inventory};
use orbos_state::Error;

use crate::secrets::print;

/// Print a secret, as the original did.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  orbctl readsecret orbiter.k8s.kubeconfig.encrypted > orb.kubeconfig")]
pub(crate) struct Args {
    /// Which one, like `orbiter.k8s.kubeconfig.encrypted`; all are listed if none is given.
    path: Option<String>,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    let Some(path) = args.path else {
        let inventory = Inventory::read(&session.orb, &session.snapshot().await?);
        for (item, _) in inventory.sealed() {
            eprintln!("{}", item.original_name().unwrap_or_else(|| item.address()));
        }
        return Err(Error::invalid("PATH", "say which one; those above are set").into());
    };
    print(&session, &path).await?;
    Ok(Code::Done)
}
