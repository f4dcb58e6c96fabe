//! The modelled world: what every change would make of what was seen.
//!
//! It serves the preview of several rounds, the simulated drivers, and the tests of the planner.

use std::net::{IpAddr, Ipv4Addr};

use orbos_state::Plan;

use crate::{
    cluster::{ClusterId, Member, MemberChange, Membership, Ready, Tier, Version},
    host::{FileSeen, HostChange, HostSeen, ServiceSeen},
    machine::{Machine, MachineId},
    network::Cidr,
    orb::{OrbChange, OrbGoal, OrbObserved, Request, RequestChange},
    plan::{self, difference, fingerprint, firewall_fingerprint, machine_goal},
    provider::ProviderChange,
};

/// An orb and its world, as values.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What should be true; requests in it are consumed.
    pub goal: OrbGoal,
    /// What is true.
    pub observed: OrbObserved,
    /// Counts changes; stands for the time at which a file was written or a service started.
    clock: i64,
}

/// Every plan until nothing is left to do, or until only waiting is left; at most `rounds`.
///
/// The last plan of an orb that settles is not part of it, because it is empty.
pub fn forecast(goal: &OrbGoal, observed: &OrbObserved, rounds: usize) -> Vec<Plan<OrbChange>> {
    let mut model = Model::new(goal.clone(), observed.clone());
    let mut plans = Vec::new();
    while plans.len() < rounds {
        let plan = model.plan();
        if plan.is_settled() {
            break;
        }
        let stuck = plan.is_empty();
        plan.changes().for_each(|it| model.apply(it));
        plans.push(plan);
        if stuck {
            break;
        }
    }
    plans
}

impl Model {
    /// The world as it was seen.
    pub fn new(goal: OrbGoal, observed: OrbObserved) -> Self {
        let hosts = observed.hosts.values();
        let files = hosts.clone().flat_map(|it| it.files.values().map(|it| it.changed));
        let services = hosts.flat_map(|it| it.services.values().map(|it| it.since));
        let clock = files.chain(services).max().unwrap_or(0);
        Self { goal, observed, clock }
    }

    /// What would be planned now.
    pub fn plan(&self) -> Plan<OrbChange> {
        plan::plan(&self.goal, &self.observed)
    }

    /// Makes a change come true.
    pub fn apply(&mut self, change: &OrbChange) {
        self.clock += 1;
        match change {
            OrbChange::Request(change) => self.request(change),
            OrbChange::Provider { change, .. } => self.provider(change),
            OrbChange::Host { machine, changes } => {
                let clock = self.clock;
                if let Some(host) = self.observed.hosts.get_mut(machine) {
                    changes.iter().for_each(|it| apply_to_host(host, it, clock));
                }
            }
            OrbChange::Member { cluster, change } => self.member(cluster, change),
        }
    }

    fn request(&mut self, change: &RequestChange) {
        match change {
            RequestChange::Generate { path } => self.goal.missing_secrets.retain(|it| it != path),
            RequestChange::Store { cluster } => self.remember(cluster, true),
            RequestChange::Discard { cluster } => self.remember(cluster, false),
            RequestChange::Consume { machine, request } => {
                if let Some(provider) = self.goal.providers.get_mut(&machine.pool.provider) {
                    match request {
                        Request::Reboot => provider.reboot.remove(machine),
                        Request::Replace => provider.replace.remove(machine),
                    };
                }
            }
        }
    }

    fn remember(&mut self, cluster: &ClusterId, founded: bool) {
        if let Some(goal) = self.goal.clusters.get_mut(cluster) {
            goal.founded_before = founded;
        }
    }

