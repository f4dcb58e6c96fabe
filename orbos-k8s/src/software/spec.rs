//! What a human writes about a Kubernetes cluster.

use std::{collections::BTreeSet, fmt, str::FromStr};

use orbos_infra::{Cidr, PoolRef, Tier, Version};
use orbos_secrets::Sealed;
use orbos_state::{Kind, Mistake};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::versions::{is_known, nearest_known};

/// A Kubernetes cluster in an `orbiter.yml`: kind `orbiter.caos.ch/KubernetesCluster`.
///
/// # Examples
///
/// ```
/// use orbos_k8s::KubernetesCluster;
/// use orbos_state::{Document, Source};
///
/// let file = Source::new("cluster.yml", "\
/// kind: orbiter.caos.ch/KubernetesCluster
/// version: v0
/// spec:
///   controlplane: { provider: static, pool: masters, nodes: 1 }
///   workers: [{ provider: static, pool: workers, nodes: 2 }]
///   versions: { kubernetes: v1.20.2 }
/// ");
/// let cluster: KubernetesCluster = Document::parse(&file)?.read()?;
/// assert_eq!(cluster.spec.networking.network.to_string(), "routed");
/// # Ok::<(), orbos_state::Diagnostics>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KubernetesCluster {
    /// Everything about it.
    pub spec: KubernetesSpec,
}

/// Everything a human can say about a Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KubernetesSpec {
    /// The machines that run etcd and the API servers.
    pub controlplane: Pool<ControlplaneSize>,
    /// The machines that run everything else.
    #[serde(default)]
    pub workers: Vec<Pool<usize>>,
    /// Access to the cluster; written when it is founded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<Sealed>,
    /// Names and addresses within the cluster.
    #[serde(default)]
    pub networking: Networking,
    /// Whether to log more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verbose: bool,
    /// What runs in which version.
    pub versions: Versions,
    /// The registry that images come from instead of the usual ones, without a slash at its end; empty: the
    /// usual ones.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub customimageregistry: String,
    /// Where binaries come from.
    #[serde(default, skip_serializing_if = "Artifacts::is_default")]
    pub artifacts: Artifacts,
    /// Settings of the kubelets.
    #[serde(default, skip_serializing_if = "Kubelet::is_default")]
    pub kubelet: Kubelet,
}

/// How many machines of which pool are members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pool<Size> {
    /// The provider in the same file.
    pub provider: String,
    /// The pool at that provider.
    pub pool: String,
    /// How many machines; at providers with several zones per pool, in each zone.
    pub nodes: Size,
    /// Whether nothing on its machines may be changed at the moment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub updatesdisabled: bool,
    /// What keeps work off its members; absent: taints are left alone, empty: they are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taints: Option<Vec<Taint>>,
}

impl<Size> Pool<Size> {
    /// The pool it is about.
    pub fn pool(&self) -> PoolRef {
        PoolRef::new(&self.provider, &self.pool)
    }
}

/// How many members a control plane can have: 1, 3 or 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct ControlplaneSize(u8);

impl ControlplaneSize {
    /// The number.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

/// A number of machines that cannot form a control plane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a control plane has 1, 3 or 5 nodes, not {0}")]
pub struct ControlplaneSizeError(u64);

impl TryFrom<u64> for ControlplaneSize {
    type Error = ControlplaneSizeError;

    fn try_from(nodes: u64) -> Result<Self, ControlplaneSizeError> {
        match nodes {
            1 => Ok(Self(1)),
            3 => Ok(Self(3)),
            5 => Ok(Self(5)),
            _ => Err(ControlplaneSizeError(nodes)),
        }
    }
}

impl JsonSchema for ControlplaneSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ControlplaneSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [1, 3, 5] })
    }
}

/// What keeps work off a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Taint {
    /// Its name.
    pub key: String,
    /// Its value; absent is the same as empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it does to work that does not tolerate it.
    pub effect: TaintEffect,
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.key, self.value, self.effect)
    }
}

/// Taints in the form in which they are compared: sorted, each once, joined by commas.
pub(super) fn canonical(taints: &[Taint]) -> String {
    let sorted: BTreeSet<String> = taints.iter().map(Taint::to_string).collect();
    sorted.into_iter().collect::<Vec<_>>().join(",")
}

/// What a taint does to work that does not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// New work goes elsewhere.
    NoSchedule,
    /// New work goes elsewhere if it can.
    PreferNoSchedule,
    /// Work goes elsewhere, also what is there already.
    NoExecute,
}

impl fmt::Display for TaintEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Names and addresses within a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Networking {
    /// The domain of services.
    pub dnsdomain: String,
    /// How pods reach each other.
    pub network: Network,
    /// The addresses of services.
    pub servicecidr: Cidr,
    /// The addresses of pods; each member gets a /24 of them.
    pub podcidr: Cidr,
}

