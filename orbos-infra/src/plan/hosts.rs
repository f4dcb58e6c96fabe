//! Software, files, firewall and routes per machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use orbos_state::Plan;
use sha2::{Digest, Sha256};

use crate::{
    cluster::{ClusterGoal, Membership, Version},
    host::{FileGoal, Fingerprint, HostChange, HostGoal, HostSeen, Managed, Needs},
    hosts,
    machine::{Machine, MachineId},
    network::{Cidr, Endpoint, Firewall},
    orb::{OrbChange, OrbGoal, OrbObserved},
    provider::Balancing,
};

/// How far a machine's clock may be ahead of or behind ORBITER's, in seconds, before it joins.
const CLOCK_TOLERANCE: i64 = 30;

/// Brings every machine to its goal, all at the same time; also says which ones are not there yet.
pub(super) fn plan(
    goal: &OrbGoal,
    observed: &OrbObserved,
    leaving: &BTreeSet<MachineId>,
) -> (Plan<OrbChange>, BTreeSet<MachineId>) {
    let mut plan = Plan::new();
    let mut unfinished = BTreeSet::new();
    let mut stage = Vec::new();
    for machine in observed.machines() {
        let id = &machine.id;
        match decide(goal, observed, leaving, machine) {
            Next::Nothing => {}
            Next::Change(changes) => {
                unfinished.insert(id.clone());
                stage.push(OrbChange::Host { machine: id.clone(), changes });
            }
            Next::Wait(reason) => {
                unfinished.insert(id.clone());
                plan.wait(format!("host {id}"), reason);
            }
        }
    }
    for (id, reason) in observed.providers.values().flat_map(|it| &it.unseen) {
        if observed.clusters.values().any(|it| it.members.contains_key(id)) {
            plan.wait(format!("host {id}"), reason);
        }
    }
    plan.stage(stage);
    (plan, unfinished)
}

enum Next {
    Nothing,
    Change(Vec<HostChange>),
    Wait(String),
}

fn decide(goal: &OrbGoal, observed: &OrbObserved, leaving: &BTreeSet<MachineId>, machine: &Machine) -> Next {
    let id = &machine.id;
    if machine.address.is_none() {
        return Next::Wait("it is still being created".into());
    }
    let Some(seen) = observed.hosts.get(id) else {
        return Next::Wait(observed.why_unseen(&format!("machine {id}")).into());
    };
    if let Some(busy) = &seen.busy {
        return Next::Wait(format!("a former run is still busy: {busy}"));
    }
    if leaving.contains(id) {
        let is_member = observed.clusters.values().any(|it| it.members.contains_key(id));
        let unknown = goal.clusters.keys().any(|it| !observed.clusters.contains_key(it));
        if is_member || unknown {
            return Next::Nothing;
        }
        return next(difference(&HostGoal::default(), seen));
    }
    let Some((cluster, cluster_goal, pool)) = goal.pool(&id.pool) else { return Next::Nothing };
    let Some(membership) = observed.clusters.get(cluster) else {
        return Next::Wait(observed.why_unseen(&format!("cluster {cluster}")).into());
    };
    let member = membership.members.get(id);
    let version = member.map_or_else(|| joining_version(cluster_goal, membership), |it| it.version);
    let Some(mut wanted) = machine_goal(goal, observed, machine, version) else {
        return Next::Wait(format!("nothing is known of {version}"));
    };
    if member.is_none() {
        if let Some(reason) = obstacle(&wanted.needs, seen) {
            return Next::Wait(reason);
        }
    } else {
        wanted.services.values_mut().for_each(|it| it.only_enabled = false);
    }
    let changes = difference(&wanted, seen);
    if pool.updates_disabled && member.is_some() && !changes.is_empty() {
        return Next::Wait("updates are disabled for its pool".into());
    }
    if changes.is_empty() && member.is_none() && seen.clock_ahead.abs() > CLOCK_TOLERANCE {
        return Next::Wait(format!(
            "its clock is {} s {} ORBITER's; it has to be right before it joins",
            seen.clock_ahead.abs(),
            if seen.clock_ahead > 0 { "ahead of" } else { "behind" }
        ));
    }
    next(changes)
}

fn next(changes: Vec<HostChange>) -> Next {
    if changes.is_empty() { Next::Nothing } else { Next::Change(changes) }
}

/// A machine joins at the version of the lowest member, so that software never jumps ahead.
fn joining_version(goal: &ClusterGoal, membership: &Membership) -> Version {
    membership.members.values().map(|it| it.version).min().unwrap_or(goal.target)
}

