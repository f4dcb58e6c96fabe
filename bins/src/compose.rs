//! ORBITER with everything that comes with ORBOS.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use orbos_infra::{
    Bundle, ClusteredSoftware, Orbiter, OrbiterSettings, Purpose, SoftwareContext,
    providers::{self, Connections},
};
use orbos_k8s::software::Sources;
use orbos_ssh::{KnownHosts, Timeouts};
use orbos_state::{Registry, Snapshot};

use crate::{OrbArgs, Session};

/// ORBITER, and what it shares with whoever composed it.
#[derive(Debug)]
pub struct Composed {
    /// The operator.
    pub orbiter: Orbiter,
    /// The orb.
    pub session: Arc<Session>,
}

/// Composes ORBITER for an orb.
///
/// # Errors
///
/// If the bundle cannot be read.
pub fn compose(session: Session, args: &OrbArgs, purpose: Purpose) -> Result<Composed> {
    let session = Arc::new(session);
    let known_hosts = Arc::new(KnownHosts::new());
    let bundle = args.bundle.as_ref().map(Bundle::open).transpose()?.map(Arc::new);
    let settings = OrbiterSettings {
        orb: session.orb.clone(),
        ciphers: Arc::clone(&session) as _,
        repository: Arc::clone(&session.repository) as _,
        connections: Arc::new(Connections::ssh(Arc::clone(&known_hosts) as _, Timeouts::default())),
        known_hosts,
        bundle,
        purpose,
    };
    let orbiter = Orbiter::new(settings, providers::builtin(), software());
    Ok(Composed { orbiter, session })
}

/// Every clustered software that comes with ORBOS, fed from what ORBITER knows.
fn software() -> Registry<dyn ClusteredSoftware, SoftwareContext> {
    orbos_k8s::software::registry(|context: &SoftwareContext| {
        let default = Sources::default();
        let api = context.endpoints.iter().find(|it| it.name == "kubeapi");
        let sources = Sources {
            api_port: api.map_or(default.api_port, |it| it.backend_port),
            interface: context.interfaces.private.clone(),
            files: texts(&context.files),
            bundle: context.bundle.clone(),
        };
        (context.id.clone(), sources)
    })
}

fn texts(files: &Snapshot) -> BTreeMap<String, String> {
    files.paths().filter_map(|path| Some((path.to_string(), files.text(path)?.to_string()))).collect()
}
