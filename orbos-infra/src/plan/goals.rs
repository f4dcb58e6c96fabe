//! What should be true on each machine; what machines of a pool share is made once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    cluster::{ClusterGoal, ClusterId, Membership, Version},
    host::{FileGoal, Fingerprint, HostGoal},
    hosts,
    machine::{Machine, MachineId, PoolRef},
    network::{Cidr, Endpoint, Firewall},
    orb::{OrbGoal, OrbObserved},
    provider::Balancing,
};

/// The goals of all machines of an orb, for one look at it.
pub(super) struct Goals<'a> {
    pub(super) goal: &'a OrbGoal,
    pub(super) observed: &'a OrbObserved,
    machines: BTreeMap<MachineId, Machine>,
    internal: BTreeMap<ClusterId, Arc<BTreeSet<Cidr>>>,
    shared: BTreeMap<(PoolRef, Version), Shared>,
}

/// What all machines of a pool need at a version.
struct Shared {
    goal: HostGoal,
    prints: Prints,
}

/// Fingerprints of what machines share, so that they are not made anew for each of them.
pub(super) struct Prints {
    files: BTreeMap<String, Fingerprint>,
    firewall: Option<(Firewall, Fingerprint)>,
}

impl<'a> Goals<'a> {
    pub(super) fn new(goal: &'a OrbGoal, observed: &'a OrbObserved) -> Self {
        let mut machines: BTreeMap<_, _> =
            observed.machines().map(|it| (it.id.clone(), it.clone())).collect();
        machines.extend(unseen_members(observed).map(|it| (it.id.clone(), it)));
        let addresses: BTreeSet<Cidr> = machines.values().filter_map(address).collect();
        let internal = goal.clusters.iter().map(|(id, cluster)| {
            (id.clone(), Arc::new(addresses.union(&cluster.internal).copied().collect()))
        });
        Self { goal, observed, internal: internal.collect(), machines, shared: BTreeMap::new() }
    }

    /// What should be true on one machine at a version. `None`: nothing is known of that version, or
    /// nobody wants the machine.
    pub(super) fn of(&mut self, machine: &Machine, version: Version) -> Option<HostGoal> {
        let (cluster_id, cluster, _) = self.goal.pool(&machine.id.pool)?;
        let mut wanted = self.shared(&machine.id.pool, version)?.goal.clone();
        wanted.hostname = Some(machine.id.name.clone());
        self.balance(&mut wanted, cluster, machine);
        let membership = self.observed.clusters.get(cluster_id);
        if let Some(membership) = membership.filter(|_| cluster.routed) {
            wanted.routes = self.routes(membership, &machine.id);
        }
        let subnet = membership.and_then(|it| it.members.get(&machine.id)).and_then(|it| it.subnet);
        let filled = |(path, file)| Some((path, filled(file, machine, subnet)?));
        wanted.files = wanted.files.into_iter().filter_map(filled).collect();
        Some(wanted)
    }

    /// The fingerprints for the goal of a machine.
    pub(super) fn prints(&mut self, machine: &Machine, version: Version) -> Option<&Prints> {
        self.shared(&machine.id.pool, version).map(|it| &it.prints)
    }

    fn shared(&mut self, pool: &PoolRef, version: Version) -> Option<&Shared> {
        let key = (pool.clone(), version);
        if !self.shared.contains_key(&key) {
            let (id, cluster, wanted) = self.goal.pool(pool)?;
            let mut goal = cluster.hosts.get(&wanted.tier)?.get(&version)?.clone();
            add_firewall(&mut goal, self.goal, pool, &self.internal[id]);
            let prints = Prints::of(&goal);
            self.shared.insert(key.clone(), Shared { goal, prints });
        }
        self.shared.get(&key)
    }

    fn balance(&self, wanted: &mut HostGoal, cluster: &ClusterGoal, machine: &Machine) {
        for provider in self.goal.providers.values().filter(|it| it.balancing == Balancing::OnMachines) {
            let ours = provider.endpoints.values().filter(|it| it.balancers == machine.id.pool);
            let ours: Vec<&Endpoint> = ours.collect();
            if !ours.is_empty() {
                let (machines, internal) = (&self.machines, &cluster.internal);
                hosts::balancing::balance(wanted, machine, &provider.interfaces, &ours, machines, internal);
            }
        }
    }

    fn routes(&self, membership: &Membership, own: &MachineId) -> BTreeMap<Cidr, IpAddr> {
        let others = membership.members.iter().filter(|(id, _)| *id != own);
        others.filter_map(|(id, member)| Some((member.subnet?, self.machines.get(id)?.address?))).collect()
    }
}

/// Members that are only away for a while: the others go on to let them in, and to pass work on to them.
fn unseen_members(observed: &OrbObserved) -> impl Iterator<Item = Machine> {
    let is_member = |it: &MachineId| observed.clusters.values().any(|one| one.members.contains_key(it));
    let unseen = observed.providers.values().flat_map(|it| it.unseen.keys().map(move |id| (it, id)));
    unseen
        .filter(move |(_, id)| is_member(id))
        .map(|(inventory, id)| Machine { id: id.clone(), address: inventory.addresses.get(id).copied() })
}

