//! Files written in the newest version of every kind in them.

use orbos_infra::spec::{BalancerSpec, OrbSpec, StaticSpec};
use orbos_k8s::software::KubernetesCluster;
use orbos_platform::spec::Boom;
use orbos_state::{Diagnostics, Document, Error, FieldEdit, Kind, Source, edit};

/// The text of a desired file with every document that comes with ORBOS in the newest version of its kind;
/// comments and everything that means the same stay.
///
/// # Errors
///
/// If it cannot be read, or has a version from which nobody knows the way.
pub fn migrate(source: &Source) -> Result<String, Error> {
    let document = Document::parse(source)?;
    let mut wrong = Diagnostics::new();
    let edits = match Boom::answers_to(document.kind()) {
        true => migration::<Boom>(&document, &mut wrong),
        false => orb(&document, &mut wrong)?,
    };
    wrong.into_result()?;
    edit::apply(&source.text, &edits)
}

fn orb(orb: &Document, wrong: &mut Diagnostics) -> Result<Vec<FieldEdit>, Error> {
    let mut edits = wrong.keep(orb.migration::<OrbSpec>()).unwrap_or_default();
    for (_, cluster) in orb.children("clusters")? {
        edits.extend(migration::<KubernetesCluster>(&cluster, wrong));
    }
    for (_, provider) in orb.children("providers")? {
        edits.extend(migration::<StaticSpec>(&provider, wrong));
        if let Some(balancer) = wrong.keep(provider.child("loadbalancing")).flatten() {
            edits.extend(migration::<BalancerSpec>(&balancer, wrong));
        }
    }
    Ok(edits)
}

/// Nothing for a document of somebody else's kind.
fn migration<K: Kind>(document: &Document, wrong: &mut Diagnostics) -> Vec<FieldEdit> {
    if !K::answers_to(document.kind()) {
        return Vec::new();
    }
    wrong.keep(document.migration::<K>()).unwrap_or_default()
}
