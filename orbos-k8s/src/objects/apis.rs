//! What an API server serves, as a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    GroupKind, Manifests,
    identity::{api_version, group_version},
};

/// A version of a kind that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The version, like `v1`.
    pub version: String,
    /// The kind's name in addresses, like `deployments`.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

/// Which kinds and versions an API server serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apis(BTreeMap<String, Vec<Served>>);

/// Kinds whose versions differ in nothing that is written: one can stand for the other.
const ALIKE: &[(&str, &[&str])] = &[
    ("PodDisruptionBudget.policy", &["v1", "v1beta1"]),
    ("CronJob.batch", &["v1", "v1beta1"]),
    ("HorizontalPodAutoscaler.autoscaling", &["v2", "v2beta2"]),
    ("RuntimeClass.node.k8s.io", &["v1", "v1beta1"]),
    ("CSIDriver.storage.k8s.io", &["v1", "v1beta1"]),
    ("PriorityClass.scheduling.k8s.io", &["v1", "v1beta1"]),
];

impl Apis {
    /// Nothing is served.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a version of a kind behind those that are there, which the server prefers; the same version again is kept once.
    pub fn add(&mut self, kind: &GroupKind, served: Served) {
        let versions = self.0.entry(kind.to_string()).or_default();
        if !versions.iter().any(|it| it.version == served.version) {
            versions.push(served);
        }
    }

    /// The versions of a kind, the server's preferred one first; empty: it does not know the kind.
    pub fn versions(&self, kind: &GroupKind) -> &[Served] {
        self.0.get(&kind.to_string()).map_or(&[], Vec::as_slice)
    }

    /// Whether a kind is served in a version like `policy/v1`.
    pub fn serves(&self, api_version: &str, kind: &str) -> bool {
        let (group, version) = group_version(api_version);
        self.versions(&GroupKind::new(group, kind)).iter().any(|it| it.version == version)
    }

    /// The first of some versions like `policy/v1` in which the server has the kind; `None`: in none of them.
    ///
    /// ```
    /// use orbos_k8s::objects::{Apis, GroupKind, Served};
    ///
    /// let mut apis = Apis::new();
    /// let served = Served { version: "v1beta1".into(), plural: "poddisruptionbudgets".into(), namespaced: true };
    /// apis.add(&GroupKind::new("policy", "PodDisruptionBudget"), served);
    /// assert_eq!(apis.first(&["policy/v1", "policy/v1beta1"], "PodDisruptionBudget"), Some("policy/v1beta1"));
    /// ```
    pub fn first<'a>(&self, versions: &[&'a str], kind: &str) -> Option<&'a str> {
        versions.iter().find(|it| self.serves(it, kind)).copied()
    }

    /// How an object of this version is served: in its own, or in one that differs in nothing.
    ///
    /// # Errors
    ///
    /// Why it cannot be, in words.
    pub(crate) fn resolve(&self, kind: &GroupKind, version: &str) -> Result<&Served, String> {
        let versions = self.versions(kind);
        let served = |version: &str| versions.iter().find(|it| it.version == version);
        let name = kind.to_string();
        let alike = ALIKE
            .iter()
            .find(|(kind, all)| *kind == name && all.contains(&version))
            .map_or(&[][..], |it| it.1);
        served(version).or_else(|| alike.iter().find_map(|it| served(it))).ok_or_else(|| {
            let wanted = api_version(&kind.group, version);
            let others: Vec<_> = versions.iter().map(|it| api_version(&kind.group, &it.version)).collect();
            match others.is_empty() {
                true => format!("the cluster knows no kind {} in {wanted}", kind.kind),
                false => format!("the cluster has no {wanted}, but {}", others.join(", ")),
            }
        })
    }

    /// Adds the kinds whose definitions are among the objects, so that their objects can be planned before the API server
    /// knows them.
    #[must_use]
    pub(crate) fn with_definitions(mut self, manifests: &Manifests) -> Self {
        for manifest in manifests.iter().filter(|it| it.object().is_crd()) {
            let spec = &manifest.value()["spec"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let kind = GroupKind::defined_by(manifest.value());
            let versions = spec["versions"].as_array().into_iter().flatten();
            for version in versions.filter(|it| it["served"] == true) {
                let (version, plural) = (text(&version["name"]), text(&spec["names"]["plural"]));
                self.add(&kind, Served { version, plural, namespaced: spec["scope"] == "Namespaced" });
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::Manifest, *};

    fn served(version: &str) -> Served {
        Served { version: version.into(), plural: "things".into(), namespaced: true }
    }

    #[test]
    fn a_version_that_differs_in_nothing_stands_for_another() {
        let mut apis = Apis::new();
        let (budget, ingress) =
            (GroupKind::new("policy", "PodDisruptionBudget"), GroupKind::new("networking.k8s.io", "Ingress"));
        apis.add(&budget, served("v1beta1"));
        apis.add(&ingress, served("v1beta1"));
        assert_eq!(apis.resolve(&budget, "v1").unwrap().version, "v1beta1");
        let why = apis.resolve(&ingress, "v1").unwrap_err();
        assert_eq!(why, "the cluster has no networking.k8s.io/v1, but networking.k8s.io/v1beta1");
        let why = apis.resolve(&GroupKind::new("", "Foo"), "v1").unwrap_err();
        assert_eq!(why, "the cluster knows no kind Foo in v1");
    }

    #[test]
    fn kinds_are_known_from_definitions_that_are_not_there_yet() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "flows.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Flow", "plural": "flows"},
            "versions": [{"name": "v1", "served": true}, {"name": "v0", "served": false}]}});
        let mut all = Manifests::new();
        all.add(Manifest::new(definition).unwrap()).unwrap();
        let apis = Apis::new().with_definitions(&all);
        assert!(apis.serves("example.com/v1", "Flow") && !apis.serves("example.com/v0", "Flow"));
    }
}
