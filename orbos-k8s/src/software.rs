//! Kubernetes as clustered software: kubeadm on machines, over SSH.

mod apply;
mod host;
mod kubeadm;
mod network;
mod observe;
mod probe;
mod script;
mod sources;
mod spec;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeMap;

use async_trait::async_trait;
use orbos_infra::{
    ClusterGoal, ClusterId, ClusteredSoftware, HostGoal, MemberChange, Membership, PoolGoal, PoolRef, Tier,
    Version, World,
};
use orbos_secrets::Secret;
use orbos_state::{Kind, Registry, Result};

use self::{network::NetworkManifest, sources::Stock};

pub use self::{
    sources::Sources,
    spec::{
        Artifacts, CgroupDriver, ControlplaneSize, ControlplaneSizeError, Kubelet, KubernetesCluster,
        KubernetesSpec, Network, NetworkError, Networking, Pool, Taint, TaintEffect, Versions,
    },
    versions::{is_known, ladder, nearest_known},
};

/// Knows the kind of document that describes a Kubernetes cluster; `given` says what its driver is given
/// beside it.
pub fn registry<C>(
    given: impl Fn(&C) -> (ClusterId, Sources) + Send + Sync + 'static,
) -> Registry<dyn ClusteredSoftware, C> {
    let registry: Registry<dyn ClusteredSoftware, C> = Registry::empty();
    registry.with(KubernetesCluster::KIND, move |document, context| {
        let (id, sources) = given(context);
        Ok(Box::new(Kubernetes::new(id, document.read::<KubernetesCluster>()?.spec, sources)?))
    })
}

/// The endpoint through which members find their cluster.
const ENDPOINT: &str = "kubeapi";

/// A Kubernetes cluster on machines.
///
/// Machines tell by a probe, which is part of their host goal, what [`observe`](ClusteredSoftware::observe)
/// wants to know; observing is no further round trip.
#[derive(Debug)]
pub struct Kubernetes {
    id: ClusterId,
    spec: KubernetesSpec,
    sources: Sources,
    stock: Option<Stock>,
    network: Option<NetworkManifest>,
    goal: ClusterGoal,
}

impl Kubernetes {
    /// Makes the driver of a cluster.
    ///
    /// # Errors
    ///
    /// If the manifest of its network is not there, or the bundle cannot be read.
    pub fn new(id: impl Into<ClusterId>, spec: KubernetesSpec, sources: Sources) -> Result<Self> {
        let id = id.into();
        let stock = sources.bundle.as_deref().map(Stock::of).transpose()?;
        let field = format!("clusters.{id}.spec.networking.network");
        let network = network::manifest(&field, &spec, &sources, stock.as_ref())?;
        let goal = cluster_goal(&spec, sources.api_port, stock.as_ref(), network.as_ref());
        Ok(Self { id, spec, sources, stock, network, goal })
    }

    fn host(&self, tier: Tier, version: Version) -> HostGoal {
        host::goal(&self.spec, self.sources.api_port, self.stock.as_ref(), tier, version)
    }

    fn pools(&self) -> BTreeMap<PoolRef, Tier> {
        self.spec.pools().map(|(pool, tier, _)| (pool, tier)).collect()
    }
}

fn cluster_goal(
    spec: &KubernetesSpec,
    api_port: u16,
    stock: Option<&Stock>,
    network: Option<&NetworkManifest>,
) -> ClusterGoal {
    let target = spec.versions.kubernetes;
    let hosts = |tier| {
        let versions = versions::on_the_way(target);
        versions.into_iter().map(move |it| (it, host::goal(spec, api_port, stock, tier, it))).collect()
    };
    ClusterGoal {
        pools: pools(spec),
        target,
        ladder: ladder(target),
        hosts: [Tier::Controlplane, Tier::Workers].into_iter().map(|tier| (tier, hosts(tier))).collect(),
        settings: spec
            .pools()
            .map(|(pool, tier, taints)| (pool.clone(), settings(&pool, tier, taints)))
            .collect(),
        components: network.map(|it| (network::COMPONENT.to_owned(), it.fingerprint())).into_iter().collect(),
        endpoint: Some(ENDPOINT.to_owned()),
        internal: [spec.networking.podcidr, spec.networking.servicecidr].into(),
        routed: spec.networking.network == Network::Routed,
        founded_before: spec.kubeconfig.is_some(),
    }
}

fn pools(spec: &KubernetesSpec) -> Vec<PoolGoal> {
    let plane = &spec.controlplane;
    let planes = PoolGoal {
        pool: plane.pool(),
        tier: Tier::Controlplane,
        nodes: plane.nodes.get(),
        updates_disabled: plane.updatesdisabled,
    };
    let workers = spec.workers.iter().map(|it| PoolGoal {
        pool: it.pool(),
        tier: Tier::Workers,
        nodes: it.nodes,
        updates_disabled: it.updatesdisabled,
    });
    [planes].into_iter().chain(workers).collect()
}

fn settings(pool: &PoolRef, tier: Tier, taints: Option<&[Taint]>) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::from([
        (format!("label {}", observe::POOL_LABEL), pool.pool.clone()),
        (format!("label {}", observe::TIER_LABEL), tier.to_string()),
    ]);
    if let Some(taints) = taints {
        settings.insert(observe::TAINTS.to_owned(), spec::canonical(taints));
    }
    settings
}

#[async_trait]
impl ClusteredSoftware for Kubernetes {
    fn goal(&self) -> ClusterGoal {
        self.goal.clone()
    }

    async fn observe(&self, world: &dyn World) -> Result<Membership> {
        observe::membership(&self.id, &self.pools(), world.machines(), &observe::traces(world)?)
    }

    async fn apply(&self, change: &MemberChange, world: &dyn World) -> Result<()> {
        apply::Applier::new(self, world)?.apply(change).await
    }

    async fn credentials(&self, world: &dyn World) -> Result<Option<Secret>> {
        apply::Applier::new(self, world)?.credentials().await.map(Some)
    }
}
