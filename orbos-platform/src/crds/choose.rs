//! Where definitions come from, decided: the cluster's own, the repository's, the publisher's, or none with a schema.

use std::collections::{BTreeMap, BTreeSet};

use orbos_k8s::objects::{Manifest, Manifests};
use orbos_state::Source;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CrdBundle, DefinedKind, fit, permissive};
use crate::parts::merge;

/// The label that says which version of a tool a definition belongs to.
pub(super) const VERSION: &str = "app.kubernetes.io/version";

/// A definition that the cluster has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Whether we put it there.
    pub ours: bool,
    /// The versions that are served, like `v1`.
    pub versions: Vec<String>,
    /// The version of the tool that it belongs to; `None`: it does not say.
    pub release: Option<String>,
}

impl Installed {
    fn serves(&self, version: &str) -> bool {
        self.versions.iter().any(|it| it == version)
    }
}

/// What there is to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// What the cluster has, by the names of definitions like `hosts.getambassador.io`.
    pub installed: &'a BTreeMap<String, Installed>,
    /// What the repository has, by the names of bundles; see [`CrdBundle::vendored_path`].
    pub vendored: &'a BTreeMap<String, Manifests>,
    /// What was fetched, by the names of bundles; see [`to_fetch`].
    pub fetched: &'a BTreeMap<String, Vec<u8>>,
    /// The minor version of Kubernetes.
    pub minor: u32,
    /// Whether kinds may be defined without a schema.
    pub allow_permissive: bool,
}

/// Where the definitions of a bundle come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The cluster has all of them, and nothing newer is at hand or they are somebody else's.
    Kept,
    /// A human put them into the repository.
    Vendored,
    /// They were fetched, and are what was pinned.
    Fetched,
    /// Those that the cluster lacks are defined without a schema.
    Permissive,
    /// Nowhere: why, and what helps. The tool has to wait, and nothing of it may be deleted.
    Missing(String),
}

/// What is done about one bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen<'a> {
    /// The bundle.
    pub bundle: &'a CrdBundle,
    /// Where its definitions come from.
    pub choice: Choice,
    /// The definitions to apply.
    pub apply: Vec<Manifest>,
    /// Names of our definitions that stay as they are; deleting one would delete all objects of its kind.
    pub keep: BTreeSet<String>,
}

/// Decides for each bundle, by name and each once; pure. Somebody else's definitions are never touched, and ours never
/// become older.
pub fn choose<'a>(needed: &[&'a CrdBundle], sources: &Sources<'_>) -> Vec<Chosen<'a>> {
    let needed: BTreeMap<_, _> = needed.iter().map(|it| (it.name, *it)).collect();
    needed.into_values().map(|it| chosen(it, sources)).collect()
}

/// Bundles that are worth fetching: their digest is known, nobody vendored them, and the cluster lacks some of them or has
/// ours of another version.
pub fn to_fetch<'a>(
    needed: &[&'a CrdBundle],
    installed: &BTreeMap<String, Installed>,
    vendored: &BTreeMap<String, Manifests>,
) -> Vec<&'a CrdBundle> {
    let needed: BTreeMap<_, _> = needed.iter().map(|it| (it.name, *it)).collect();
    let current = |bundle: &CrdBundle, kind: &DefinedKind| match installed.get(&kind.definition()) {
        Some(it) if it.ours => it.serves(kind.version) && it.release.as_deref() == Some(bundle.version),
        other => other.is_some(),
    };
    needed
        .into_values()
        .filter(|it| it.sha256.is_some() && !vendored.contains_key(it.name))
        .filter(|bundle| !bundle.kinds.iter().all(|kind| current(bundle, kind)))
        .collect()
}

fn chosen<'a>(bundle: &'a CrdBundle, sources: &Sources<'_>) -> Chosen<'a> {
    let (choice, apply) = match decide(bundle, sources) {
        Ok(decided) => decided,
        Err(why) => (Choice::Missing(why), Vec::new()),
    };
    let applied: BTreeSet<_> = apply.iter().map(|it| it.object().name.clone()).collect();
    let ours = sources.installed.iter().filter(|(name, it)| it.ours && belongs(bundle, name));
    let keep = ours.map(|(name, _)| name.clone()).filter(|it| !applied.contains(it)).collect();
    Chosen { bundle, choice, apply, keep }
}

fn decide(bundle: &CrdBundle, sources: &Sources<'_>) -> Result<(Choice, Vec<Manifest>), String> {
    let Sources { installed, vendored, fetched, allow_permissive, .. } = sources;
    let there = |it: &DefinedKind| installed.get(&it.definition());
    let mut outdated = bundle.kinds.iter().filter_map(|kind| {
        let has = there(kind).filter(|has| !has.serves(kind.version))?;
        Some((kind, has))
    });
    if let Some((kind, has)) = outdated.clone().find(|it| !it.1.ours) {
        return Err(format!(
            "somebody else defined {} as {}, but it is needed as {}",
            kind.definition(),
            has.versions.join(", "),
            kind.version,
        ));
    }
    if bundle.kinds.iter().all(|it| there(it).is_some_and(|has| !has.ours)) {
        return Ok((Choice::Kept, Vec::new()));
    }
    if let Some(file) = vendored.get(bundle.name) {
        return Ok((Choice::Vendored, definitions(bundle, file, &bundle.vendored_path(), sources)?));
    }
    if let Some(bytes) = fetched.get(bundle.name) {
        let Some(sha256) = bundle.sha256 else {
            let (url, digest) = (bundle.url, digest(bytes));
            return Err(format!("the SHA-256 of {url} is {digest}, but none is pinned; {}", helps(bundle)));
        };
        let file = pinned(bundle, bytes, Some(sha256)).map_err(|why| format!("{why}; {}", helps(bundle)))?;
        return Ok((Choice::Fetched, definitions(bundle, &file, bundle.url, sources)?));
    }
    if let Some((kind, has)) = outdated.next() {
        let name = kind.definition();
        let (has, needed) = (has.versions.join(", "), kind.version);
        return Err(format!("{name} is defined as {has}, but it is needed as {needed}; {}", helps(bundle)));
    }
    let missing: Vec<_> = bundle.kinds.iter().filter(|it| there(it).is_none()).collect();
    match missing.first() {
        None => Ok((Choice::Kept, Vec::new())),
        Some(_) if *allow_permissive => {
            let definitions: Result<Vec<_>, _> = missing.into_iter().map(permissive).collect();
            Ok((Choice::Permissive, definitions.map_err(|it| it.to_string())?))
        }
        Some(kind) => Err(format!(
            "the cluster has no {}; {}, or allow definitions without a schema with `spec.crds.allowPermissive`",
            kind.definition(),
            helps(bundle),
        )),
    }
}

