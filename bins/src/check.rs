//! What is wrong with an orb's files, found without opening a secret or asking a machine.

use orbos_infra::{
    DESIRED,
    spec::{OrbFile, StaticSpec},
};
use orbos_k8s::software::KubernetesCluster;
use orbos_state::{Diagnostics, Document, Kind, Snapshot};

/// Reads every document of the desired file that comes with ORBOS.
///
/// # Errors
///
/// Every mistake at once.
pub fn check(files: &Snapshot) -> Result<(), Diagnostics> {
    let file = OrbFile::read(&Document::parse(&files.source(DESIRED)?)?)?;
    let mut wrong = Diagnostics::new();
    for (_, document) in &file.providers {
        if document.kind() == StaticSpec::KIND {
            wrong.keep(StaticSpec::read(document));
        }
    }
    for (_, document) in &file.clusters {
        if document.kind() == KubernetesCluster::KIND {
            wrong.keep(document.read::<KubernetesCluster>());
        }
    }
    wrong.into_result()
}