impl Default for Networking {
    fn default() -> Self {
        let cidr = |text: &str| text.parse().expect("the default is a range");
        Self {
            dnsdomain: "cluster.local".into(),
            network: Network::default(),
            servicecidr: cidr("10.96.0.0/12"),
            podcidr: cidr("10.244.0.0/16"),
        }
    }
}

/// How pods reach each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// `routed`: a bridge on each machine, and routes between machines that ORBITER keeps. Needs machines
    /// on one network and nothing else.
    #[default]
    Routed,
    /// `calico`.
    Calico,
    /// `cilium`.
    Cilium,
    /// `flannel`.
    Flannel,
    /// Empty: somebody else sees to it.
    None,
    /// The path of a manifest in the repository.
    Manifest(String),
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Routed => "routed",
            Self::Calico => "calico",
            Self::Cilium => "cilium",
            Self::Flannel => "flannel",
            Self::None => "",
            Self::Manifest(path) => path,
        })
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Ok(match text {
            "routed" => Self::Routed,
            "calico" => Self::Calico,
            "cilium" => Self::Cilium,
            "flannel" => Self::Flannel,
            "" => Self::None,
            path if path.contains(['/', '.']) && !path.starts_with('/') => Self::Manifest(path.into()),
            _ => return Err(NetworkError(text.into())),
        })
    }
}

/// Text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not routed, calico, cilium, flannel, empty, or the path of a manifest in the repository")]
pub struct NetworkError(String);

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "routed, calico, cilium, flannel, empty, or the path of a manifest in the repository"
        })
    }
}

/// What runs in which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Versions {
    /// Kubernetes, for example `v1.20.2`.
    #[schemars(with = "String")]
    pub kubernetes: Version,
    /// The version in which ORBITER runs itself on the cluster; empty: it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub orbiter: String,
}

/// Where binaries come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifacts {
    /// A mirror of `https://dl.k8s.io/release`, without a slash at its end; it also has crictl, as
    /// `cri-tools/VERSION/crictl-VERSION-linux-amd64.tar.gz`. Empty: the official places.
    #[serde(default)]
    pub mirror: String,
}

impl Artifacts {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Settings of the kubelets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kubelet {
    /// Who manages control groups: `systemd`, unless machines are containers without a systemd that may.
    #[serde(default)]
    pub cgroupdriver: CgroupDriver,
}

impl Kubelet {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who manages control groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CgroupDriver {
    /// systemd.
    #[default]
    Systemd,
    /// The kubelet and the container runtime themselves.
    Cgroupfs,
}

impl fmt::Display for CgroupDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Systemd => "systemd",
            Self::Cgroupfs => "cgroupfs",
        })
    }
}

impl KubernetesSpec {
    /// The pools with what their members do; the control plane's first.
    pub fn pools(&self) -> impl Iterator<Item = (PoolRef, Tier, Option<&[Taint]>)> {
        let planes = [(self.controlplane.pool(), Tier::Controlplane, self.controlplane.taints.as_deref())];
        let workers = self.workers.iter().map(|it| (it.pool(), Tier::Workers, it.taints.as_deref()));
        planes.into_iter().chain(workers)
    }
}

impl Kind for KubernetesCluster {
    const KIND: &'static str = "orbiter.caos.ch/KubernetesCluster";
    const VERSION: &'static str = "v0";

    fn migrate(_: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        Ok(body)
    }

    fn check(&self) -> Vec<Mistake> {
        let KubernetesSpec { versions, networking, .. } = &self.spec;
        let mut mistakes = Vec::new();
        if !is_known(versions.kubernetes) {
            let message = format!("Kubernetes {} is not known here", versions.kubernetes);
            let hint = format!("did you mean `{}`?", nearest_known(versions.kubernetes));
            mistakes.push(Mistake::new("spec.versions.kubernetes", message).hint(hint));
        }
        if networking.podcidr.overlaps(&networking.servicecidr) {
            let message = format!("it overlaps the services' {}", networking.servicecidr);
            mistakes.push(Mistake::new("spec.networking.podcidr", message).hint("use ranges that are apart"));
        }
        if networking.podcidr.prefix() > 24 {
            let hint = "use a range of /24 or larger";
            mistakes.push(Mistake::new("spec.networking.podcidr", "each member gets a /24 of it").hint(hint));
        }
        let mut seen = BTreeSet::new();
        for (index, (pool, _, _)) in self.spec.pools().enumerate() {
            if !seen.insert(pool.clone()) {
                let path = format!("spec.workers[{}].pool", index - 1);
                mistakes.push(Mistake::new(&path, format!("pool {pool} is used twice in this cluster")));
            }
        }
        mistakes
    }
}
