//! Taking an orb apart: clusters first, then machines.

use orbos_state::Plan;

use super::hosts::{difference, is_bare};
use crate::{
    cluster::{ClusterId, MemberChange, Membership, Tier},
    host::HostGoal,
    machine::MachineId,
    orb::{OrbChange, OrbGoal, OrbObserved, RequestChange},
    provider::{Balancing, ProviderChange, Supply},
};

/// Removes members, workers first and the first control plane last; then cleans and destroys machines;
/// then forgets what gave access.
pub(super) fn plan(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    for (id, membership) in &observed.clusters {
        plan.then(members(id, membership, observed));
    }
    for id in goal.clusters.keys().filter(|it| !observed.clusters.contains_key(*it)) {
        let subject = format!("cluster {id}");
        plan.wait(&subject, observed.why_unseen(&subject));
    }
    for id in goal.providers.keys().filter(|it| !observed.providers.contains_key(*it)) {
        let subject = format!("provider {id}");
        plan.wait(&subject, observed.why_unseen(&subject));
    }
    if plan.is_settled() {
        plan.then(machines(goal, observed));
    }
    if plan.is_settled() {
        let stored = goal.clusters.iter().filter(|(_, it)| it.founded_before);
        plan.stage(stored.map(|(id, _)| OrbChange::Request(RequestChange::Discard { cluster: id.clone() })));
    }
    plan
}

fn members(cluster: &ClusterId, membership: &Membership, observed: &OrbObserved) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    let remove = |machine: &MachineId| OrbChange::Member {
        cluster: cluster.clone(),
        change: MemberChange::Remove { machine: machine.clone() },
    };
    let (seen, silent): (Vec<_>, Vec<_>) =
        membership.members.iter().partition(|(id, _)| observed.hosts.contains_key(*id));
    plan.stage(seen.iter().filter(|(_, it)| it.tier == Tier::Workers).map(|(id, _)| remove(id)));
    for (machine, _) in seen.iter().rev().filter(|(_, it)| it.tier == Tier::Controlplane) {
        plan.stage([remove(machine)]);
    }
    for (machine, _) in silent {
        plan.wait(format!("removing {machine}"), observed.why_unseen(&format!("machine {machine}")));
    }
    plan
}

fn machines(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    let (mut cleaned, mut destroyed, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for (provider, inventory) in &observed.providers {
        let Some(wanted) = goal.providers.get(provider) else { continue };
        let change = |change| OrbChange::Provider { provider: provider.clone(), change };
        for machine in inventory.machines.keys() {
            let destroy = change(ProviderChange::Destroy { machine: machine.clone() });
            match observed.hosts.get(machine) {
                _ if wanted.supply == Supply::Elastic => destroyed.push(destroy),
                Some(seen) if is_bare(seen) => destroyed.push(destroy),
                Some(seen) => cleaned.push(OrbChange::Host {
                    machine: machine.clone(),
                    changes: difference(&HostGoal::default(), seen),
                }),
                None => plan.wait(
                    format!("giving back {machine}"),
                    observed.why_unseen(&format!("machine {machine}")),
                ),
            }
        }
        if wanted.balancing == Balancing::Managed {
            closed.extend(
                inventory.permitted.iter().map(|it| change(ProviderChange::Forbid { endpoint: it.clone() })),
            );
            closed.extend(
                inventory
                    .endpoints
                    .keys()
                    .map(|it| change(ProviderChange::Withdraw { endpoint: it.clone() })),
            );
        }
    }
    plan.stage(cleaned);
    plan.stage(destroyed);
    plan.stage(closed);
    plan
}