fn helps(bundle: &CrdBundle) -> String {
    format!(
        "put {} into the repository as {}, as `orbctl boom vendor` does",
        bundle.url,
        bundle.vendored_path()
    )
}

/// What was fetched, if it is what was pinned; `None`: anything is.
pub(super) fn pinned(bundle: &CrdBundle, bytes: &[u8], pinned: Option<&str>) -> Result<Manifests, String> {
    let url = bundle.url;
    let digest = digest(bytes);
    if let Some(pinned) = pinned.filter(|it| !it.eq_ignore_ascii_case(&digest)) {
        return Err(format!("the SHA-256 of {url} is {digest}, but {pinned} is pinned"));
    }
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| format!("{url} is no text"))?;
    Manifests::parse(&[Source::new(url, text)]).map_err(|it| format!("{url} cannot be read: {it}"))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

/// The definitions of a file that are ours to apply, made to fit the cluster.
fn definitions(
    bundle: &CrdBundle,
    file: &Manifests,
    origin: &str,
    sources: &Sources<'_>,
) -> Result<Vec<Manifest>, String> {
    let all: Vec<_> = file.iter().filter(|it| is_definition(it)).cloned().collect();
    let has = |name: &str| sources.installed.get(name);
    let somebody_elses = |name: &str| has(name).is_some_and(|it| !it.ours);
    if let Some(kind) = bundle.kinds.iter().find(|it| !somebody_elses(&it.definition()) && lacks(&all, it)) {
        return Err(format!("{origin} does not define {} as {}", kind.definition(), kind.version));
    }
    let needed = |name: &str| bundle.kinds.iter().find(|it| it.definition() == name).map(|it| it.version);
    let apply = all.into_iter().filter(|it| {
        let name = it.object().name.as_str();
        match has(name) {
            None => true,
            Some(has) => has.ours && !is_older(it, has, needed(name)),
        }
    });
    Ok(apply.map(|it| labelled(fit(it.clone(), sources.minor), bundle)).collect())
}

/// Whether an object defines a kind.
pub(super) fn is_definition(it: &Manifest) -> bool {
    it.object().group == "apiextensions.k8s.io" && it.object().kind == "CustomResourceDefinition"
}

/// Whether no definition is of this kind in its version.
pub(super) fn lacks(definitions: &[Manifest], kind: &DefinedKind) -> bool {
    !definitions.iter().any(|it| {
        it.object().name == kind.definition() && versions(it.value()).iter().any(|it| it == kind.version)
    })
}

/// Whether a definition would take away what is newer than all it has itself, although what the cluster has will do.
fn is_older(definition: &Manifest, has: &Installed, needed: Option<&str>) -> bool {
    let newest = |all: &[String]| all.iter().map(|it| rank(it)).max();
    needed.is_none_or(|it| has.serves(it)) && newest(&versions(definition.value())) < newest(&has.versions)
}

/// Says which version of the tool a definition belongs to, for [`to_fetch`].
fn labelled(definition: Manifest, bundle: &CrdBundle) -> Manifest {
    let mut value = definition.value().clone();
    merge(&mut value, json!({ "metadata": { "labels": { VERSION: bundle.version } } }));
    Manifest::new(value).unwrap_or(definition)
}

/// Whether a definition is of a group that a bundle defines.
fn belongs(bundle: &CrdBundle, definition: &str) -> bool {
    let group = definition.split_once('.').map(|it| it.1);
    bundle.kinds.iter().any(|it| Some(it.group) == group)
}

fn versions(definition: &Value) -> Vec<String> {
    let all = definition.pointer("/spec/versions").and_then(Value::as_array);
    let served = all.into_iter().flatten().filter(|it| it["served"] != false);
    served.filter_map(|it| it["name"].as_str().map(str::to_owned)).collect()
}

/// How new a version is, as Kubernetes orders them: `v1` before `v2beta1` before `v2alpha1`, and bigger numbers first.
fn rank(version: &str) -> (u8, u32, u32) {
    let number = |text: &str| text.parse().unwrap_or_default();
    let rest = version.trim_start_matches('v');
    let stages = [(1, "beta"), (0, "alpha")];
    let stage = stages
        .into_iter()
        .find_map(|(stage, it)| rest.split_once(it).map(|(major, minor)| (stage, major, minor)));
    match stage {
        Some((stage, major, minor)) => (stage, number(major), number(minor)),
        None => (2, number(rest), 0),
    }
}

#[cfg(test)]
mod tests;
