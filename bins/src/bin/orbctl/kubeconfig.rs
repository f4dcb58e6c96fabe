//! `orbctl kubeconfig`: what gives kubectl access.
#![expect(clippy::print_stdout, reason = "the kubeconfig is the answer")]

use anyhow::Result;
use orbos::{Code, OrbArgs, Session};
use orbos_infra::{DESIRED, spec::OrbFile};
use orbos_secrets::{Cipher as _, Place, Sealed};
use orbos_state::{Document, Error};

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
    let snapshot = session.snapshot().await?;
    let cipher = session.cipher_at(&snapshot)?;
    let file = OrbFile::read(&Document::parse(&snapshot.source(DESIRED)?).map_err(Error::from)?)
        .map_err(Error::from)?;
    let Some((id, document)) = file.clusters.first() else {
        return Err(Error::invalid("clusters", "the orb has no cluster").into());
    };
    let stored = document.body().get("spec").and_then(|it| it.get("kubeconfig")).cloned();
    let Some(stored) = stored.filter(|it| !it.is_null()) else {
        return Err(
            Error::denied(format!("access to {id}"), "it is not stored yet; run `orbctl takeoff`").into()
        );
    };
    let sealed: Sealed = serde_json::from_value(stored)?;
    let place = Place::new(&session.orb, DESIRED, format!("clusters.{id}.spec.kubeconfig"));
    print!("{}", cipher.open(&sealed, &place)?.expose_text()?);
    Ok(Code::Done)
}