/// What stands against changing a machine at all.
fn obstacle(needs: &Needs, seen: &HostSeen) -> Option<String> {
    let Needs { memory_mib, disk_mib, free_ports } = needs;
    if let Err(reason) = hosts::supported(&seen.os) {
        return Some(reason);
    }
    if seen.memory_mib < *memory_mib {
        return Some(format!("it has {} MiB of memory, {memory_mib} MiB are needed", seen.memory_mib));
    }
    if seen.disk_mib < *disk_mib {
        return Some(format!(
            "it has {} MiB of free disk below /var/lib, {disk_mib} MiB are needed",
            seen.disk_mib
        ));
    }
    let taken: Vec<String> = free_ports.intersection(&seen.listening).map(u16::to_string).collect();
    if !taken.is_empty() && seen.managed == Managed::default() {
        return Some(format!("somebody else listens on port {}", taken.join(", ")));
    }
    None
}

/// What should be true on one machine: what its cluster needs at a version, its name, load balancing,
/// firewall and routes. `None`: the cluster does not know the version, or nobody wants the machine.
pub fn machine_goal(
    goal: &OrbGoal,
    observed: &OrbObserved,
    machine: &Machine,
    version: Version,
) -> Option<HostGoal> {
    let (cluster_id, cluster, pool) = goal.pool(&machine.id.pool)?;
    let mut wanted = cluster.hosts.get(&pool.tier)?.get(&version)?.clone();
    wanted.hostname = Some(machine.id.name.clone());
    balance(&mut wanted, goal, observed, cluster, machine);
    let membership = observed.clusters.get(cluster_id);
    if cluster.routed
        && let Some(membership) = membership
    {
        wanted.routes = routes(observed, membership, &machine.id);
    }
    let subnet = membership.and_then(|it| it.members.get(&machine.id)).and_then(|it| it.subnet);
    wanted.files = wanted
        .files
        .into_iter()
        .filter_map(|(path, file)| Some((path, filled(file, machine, subnet)?)))
        .collect();
    Some(wanted)
}

/// What has to be looked at on a machine, so that it can be said for any version what is missing.
pub(crate) fn look_goal(goal: &OrbGoal, observed: &OrbObserved, machine: &Machine) -> HostGoal {
    let mut wanted = HostGoal::default();
    let Some((_, cluster, pool)) = goal.pool(&machine.id.pool) else { return wanted };
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
    balance(&mut wanted, goal, observed, cluster, machine);
    wanted
}

fn balance(
    wanted: &mut HostGoal,
    goal: &OrbGoal,
    observed: &OrbObserved,
    cluster: &ClusterGoal,
    machine: &Machine,
) {
    let machines: BTreeMap<MachineId, Machine> =
        observed.machines().map(|it| (it.id.clone(), it.clone())).collect();
    let addresses = machines.values().filter_map(|it| match it.address? {
        IpAddr::V4(address) => Some(Cidr::host(address)),
        IpAddr::V6(_) => None,
    });
    let firewall = wanted.firewall.get_or_insert_with(Firewall::default);
    firewall.internal.extend(addresses);
    firewall.internal.extend(&cluster.internal);
    wanted.packages.extend(hosts::FIREWALL_PACKAGES.map(String::from));
    let pool = &machine.id.pool;
    for provider in goal.providers.values() {
        let endpoints: Vec<&Endpoint> = provider.endpoints.values().collect();
        let rules = hosts::balancing::backend_rules(&endpoints, pool);
        wanted.firewall.get_or_insert_with(Firewall::default).rules.extend(rules);
        let ours: Vec<&Endpoint> = endpoints.into_iter().filter(|it| it.balancers == *pool).collect();
        if provider.balancing == Balancing::OnMachines && !ours.is_empty() {
            hosts::balancing::balance(
                wanted,
                machine,
                &provider.interfaces,
                &ours,
                &machines,
                &cluster.internal,
            );
        }
    }
}

fn routes(observed: &OrbObserved, membership: &Membership, own: &MachineId) -> BTreeMap<Cidr, IpAddr> {
    let others = membership.members.iter().filter(|(id, _)| *id != own);
    others.filter_map(|(id, member)| Some((member.subnet?, observed.machine(id)?.address?))).collect()
}

/// The file with the machine's own values in it; `None`: one of them is not known yet.
fn filled(file: FileGoal, machine: &Machine, subnet: Option<Cidr>) -> Option<FileGoal> {
    let mut contents = file.contents;
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
    Some(FileGoal { contents, mode: file.mode })
}

/// Whether nothing of ORBOS is left on a machine.
pub(super) fn is_bare(seen: &HostSeen) -> bool {
    difference(&HostGoal::default(), seen).is_empty()
}

