//! What is wrong with an orb's files, found without opening a secret or asking a machine.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use orbos_infra::{
    ClusteredSoftware, DESIRED,
    spec::{OrbFile, StaticSpec, agree},
};
use orbos_k8s::software::{Kubernetes, KubernetesCluster, Sources};
use orbos_platform::{BoomSettings, versions::KUBERNETES};
use orbos_state::{
    Diagnostic, Diagnostics, Document, Error, FieldPath, Kind, Mistake, Revision, Snapshot, code,
};

use crate::kustomize::Programs;

/// Reads every document of the desired files that comes with ORBOS; the names of the files.
///
/// # Errors
///
/// Every mistake at once.
pub fn check_all(files: &Snapshot) -> Result<Vec<&'static str>, Diagnostics> {
    let mut wrong = Diagnostics::new();
    let mut read = Vec::new();
    // BOOM works alone too.
    if files.contains(DESIRED) || !files.contains(orbos_platform::DESIRED) {
        wrong.keep(check(files));
        read.push(DESIRED);
    }
    if files.contains(orbos_platform::DESIRED) {
        wrong.keep(check_platform(files));
        read.push(orbos_platform::DESIRED);
    }
    wrong.into_result().map(|()| read)
}

/// Reads `boom.yml`, and renders every tool that it asks for.
fn check_platform(files: &Snapshot) -> Result<(), Diagnostics> {
    let settings = BoomSettings { kustomize: Some(Arc::new(Programs)), ..BoomSettings::new("") };
    let goal = settings.goal_without_secrets(files).map_err(|error| {
        Diagnostics::of(&error)
            .cloned()
            .unwrap_or_else(|| Diagnostic::of_file(code::RULE, orbos_platform::DESIRED, error.chain()).into())
    })?;
    let document = Document::parse(&files.source(orbos_platform::DESIRED)?)?;
    let mut wrong = Diagnostics::new();
    for (tool, failure) in goal.rendered(*KUBERNETES.end(), false).failed {
        let mistake = match failure.error {
            orbos_platform::Error::Invalid { field, why } | orbos_platform::Error::Secret { field, why } => {
                Mistake::new(&field, why)
            }
            other => Mistake::new(&format!("spec.{tool}"), other.to_string()),
        };
        wrong.push(document.diagnostic(mistake));
    }
    wrong.into_result()
}

/// Reads every document of `orbiter.yml` that comes with ORBOS.
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
        let Some(cluster) = wrong.keep(document.read::<KubernetesCluster>()) else { continue };
        let texts = files.paths().filter_map(|it| Some((it.to_string(), files.text(it)?.to_string())));
        match Kubernetes::new(id, cluster.spec, Sources { files: texts.collect(), ..Sources::default() }) {
            Ok(driver) => clusters.push((document.clone(), driver.goal())),
            Err(error) => wrong.extend(at(document, error)),
        }
    }
    if wrong.is_empty() {
        wrong.keep(agree(&clusters, &providers));
    }
    wrong.into_result()
}

/// Where the file says what a driver refuses; what depends on a bundle is not for files alone to say.
fn at(document: &Document, error: Error) -> Option<Diagnostic> {
    let Error::Invalid { what, why, .. } = error else { return None };
    let above = format!("{}.", document.path());
    let path: FieldPath = what.strip_prefix(&above)?.parse().ok()?;
    Some(document.diagnostic(Mistake::at(path, why)))
}

/// What a folder has of files that can be texts of an orb, for looking at them before they are pushed.
///
/// # Errors
///
/// If the folder or a file in it cannot be read.
pub fn folder(folder: &Path) -> Result<Snapshot> {
    /// No file of an orb is larger; see the repository.
    const LARGEST: u64 = 4 << 20;
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            let seen = fs::symlink_metadata(&path).with_context(|| format!("reading {}", path.display()))?;
            if seen.is_dir() && name != ".git" {
                folders.push(path);
            } else if seen.is_file() && (seen.len() <= LARGEST || name == DESIRED) {
                files.push((name, fs::read(&path).with_context(|| format!("reading {}", path.display()))?));
            }
        }
    }
    Ok(Snapshot::new(Revision::new(""), files))
}
