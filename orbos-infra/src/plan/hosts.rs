//! Software, files, firewall and routes per machine.

use std::collections::{BTreeMap, BTreeSet};

use orbos_state::Plan;

use super::goals::{Goals, Prints};
use crate::{
    cluster::{ClusterGoal, Membership, Version},
    host::{HostChange, HostGoal, HostSeen, Managed, Needs},
    hosts,
    machine::{Machine, MachineId},
    orb::{OrbChange, OrbGoal, OrbObserved},
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
    let mut goals = Goals::new(goal, observed);
    for machine in observed.machines() {
        let id = &machine.id;
        match decide(&mut goals, leaving, machine) {
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
        if may_be_member(goal, observed, id) {
            plan.wait(format!("host {id}"), reason);
        }
    }
    plan.stage(stage);
    (plan, unfinished)
}

/// Whether a machine that was not seen is missed: by its cluster, or because nobody knows who is in the cluster.
fn may_be_member(goal: &OrbGoal, observed: &OrbObserved, id: &MachineId) -> bool {
    let unknown = |(cluster, ..): (&String, _, _)| !observed.clusters.contains_key(cluster);
    observed.clusters.values().any(|it| it.members.contains_key(id))
        || goal.pool(&id.pool).is_some_and(unknown)
}

enum Next {
    Nothing,
    Change(Vec<HostChange>),
    Wait(String),
}

fn decide(goals: &mut Goals<'_>, leaving: &BTreeSet<MachineId>, machine: &Machine) -> Next {
    let Goals { goal, observed, .. } = *goals;
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
    let Some(mut wanted) = goals.of(machine, version) else {
        return Next::Wait(format!("nothing is known of {version}"));
    };
    if member.is_none() {
        if let Some(reason) = obstacle(&wanted.needs, seen) {
            return Next::Wait(reason);
        }
    } else {
        wanted.services.values_mut().for_each(|it| it.only_enabled = false);
    }
    let changes = difference_with(&wanted, seen, goals.prints(machine, version).unwrap_or(&Prints::NONE));
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
pub(super) fn joining_version(goal: &ClusterGoal, membership: &Membership) -> Version {
    membership.members.values().map(|it| it.version).min().unwrap_or(goal.target)
}

/// What stands against changing a machine at all.
pub(super) fn obstacle(needs: &Needs, seen: &HostSeen) -> Option<String> {
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

/// Whether nothing of ORBOS is left on a machine.
pub(super) fn is_bare(seen: &HostSeen) -> bool {
    difference(&HostGoal::default(), seen).is_empty()
}

/// The steps from what was seen to what should be, in the order in which they work.
pub fn difference(goal: &HostGoal, seen: &HostSeen) -> Vec<HostChange> {
    difference_with(goal, seen, &Prints::NONE)
}

fn difference_with(goal: &HostGoal, seen: &HostSeen, prints: &Prints) -> Vec<HostChange> {
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
            it.fingerprint == *prints.of_file(path, file) && it.mode == file.mode
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
        Some(it) if seen.firewall.as_ref() != Some(&*prints.of_firewall(it)) => {
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