/// The steps from what was seen to what should be, in the order in which they work.
pub fn difference(goal: &HostGoal, seen: &HostSeen) -> Vec<HostChange> {
    let HostGoal {
        hostname,
        packages,
        artifacts,
        images,
        modules,
        sysctls,
        files,
        services,
        swap_off,
        firewall,
        routes,
        probes: _,
        needs: _,
    } = goal;
    let mut changes = Vec::new();
    if let Some(name) = hostname.as_ref().filter(|it| **it != seen.hostname) {
        changes.push(HostChange::Name(name.clone()));
    }
    if *swap_off && seen.swap {
        changes.push(HostChange::SwapOff);
    }
    let missing: BTreeSet<String> =
        packages.iter().filter(|it| !seen.packages.contains_key(*it)).cloned().collect();
    if !missing.is_empty() {
        changes.push(HostChange::Install(missing));
    }
    let missing: BTreeSet<String> = modules.difference(&seen.modules).cloned().collect();
    if !missing.is_empty() {
        changes.push(HostChange::Load(missing));
    }
    let differing = |(key, value): &(&String, &String)| {
        seen.sysctls.get(*key) != Some(*value) || seen.managed.sysctls.get(*key) != Some(*value)
    };
    let tune: BTreeMap<_, _> =
        sysctls.iter().filter(differing).map(|(key, value)| (key.clone(), value.clone())).collect();
    if !tune.is_empty() {
        changes.push(HostChange::Tune(tune));
    }
    for (path, artifact) in artifacts {
        if seen.artifacts.get(path) != Some(&format!("{} {}", artifact.name, artifact.version)) {
            changes.push(HostChange::Fetch { path: path.clone(), artifact: artifact.clone() });
        }
    }
    for (path, file) in files {
        let same = |it: &crate::host::FileSeen| {
            it.fingerprint == fingerprint(&file.contents) && it.mode == file.mode
        };
        if !seen.files.get(path).is_some_and(same) || !seen.managed.files.contains(path) {
            changes.push(HostChange::Write { path: path.clone(), file: file.clone() });
        }
    }
    changes.extend(unwanted(goal, seen));
    changes.extend(service_changes(services, seen, &changes));
    for (reference, artifact) in images {
        if !seen.images.contains(reference) {
            changes.push(HostChange::Image { reference: reference.clone(), artifact: artifact.clone() });
        }
    }
    match firewall {
        Some(it) if seen.firewall.as_ref() != Some(&firewall_fingerprint(it)) => {
            changes.push(HostChange::Permit(it.clone()));
        }
        None if seen.firewall.is_some() => changes.push(HostChange::Unprotect),
        _ => {}
    }
    for (to, via) in routes.iter().filter(|(to, via)| seen.routes.get(to) != Some(via)) {
        changes.push(HostChange::Route { to: *to, via: *via });
    }
    changes.extend(
        seen.routes.keys().filter(|it| !routes.contains_key(it)).map(|to| HostChange::Unroute { to: *to }),
    );
    changes
}

/// What ORBOS put there before and no longer wants; services stop before their files go.
fn unwanted(goal: &HostGoal, seen: &HostSeen) -> Vec<HostChange> {
    let services = seen.managed.services.iter().filter(|it| !goal.services.contains_key(*it));
    let wanted = |it: &String| goal.files.contains_key(it) || goal.artifacts.contains_key(it);
    let files = seen.managed.files.iter().filter(|it| !wanted(it));
    services
        .map(|service| HostChange::Disable { service: service.clone() })
        .chain(files.map(|path| HostChange::Delete { path: path.clone() }))
        .collect()
}

fn service_changes(
    services: &BTreeMap<String, crate::host::ServiceGoal>,
    seen: &HostSeen,
    before: &[HostChange],
) -> Vec<HostChange> {
    let written: BTreeSet<&String> = before
        .iter()
        .filter_map(|it| match it {
            HostChange::Write { path, .. } | HostChange::Fetch { path, .. } => Some(path),
            _ => None,
        })
        .collect();
    services
        .iter()
        .filter(|(name, goal)| {
            let Some(service) = seen.services.get(*name) else { return true };
            let newer = |path: &String| seen.files.get(path).is_some_and(|it| it.changed > service.since);
            let stale = goal.reads.iter().any(|it| written.contains(it) || newer(it));
            let runs = service.active && !stale;
            !(service.enabled && (goal.only_enabled || runs)) || !seen.managed.services.contains(*name)
        })
        .map(|(name, goal)| HostChange::Enable { service: name.clone(), goal: goal.clone() })
        .collect()
}

/// What text hashes to: SHA-256 in hex.
pub(crate) fn fingerprint(text: &str) -> Fingerprint {
    Sha256::digest(text.as_bytes()).iter().map(|it| format!("{it:02x}")).collect()
}

pub(crate) fn firewall_fingerprint(firewall: &Firewall) -> Fingerprint {
    fingerprint(&hosts::firewall_text(firewall))
}