    fn provider(&mut self, change: &ProviderChange) {
        match change {
            ProviderChange::Create { machine } => self.create(machine),
            ProviderChange::Destroy { machine } => self.destroy(machine),
            ProviderChange::Reboot { machine } => {
                let clock = self.clock;
                if let Some(host) = self.observed.hosts.get_mut(machine) {
                    host.boot_id = clock.to_string();
                }
            }
            ProviderChange::Publish { endpoint } => {
                let address = endpoint.address.unwrap_or(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)));
                self.inventories_of(&endpoint.balancers.provider, |it| {
                    it.endpoints.insert(endpoint.name.clone(), address);
                });
            }
            ProviderChange::Permit { endpoint } => {
                self.inventories_of(&endpoint.balancers.provider, |it| {
                    it.permitted.insert(endpoint.name.clone());
                });
            }
            ProviderChange::Withdraw { endpoint } => {
                self.observed.providers.values_mut().for_each(|it| {
                    it.endpoints.remove(endpoint);
                });
            }
            ProviderChange::Forbid { endpoint } => {
                self.observed.providers.values_mut().for_each(|it| {
                    it.permitted.remove(endpoint);
                });
            }
        }
    }

    fn inventories_of(&mut self, provider: &str, change: impl Fn(&mut crate::machine::Inventory)) {
        if let Some(inventory) = self.observed.providers.get_mut(provider) {
            change(inventory);
        }
    }

    fn create(&mut self, id: &MachineId) {
        let number = self.observed.machines().count() + 1;
        let address = Ipv4Addr::new(192, 0, 2, u8::try_from(number).unwrap_or(u8::MAX));
        let Some(inventory) = self.observed.providers.get_mut(&id.pool.provider) else { return };
        if inventory.machines.contains_key(id) {
            return;
        }
        let listed = inventory.free.get_mut(&id.pool).and_then(|free| {
            let position = free.iter().position(|it| it.id == *id)?;
            Some(free.remove(position))
        });
        let machine = listed.unwrap_or(Machine { id: id.clone(), address: Some(address.into()) });
        inventory.machines.insert(id.clone(), machine);
        let host = self.observed.candidates.remove(id).unwrap_or_else(|| bare_host(id));
        self.observed.hosts.insert(id.clone(), host);
    }

    fn destroy(&mut self, id: &MachineId) {
        self.observed.hosts.remove(id);
        let fixed = self
            .goal
            .providers
            .get(&id.pool.provider)
            .is_some_and(|it| it.supply == crate::provider::Supply::Fixed);
        let Some(inventory) = self.observed.providers.get_mut(&id.pool.provider) else { return };
        if let Some(machine) = inventory.machines.remove(id)
            && fixed
        {
            let free = inventory.free.entry(id.pool.clone()).or_default();
            free.push(machine);
            free.sort_by(|one, other| one.id.cmp(&other.id));
        }
    }

    fn member(&mut self, cluster: &ClusterId, change: &MemberChange) {
        let seen = self.observed.clusters.entry(cluster.clone()).or_default();
        match change {
            MemberChange::Bootstrap { machine, version } => {
                seen.founded = true;
                seen.answering = true;
                self.join(cluster, machine, Tier::Controlplane, *version);
            }
            MemberChange::Join { machine, tier, version } => self.join(cluster, machine, *tier, *version),
            MemberChange::Drain { machine, reason } => change_member(seen, machine, |it| {
                it.serving = false;
                it.drained_for = Some(*reason);
            }),
            MemberChange::Resume { machine } => change_member(seen, machine, |it| {
                it.serving = true;
                it.drained_for = None;
            }),
            MemberChange::Upgrade { machine, to, .. } => {
                change_member(seen, machine, |it| it.version = *to);
                self.converge(machine, *to);
            }
            MemberChange::Remove { machine } => {
                seen.members.remove(machine);
                if seen.members.is_empty() {
                    *seen = Membership::default();
                }
            }
            MemberChange::Forget { name } => drop(seen.strangers.remove(name)),
            MemberChange::Set { machine, name, value } => {
                change_member(seen, machine, |it| drop(it.settings.insert(name.clone(), value.clone())));
            }
            MemberChange::Configure { component, fingerprint } => {
                seen.components.insert(component.clone(), fingerprint.clone());
            }
        }
    }

    fn join(&mut self, cluster: &ClusterId, machine: &MachineId, tier: Tier, version: Version) {
        let routed = self.goal.clusters.get(cluster).is_some_and(|it| it.routed);
        let seen = self.observed.clusters.entry(cluster.clone()).or_default();
        let taken = |it: &Cidr| seen.members.values().any(|member| member.subnet == Some(*it));
        let subnet = routed
            .then(|| {
                (0..=u8::MAX).filter_map(|it| format!("10.244.{it}.0/24").parse().ok()).find(|it| !taken(it))
            })
            .flatten();
        let member = Member {
            tier,
            version,
            ready: Ready::Yes,
            serving: true,
            drained_for: None,
            settings: std::collections::BTreeMap::new(),
            subnet,
        };
        seen.members.insert(machine.clone(), member);
    }

    fn converge(&mut self, machine: &MachineId, version: Version) {
        let Some(wanted) = self
            .observed
            .machine(machine)
            .and_then(|it| machine_goal(&self.goal, &self.observed, it, version))
        else {
            return;
        };
        let clock = self.clock;
        if let Some(host) = self.observed.hosts.get_mut(machine) {
            for change in difference(&wanted, host) {
                apply_to_host(host, &change, clock);
            }
        }
    }
}

