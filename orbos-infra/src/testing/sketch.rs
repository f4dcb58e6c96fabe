//! An orb in a few words, and the goal and the bare world that it stands for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{
    Artifact, Balancing, Cidr, ClusterGoal, Endpoint, FileGoal, Firewall, HealthCheck, HealthProtocol,
    HostGoal, Interfaces, Inventory, Machine, Membership, Model, Needs, OrbGoal, OrbObserved, Origin,
    PoolGoal, PoolRef, ProviderGoal, Purpose, Rule, Scope, ServiceGoal, Supply, Tier, Version,
};

/// An orb in a few words: one cluster named `k8s`, small host goals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sketch {
    /// The version every member shall have.
    pub version: Version,
    /// Versions on the way there.
    #[serde(default)]
    pub ladder: Vec<Version>,
    /// The control plane.
    pub controlplane: PoolSketch,
    /// The workers.
    #[serde(default)]
    pub workers: Vec<PoolSketch>,
    /// Where machines come from.
    pub providers: BTreeMap<String, ProviderSketch>,
    /// Whether routes between machines are kept.
    #[serde(default)]
    pub routed: bool,
    /// Parts configured as a whole, each with a word that stands for its text.
    #[serde(default)]
    pub components: BTreeMap<String, String>,
    /// What is set on every member.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// How many machines of which pool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSketch {
    /// As `provider.pool`.
    pub pool: PoolRef,
    /// How many.
    pub nodes: usize,
}

/// A provider in a few words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSketch {
    /// The machines that are listed, by pool; absent: it makes machines.
    #[serde(default)]
    pub lists: Option<BTreeMap<String, Vec<String>>>,
    /// Endpoints by name, each with the pool that answers.
    #[serde(default)]
    pub endpoints: BTreeMap<String, String>,
}

impl Sketch {
    /// The goal and a world in which nothing was done yet.
    pub fn model(&self) -> Model {
        Model::new(self.goal(), self.bare_world())
    }

    /// The goal alone.
    pub fn goal(&self) -> OrbGoal {
        let providers =
            self.providers.iter().map(|(name, it)| (name.clone(), it.goal(name, &self.pools()))).collect();
        let cluster = ClusterGoal {
            pools: self.pools(),
            target: self.version,
            ladder: self.ladder.clone(),
            hosts: self.hosts(),
            settings: self.pools().into_iter().map(|it| (it.pool, self.settings.clone())).collect(),
            components: self.components.clone(),
            endpoint: self
                .providers
                .values()
                .any(|it| it.endpoints.contains_key("kubeapi"))
                .then(|| "kubeapi".into()),
            internal: BTreeSet::new(),
            routed: self.routed,
            founded_before: false,
        };
        OrbGoal {
            purpose: Purpose::Run,
            missing_secrets: Vec::new(),
            providers,
            clusters: BTreeMap::from([("k8s".into(), cluster)]),
        }
    }

    fn pools(&self) -> Vec<PoolGoal> {
        let goal = |it: &PoolSketch, tier| PoolGoal {
            pool: it.pool.clone(),
            tier,
            nodes: it.nodes,
            updates_disabled: false,
        };
        let workers = self.workers.iter().map(|it| goal(it, Tier::Workers));
        std::iter::once(goal(&self.controlplane, Tier::Controlplane)).chain(workers).collect()
    }

    /// What each tier needs at each version: as little as shows every kind of change.
    fn hosts(&self) -> BTreeMap<Tier, BTreeMap<Version, HostGoal>> {
        let versions: BTreeSet<Version> = self.ladder.iter().chain([&self.version]).copied().collect();
        let tier = |ports: &[u16]| versions.iter().map(|it| (*it, host_goal(*it, ports))).collect();
        BTreeMap::from([(Tier::Controlplane, tier(&[6443, 10250])), (Tier::Workers, tier(&[10250]))])
    }

    fn bare_world(&self) -> OrbObserved {
        let providers = self.providers.iter().map(|(name, it)| (name.clone(), it.inventory(name))).collect();
        OrbObserved {
            providers,
            clusters: BTreeMap::from([("k8s".into(), Membership::default())]),
            ..OrbObserved::default()
        }
    }
}

impl ProviderSketch {
    fn goal(&self, name: &str, pools: &[PoolGoal]) -> ProviderGoal {
        let fixed = self.lists.is_some();
        ProviderGoal {
            supply: if fixed { Supply::Fixed } else { Supply::Elastic },
            balancing: if fixed { Balancing::OnMachines } else { Balancing::Managed },
            pools: pools.iter().map(|it| it.pool.clone()).filter(|it| it.provider == name).collect(),
            endpoints: self
                .endpoints
                .iter()
                .zip(1..)
                .map(|((endpoint, pool), number)| {
                    (endpoint.clone(), self.endpoint(name, endpoint, pool, number))
                })
                .collect(),
            interfaces: Interfaces::default(),
            reboot: BTreeSet::new(),
            replace: BTreeSet::new(),
        }
    }

    fn endpoint(&self, provider: &str, name: &str, pool: &str, number: u8) -> Endpoint {
        let pool = PoolRef::new(provider, pool);
        Endpoint {
            name: name.into(),
            address: self.lists.is_some().then(|| [10, 0, 0, 200 + number].into()),
            balancers: pool.clone(),
            frontend_port: 443 + u16::from(number),
            backend_port: 6443,
            backends: BTreeSet::from([pool]),
            health: HealthCheck { protocol: HealthProtocol::Https, path: "/healthz".into(), code: 200 },
            whitelist: BTreeSet::from([Cidr::ANY]),
            proxy_protocol: false,
        }
    }

    fn inventory(&self, provider: &str) -> Inventory {
        let mut inventory = Inventory::default();
        let mut number = 0;
        for (pool, names) in self.lists.iter().flatten() {
            let pool = PoolRef::new(provider, pool);
            let machines = names.iter().map(|name| {
                number += 1;
                Machine { id: pool.machine(name), address: Some([10, 0, 0, number].into()) }
            });
            inventory.free.insert(pool.clone(), machines.collect());
        }
        inventory
    }
}

fn host_goal(version: Version, ports: &[u16]) -> HostGoal {
    let kubelet = Artifact {
        name: "kubelet".into(),
        version: version.to_string(),
        origin: Origin::Url {
            url: "https://example.com/kubelet".into(),
            checksum_url: "https://example.com/sum".into(),
        },
        mode: 0o755,
    };
    let config = "/etc/containerd/config.toml".to_string();
    HostGoal {
        packages: BTreeSet::from(["containerd".into()]),
        artifacts: BTreeMap::from([("/usr/local/bin/kubelet".into(), kubelet)]),
        sysctls: BTreeMap::from([("net.ipv4.ip_forward".into(), "1".into())]),
        files: BTreeMap::from([(config.clone(), FileGoal::text("version = 2\n"))]),
        services: BTreeMap::from([(
            "containerd.service".into(),
            ServiceGoal { reads: BTreeSet::from([config]), ..ServiceGoal::default() },
        )]),
        firewall: Some(Firewall {
            rules: ports.iter().map(|it| Rule::tcp(format!("port-{it}"), *it, Scope::Internal)).collect(),
            ..Firewall::default()
        }),
        needs: Needs { memory_mib: 1700, disk_mib: 8000, free_ports: ports.iter().copied().collect() },
        ..HostGoal::default()
    }
}
