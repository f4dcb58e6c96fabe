//! What the orb does in its own repository.

use orbos_state::Plan;

use super::machines::requests_of;
use crate::{
    machine::MachineId,
    orb::{OrbChange, OrbGoal, OrbObserved, Request, RequestChange},
    provider::{ProviderChange, ProviderGoal},
};

/// Makes missing secrets.
pub(super) fn generate(goal: &OrbGoal) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    plan.stage(
        goal.missing_secrets
            .iter()
            .map(|path| OrbChange::Request(RequestChange::Generate { path: path.clone() })),
    );
    plan
}

/// Stores the access to clusters that were founded; fulfils what was asked of machines without a member.
pub(super) fn settle(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    plan.stage(goal.clusters.iter().filter_map(|(id, cluster)| {
        let seen = observed.clusters.get(id)?;
        let missing = seen.founded && seen.answering && !cluster.founded_before;
        missing.then(|| OrbChange::Request(RequestChange::Store { cluster: id.clone() }))
    }));
    if goal.clusters.keys().all(|it| observed.clusters.contains_key(it)) {
        goal.providers.iter().for_each(|(id, provider)| plan.then(of_machines(observed, id, provider)));
    }
    plan
}

fn of_machines(observed: &OrbObserved, id: &str, provider: &ProviderGoal) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    let Some(inventory) = observed.providers.get(id) else { return plan };
    let is_member =
        |it: &MachineId| observed.clusters.values().any(|cluster| cluster.members.contains_key(it));
    let mut fulfilled = Vec::new();
    let mut rebooted = Vec::new();
    for machine in provider.reboot.union(&provider.replace).filter(|it| !is_member(it)) {
        if !inventory.machines.contains_key(machine) && !inventory.unseen.contains_key(machine) {
            // It is not in use, so there is nothing to reboot or to replace.
            fulfilled.extend(requests_of(provider, machine));
        } else if provider.reboot.contains(machine) && observed.hosts.contains_key(machine) {
            let change = ProviderChange::Reboot { machine: machine.clone() };
            rebooted.push(OrbChange::Provider { provider: id.into(), change });
            let (machine, request) = (machine.clone(), Request::Reboot);
            fulfilled.push(OrbChange::Request(RequestChange::Consume { machine, request }));
        }
    }
    plan.stage(rebooted);
    plan.stage(fulfilled);
    plan
}
