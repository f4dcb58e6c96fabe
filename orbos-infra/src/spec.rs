//! What a human writes in an `orbiter.yml`; keys are the original's.

mod agree;
mod balancer;
mod listed;
mod name;
mod slots;

use std::collections::BTreeMap;

use orbos_state::{Diagnostics, Document, Embedded, FieldPath, Kind, Mistake};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use agree::agree;
pub use balancer::{BalancerSpec, Health, Transport, Vip};
pub(crate) use listed::present;
pub use listed::{ListedMachine, StaticKeys, StaticSettings, StaticSpec};
pub use name::{Label, LabelError};

use crate::{cluster::ClusterId, machine::ProviderId};

/// A whole `orbiter.yml`: `orbiter.caos.ch/Orb`.
///
/// Like the original, every version is read as the one there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrbSpec {
    /// Settings of ORBITER itself.
    #[serde(default)]
    pub spec: OrbSettings,
    /// What runs on the machines, by name; exactly one for now.
    pub clusters: BTreeMap<ClusterId, Embedded>,
    /// Where machines come from, by name; at least one.
    pub providers: BTreeMap<ProviderId, Embedded>,
}

/// Settings of ORBITER itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrbSettings {
    /// Whether ORBITER logs everything.
    #[serde(default)]
    pub verbose: bool,
    /// Kept from the original, where it opened a profiler; does nothing.
    #[serde(default)]
    pub pprof: bool,
}

impl Kind for OrbSpec {
    const KIND: &'static str = "orbiter.caos.ch/Orb";
    const VERSION: &'static str = "v0";

    fn migrate(_: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        Ok(body)
    }

    fn check(&self) -> Vec<Mistake> {
        let Self { spec: _, clusters, providers } = self;
        let mut wrong = Vec::new();
        if clusters.is_empty() {
            wrong.push(Mistake::new("clusters", "there is no cluster").hint("describe one below `clusters`"));
        }
        if providers.is_empty() {
            let hint = "describe at least one below `providers`";
            wrong.push(Mistake::new("providers", "there is no provider").hint(hint));
        }
        for extra in clusters.keys().skip(1) {
            let message = format!("cluster `{extra}` is one too many");
            let hint = "an orb can have one cluster for now; use another orb for the other";
            wrong.push(Mistake::at(name_path("clusters", extra), message).hint(hint));
        }
        let names =
            clusters.keys().map(|it| ("clusters", it)).chain(providers.keys().map(|it| ("providers", it)));
        wrong.extend(names.filter(|(_, it)| !name::is_word(it)).map(|(above, it)| {
            Mistake::at(name_path(above, it), format!("`{it}` cannot be a name")).hint(name::WORD)
        }));
        wrong
    }
}

fn name_path(above: &str, name: &str) -> FieldPath {
    FieldPath::root().join(above).join(name)
}

/// An `orbiter.yml` with its documents taken apart.
///
/// ```
/// use orbos_infra::spec::OrbFile;
/// use orbos_state::{Document, Source};
///
/// let text = "\
/// kind: orbiter.caos.ch/Orb
/// version: v0
/// clusters:
///   k8s: {kind: orbiter.caos.ch/KubernetesCluster, version: v0}
/// providers:
///   rack: {kind: orbiter.caos.ch/StaticProvider, version: v1}
/// ";
/// let orb = OrbFile::read(&Document::parse(&Source::new("orbiter.yml", text))?)?;
/// let (name, document) = &orb.providers[0];
/// assert_eq!((name.as_str(), document.kind()), ("rack", "orbiter.caos.ch/StaticProvider"));
/// # Ok::<(), orbos_state::Diagnostics>(())
/// ```
#[derive(Clone, Debug)]
pub struct OrbFile {
    /// Settings of ORBITER itself.
    pub settings: OrbSettings,
    /// The clusters' documents, in the order of the file.
    pub clusters: Vec<(ClusterId, Document)>,
    /// The providers' documents, in the order of the file.
    pub providers: Vec<(ProviderId, Document)>,
}

impl OrbFile {
    /// Reads the outermost document; what is inside its children is for their drivers to read.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn read(document: &Document) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        let orb = wrong.keep(document.read::<OrbSpec>());
        let clusters = wrong.keep(document.children("clusters"));
        let providers = wrong.keep(document.children("providers"));
        match (orb, clusters, providers) {
            (Some(orb), Some(clusters), Some(providers)) => {
                Ok(Self { settings: orb.spec, clusters, providers })
            }
            _ => Err(wrong),
        }
    }
}
