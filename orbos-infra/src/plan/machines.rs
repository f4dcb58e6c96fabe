//! Scale out, scale in, replace.

use std::collections::BTreeSet;

use orbos_state::Plan;

use crate::{
    cluster::{ClusterGoal, Membership, PoolGoal, Ready},
    machine::{Inventory, Machine, MachineId, PoolRef, ProviderId},
    orb::{OrbChange, OrbGoal, OrbObserved, Request, RequestChange},
    plan::hosts,
    provider::{ProviderChange, ProviderGoal, Supply},
};

/// Creates machines that are missing.
pub(super) fn scale_out(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    let mut created = Vec::new();
    for (id, cluster) in &goal.clusters {
        for pool in &cluster.pools {
            let provider = &pool.pool.provider;
            let Some(provider_goal) = goal.providers.get(provider) else {
                plan.wait(format!("pool {}", pool.pool), format!("provider {provider} is not in the file"));
                continue;
            };
            let Some(inventory) = observed.providers.get(provider) else {
                let subject = format!("provider {provider}");
                plan.wait(
                    format!("pool {}", pool.pool),
                    format!("{subject}: {}", observed.why_unseen(&subject)),
                );
                continue;
            };
            let Some(membership) = observed.clusters.get(id) else {
                let subject = format!("cluster {id}");
                plan.wait(
                    format!("pool {}", pool.pool),
                    format!("{subject}: {}", observed.why_unseen(&subject)),
                );
                continue;
            };
            let there = existing(inventory, membership, &pool.pool);
            let wanted = pool.nodes + replaced(provider_goal, &there).len();
            let missing = wanted.saturating_sub(there.len());
            let (fit, unfit) = sort_out(cluster, pool, membership, observed, inventory);
            let names = match provider_goal.supply {
                Supply::Fixed => fit.into_iter().take(missing).collect(),
                Supply::Elastic => new_names(inventory, &pool.pool, missing),
            };
            let lacking = missing - names.len();
            if lacking > 0 {
                plan.wait(
                    format!("pool {}", pool.pool),
                    no_machines_left(inventory, &pool.pool, lacking, &unfit),
                );
            }
            created.extend(
                names.into_iter().map(|machine| change(provider, ProviderChange::Create { machine })),
            );
        }
    }
    plan.stage(created);
    plan
}

/// Destroys machines that have left their cluster, and says what the others wait for.
pub(super) fn scale_in(
    goal: &OrbGoal,
    observed: &OrbObserved,
    leaving: &BTreeSet<MachineId>,
) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    let mut destroyed = Vec::new();
    let mut consumed = Vec::new();
    for machine in leaving {
        let provider = &machine.pool.provider;
        let Some(provider_goal) = goal.providers.get(provider) else { continue };
        let elastic = provider_goal.supply == Supply::Elastic;
        if let Some(reason) = still_needed(goal, observed, machine) {
            plan.wait(format!("destroying {machine}"), reason);
        } else if elastic || observed.hosts.get(machine).is_some_and(hosts::is_bare) {
            destroyed.push(change(provider, ProviderChange::Destroy { machine: machine.clone() }));
            consumed.extend(requests_of(provider_goal, machine));
        } else if observed.hosts.contains_key(machine) {
            plan.wait(format!("destroying {machine}"), "it is being cleaned");
        } else {
            plan.wait(format!("destroying {machine}"), observed.why_unseen(&format!("machine {machine}")));
        }
    }
    plan.stage(destroyed);
    plan.stage(consumed);
    plan
}

/// What a human asked for about a machine, as fulfilled.
pub(super) fn requests_of(provider: &ProviderGoal, machine: &MachineId) -> Vec<OrbChange> {
    let asked = [(Request::Reboot, &provider.reboot), (Request::Replace, &provider.replace)];
    let asked = asked.into_iter().filter(|(_, machines)| machines.contains(machine));
    asked
        .map(|(request, _)| OrbChange::Request(RequestChange::Consume { machine: machine.clone(), request }))
        .collect()
}

/// The machines that are surplus or get replaced, as far as that can be said from what was seen.
///
/// A pool of which the provider or the cluster was not seen loses nothing.
pub(super) fn leaving(goal: &OrbGoal, observed: &OrbObserved) -> BTreeSet<MachineId> {
    let mut leaving = BTreeSet::new();
    for (provider, inventory) in &observed.providers {
        let Some(provider_goal) = goal.providers.get(provider) else { continue };
        let pools: BTreeSet<&PoolRef> = inventory.machines.keys().map(|it| &it.pool).collect();
        for pool in pools {
            leaving.extend(leaving_pool(goal, observed, provider_goal, inventory, pool));
        }
    }
    leaving
}

