//! What gives access to an orb's cluster.

use anyhow::Result;
use orbos_infra::{DESIRED, spec::OrbFile};
use orbos_secrets::{Cipher as _, Place, Sealed, Secret};
use orbos_state::{Document, Error};

use crate::Session;

/// The kubeconfig that is stored in the orb.
///
/// # Errors
///
/// If there is no cluster yet, or nothing at hand opens it.
pub async fn kubeconfig(session: &Session) -> Result<Secret> {
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
    Ok(cipher.open(&sealed, &place)?)
}
