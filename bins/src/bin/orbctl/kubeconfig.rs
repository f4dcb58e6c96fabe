//! `orbctl kubeconfig`: what gives kubectl access.
#![expect(clippy::print_stdout, reason = "the kubeconfig is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session, kubeconfig};

/// Print what gives kubectl access to the cluster.
///
/// Exit codes: 0 done; 4 no access, or there is no cluster yet; 6 the file is invalid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl kubeconfig > orb.kubeconfig && kubectl --kubeconfig orb.kubeconfig get nodes")]
pub(crate) struct Args {}

pub(crate) async fn run(orb: &OrbArgs, _: Args) -> Result<Code> {
    let session = Session::open(orb)?;
    print!("{}", kubeconfig(&session).await?.expose_text()?);
    Ok(Code::Done)
}