fn leaving_pool(
    goal: &OrbGoal,
    observed: &OrbObserved,
    provider: &ProviderGoal,
    inventory: &Inventory,
    pool: &PoolRef,
) -> Vec<MachineId> {
    let Some((cluster, _, wanted)) = goal.pool(pool) else {
        let all_seen = goal.clusters.keys().all(|it| observed.clusters.contains_key(it));
        return if all_seen { inventory.of_pool(pool).map(|it| it.id.clone()).collect() } else { Vec::new() };
    };
    let Some(membership) = observed.clusters.get(cluster) else { return Vec::new() };
    let there = existing(inventory, membership, pool);
    let replaced = replaced(provider, &there);
    let working = there.difference(&replaced).filter(|it| works(membership, it)).count();
    let surplus = there.len().saturating_sub(wanted.nodes);
    // A replaced machine leaves as soon as there are enough others that work; until then it stays.
    let from_replaced = if working >= wanted.nodes { surplus.min(replaced.len()) } else { 0 };
    let from_others = surplus.saturating_sub(replaced.len());
    let others = there.iter().rev().filter(|it| !replaced.contains(*it)).take(from_others);
    replaced.iter().rev().take(from_replaced).chain(others).cloned().collect()
}

/// Machines of a pool that count: those in use, and those that do not answer but are members.
fn existing(inventory: &Inventory, membership: &Membership, pool: &PoolRef) -> BTreeSet<MachineId> {
    let silent = inventory.unseen.keys().filter(|it| it.pool == *pool && membership.members.contains_key(it));
    inventory.of_pool(pool).map(|it| &it.id).chain(silent).cloned().collect()
}

fn replaced(provider: &ProviderGoal, there: &BTreeSet<MachineId>) -> BTreeSet<MachineId> {
    there.intersection(&provider.replace).cloned().collect()
}

fn works(membership: &Membership, machine: &MachineId) -> bool {
    membership.members.get(machine).is_some_and(|it| it.ready == Ready::Yes && it.serving)
}

/// The free machines that have to be looked at before one of them is taken into use: all of pools that lack some.
pub(crate) fn candidates<'a>(
    goal: &'a OrbGoal,
    inventory: &'a Inventory,
) -> impl Iterator<Item = &'a Machine> {
    let lacks = |pool: &PoolRef| {
        let replaced = |it: &ProviderGoal| it.replace.iter().filter(|it| it.pool == *pool).count();
        let replaced = goal.providers.get(&pool.provider).map_or(0, replaced);
        goal.pool(pool).is_some_and(|(.., it)| inventory.of_pool(pool).count() < it.nodes + replaced)
    };
    inventory.free.iter().filter(move |(pool, _)| lacks(pool)).flat_map(|(_, machines)| machines)
}

/// The free machines of a pool that may be taken into use, in the order to take them; and what stands against the
/// others. One that nobody looked at may be taken: there is a model of the world, or it has just become free.
fn sort_out(
    cluster: &ClusterGoal,
    pool: &PoolGoal,
    membership: &Membership,
    observed: &OrbObserved,
    inventory: &Inventory,
) -> (Vec<MachineId>, Vec<String>) {
    let version = hosts::joining_version(cluster, membership);
    let needs = cluster.hosts.get(&pool.tier).and_then(|it| it.get(&version)).map(|it| &it.needs);
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for Machine { id, .. } in inventory.free.get(&pool.pool).into_iter().flatten() {
        let obstacle = match (observed.candidates.get(id), needs) {
            (Some(seen), Some(needs)) => hosts::obstacle(needs, seen),
            _ => observed.unseen.get(&format!("machine {id}")).cloned(),
        };
        match obstacle {
            Some(reason) => unfit.push(format!("{}: {reason}", id.name)),
            None => fit.push(id.clone()),
        }
    }
    (fit, unfit)
}

/// Derived, not drawn: the n-th machine of a pool has the same name in every round.
fn new_names(inventory: &Inventory, pool: &PoolRef, missing: usize) -> Vec<MachineId> {
    (1..)
        .map(|number| pool.machine(format!("{}-{number}", pool.pool)))
        .filter(|it| !inventory.machines.contains_key(it) && !inventory.unseen.contains_key(it))
        .take(missing)
        .collect()
}

fn no_machines_left(inventory: &Inventory, pool: &PoolRef, lacking: usize, unfit: &[String]) -> String {
    let silent = inventory.unseen.iter().filter(|(it, _)| it.pool == *pool);
    let silent: Vec<String> = silent.map(|(it, reason)| format!("{}: {reason}", it.name)).collect();
    if silent.is_empty() && unfit.is_empty() {
        return format!("no machines left: {lacking} more to be listed");
    }
    let mut reason = format!("{lacking} more needed");
    for (what, which) in [("cannot be taken into use", unfit), ("did not answer", &silent)] {
        if !which.is_empty() {
            reason += &format!("; listed, but {what}: {}", which.join("; "));
        }
    }
    reason
}

/// Why a machine must not be destroyed yet.
fn still_needed(goal: &OrbGoal, observed: &OrbObserved, machine: &MachineId) -> Option<String> {
    for id in goal.clusters.keys() {
        match observed.clusters.get(id) {
            None => return Some(format!("cluster {id}: {}", observed.why_unseen(&format!("cluster {id}")))),
            Some(it) if it.members.contains_key(machine) => {
                return Some(format!("it is still a member of {id}"));
            }
            Some(it) if it.founded && !it.answering => {
                return Some(format!("{id} does not answer, so it is not known who is a member"));
            }
            Some(_) => {}
        }
    }
    None
}

fn change(provider: &ProviderId, change: ProviderChange) -> OrbChange {
    OrbChange::Provider { provider: provider.clone(), change }
}