fn change_member(membership: &mut Membership, machine: &MachineId, change: impl FnOnce(&mut Member)) {
    if let Some(member) = membership.members.get_mut(machine) {
        change(member);
    }
}

/// A machine as a provider hands it out: a Debian on which nothing was done yet.
pub fn bare_host(id: &MachineId) -> HostSeen {
    HostSeen {
        os: "debian-12".into(),
        architecture: "x86_64".into(),
        memory_mib: 8192,
        disk_mib: 102_400,
        boot_id: "1".into(),
        hostname: format!("new-{}", id.name),
        swap: true,
        ..HostSeen::default()
    }
}

fn apply_to_host(host: &mut HostSeen, change: &HostChange, clock: i64) {
    match change {
        HostChange::Name(name) => host.hostname.clone_from(name),
        HostChange::SwapOff => host.swap = false,
        HostChange::Install(packages) => {
            host.packages.extend(packages.iter().map(|it| (it.clone(), "1".to_string())));
        }
        HostChange::Load(modules) => host.modules.extend(modules.iter().cloned()),
        HostChange::Tune(values) => {
            host.sysctls.extend(values.clone());
            host.managed.sysctls.extend(values.clone());
        }
        HostChange::Fetch { path, artifact } => {
            host.artifacts.insert(path.clone(), format!("{} {}", artifact.name, artifact.version));
            host.managed.files.insert(path.clone());
        }
        HostChange::Image { reference, .. } => drop(host.images.insert(reference.clone())),
        HostChange::Write { path, file } => {
            let seen = FileSeen { fingerprint: fingerprint(&file.contents), mode: file.mode, changed: clock };
            host.files.insert(path.clone(), seen);
            host.managed.files.insert(path.clone());
        }
        HostChange::Delete { path } => {
            host.files.remove(path);
            host.artifacts.remove(path);
            host.managed.files.remove(path);
        }
        HostChange::Enable { service, .. } => {
            host.services.insert(service.clone(), ServiceSeen { enabled: true, active: true, since: clock });
            host.managed.services.insert(service.clone());
        }
        HostChange::Disable { service } => {
            host.services.remove(service);
            host.managed.services.remove(service);
        }
        HostChange::Permit(firewall) => host.firewall = Some(firewall_fingerprint(firewall)),
        HostChange::Unprotect => host.firewall = None,
        HostChange::Route { to, via } => drop(host.routes.insert(*to, *via)),
        HostChange::Unroute { to } => drop(host.routes.remove(to)),
    }
}