impl Prints {
    /// Nothing is known beforehand.
    pub(super) const NONE: Self = Self { files: BTreeMap::new(), firewall: None };

    fn of(goal: &HostGoal) -> Self {
        let plain = goal.files.iter().filter(|(_, file)| !file.contents.contains("${"));
        Self {
            files: plain.map(|(path, file)| (path.clone(), fingerprint(&file.contents))).collect(),
            firewall: goal.firewall.as_ref().map(|it| (it.clone(), firewall_fingerprint(it))),
        }
    }

    pub(super) fn of_file(&self, path: &str, file: &FileGoal) -> Cow<'_, Fingerprint> {
        self.files.get(path).map_or_else(|| Cow::Owned(fingerprint(&file.contents)), Cow::Borrowed)
    }

    pub(super) fn of_firewall(&self, firewall: &Firewall) -> Cow<'_, Fingerprint> {
        match &self.firewall {
            Some((known, print)) if known == firewall => Cow::Borrowed(print),
            _ => Cow::Owned(firewall_fingerprint(firewall)),
        }
    }
}

/// What should be true on one machine: what its cluster needs at a version, its name, load balancing,
/// firewall and routes. `None`: the cluster does not know the version, or nobody wants the machine.
pub fn machine_goal(
    goal: &OrbGoal,
    observed: &OrbObserved,
    machine: &Machine,
    version: Version,
) -> Option<HostGoal> {
    Goals::new(goal, observed).of(machine, version)
}

/// What has to be looked at on the machines of each pool, so that it can be said for any version what is
/// missing.
pub(crate) fn look_goals(goal: &OrbGoal, observed: &OrbObserved) -> BTreeMap<PoolRef, HostGoal> {
    let goals = Goals::new(goal, observed);
    let mut looks = BTreeMap::new();
    let free = observed.providers.values().flat_map(|it| it.free.values().flatten());
    for machine in goals.machines.values().chain(free) {
        let pool = &machine.id.pool;
        if !looks.contains_key(pool) {
            looks.insert(pool.clone(), look_goal(&goals, machine));
        }
    }
    looks
}

fn look_goal(goals: &Goals<'_>, machine: &Machine) -> HostGoal {
    let mut wanted = HostGoal::default();
    let Some((id, cluster, pool)) = goals.goal.pool(&machine.id.pool) else { return wanted };
    for version in cluster.hosts.get(&pool.tier).into_iter().flat_map(BTreeMap::values) {
        wanted.packages.extend(version.packages.iter().cloned());
        wanted.artifacts.extend(version.artifacts.clone());
        wanted.images.extend(version.images.clone());
        wanted.modules.extend(version.modules.iter().cloned());
        wanted.sysctls.extend(version.sysctls.clone());
        wanted.files.extend(version.files.clone());
        wanted.services.extend(version.services.clone());
        wanted.probes.extend(version.probes.clone());
        wanted.swap_off |= version.swap_off;
        wanted.needs.free_ports.extend(&version.needs.free_ports);
    }
    add_firewall(&mut wanted, goals.goal, &machine.id.pool, &goals.internal[id]);
    goals.balance(&mut wanted, cluster, machine);
    wanted
}

/// Who counts as internal, and what endpoints need on the machines of a pool.
fn add_firewall(wanted: &mut HostGoal, goal: &OrbGoal, pool: &PoolRef, internal: &Arc<BTreeSet<Cidr>>) {
    wanted.packages.extend(hosts::FIREWALL_PACKAGES.map(String::from));
    let firewall = wanted.firewall.get_or_insert_with(Firewall::default);
    firewall.internal = if firewall.internal.is_subset(internal) {
        Arc::clone(internal)
    } else {
        Arc::new(firewall.internal.union(internal).copied().collect())
    };
    for provider in goal.providers.values() {
        let endpoints: Vec<&Endpoint> = provider.endpoints.values().collect();
        firewall.rules.extend(hosts::balancing::backend_rules(&endpoints, pool));
    }
}

fn address(machine: &Machine) -> Option<Cidr> {
    match machine.address? {
        IpAddr::V4(address) => Some(Cidr::host(address)),
        IpAddr::V6(_) => None,
    }
}

/// The file with the machine's own values in it; `None`: one of them is not known yet.
fn filled(file: FileGoal, machine: &Machine, subnet: Option<Cidr>) -> Option<FileGoal> {
    if !file.contents.contains("${") {
        return Some(file);
    }
    let mut contents = file.contents.to_string();
    let values = [
        ("${machine.name}", Some(machine.id.name.clone())),
        ("${machine.address}", machine.address.map(|it| it.to_string())),
        ("${member.subnet}", subnet.map(|it| it.to_string())),
    ];
    for (name, value) in values {
        if contents.contains(name) {
            contents = contents.replace(name, &value?);
        }
    }
    Some(FileGoal { contents: contents.into(), mode: file.mode })
}

/// What text hashes to: SHA-256 in hex.
pub(crate) fn fingerprint(text: &str) -> Fingerprint {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

pub(crate) fn firewall_fingerprint(firewall: &Firewall) -> Fingerprint {
    fingerprint(&hosts::firewall_text(firewall))
}
