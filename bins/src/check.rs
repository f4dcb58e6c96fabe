//! What is wrong with an orb's files, found without opening a secret or asking a machine.

use std::collections::BTreeMap;

use orbos_infra::{
    ClusteredSoftware, DESIRED,
    spec::{OrbFile, StaticSpec, agree},
};
use orbos_k8s::software::{Kubernetes, KubernetesCluster, Sources};
use orbos_state::{Diagnostics, Document, Kind, Snapshot};

/// Reads every document of the desired file that comes with ORBOS.
///
/// # Errors
///
/// Every mistake at once.
pub fn check(files: &Snapshot) -> Result<(), Diagnostics> {
    let file = OrbFile::read(&Document::parse(&files.source(DESIRED)?)?)?;
    let mut wrong = Diagnostics::new();
    let mut providers = BTreeMap::new();
    for (id, document) in file.providers.iter().filter(|(_, it)| it.kind() == StaticSpec::KIND) {
        if let Some((spec, balancer)) = wrong.keep(StaticSpec::read(document)) {
            providers.insert(id.clone(), spec.goal(id, balancer.endpoints(id)));
        }
    }
    let mut clusters = Vec::new();
    for (id, document) in file.clusters.iter().filter(|(_, it)| it.kind() == KubernetesCluster::KIND) {
        if let Some(cluster) = wrong.keep(document.read::<KubernetesCluster>()) {
            let files = BTreeMap::from_iter(files.paths().map(|it| (it.to_string(), String::new())));
            if let Ok(driver) = Kubernetes::new(id, cluster.spec, Sources { files, ..Sources::default() }) {
                clusters.push((document.clone(), driver.goal()));
            }
        }
    }
    if wrong.is_empty() {
        wrong.keep(agree(&clusters, &providers));
    }
    wrong.into_result()
}
