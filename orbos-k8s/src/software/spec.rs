//! What a human writes about a Kubernetes cluster.

mod networking;
mod pool;
mod slots;

use std::{collections::BTreeSet, fmt};

use orbos_infra::{PoolRef, Tier, Version};
use orbos_secrets::Sealed;
use orbos_state::{Kind, Mistake};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::versions::{is_known, nearest_known};

pub(super) use pool::canonical;
pub use {
    networking::{Network, NetworkError, Networking},
    pool::{ControlplaneSize, ControlplaneSizeError, Pool, Taint, TaintEffect},
};

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
