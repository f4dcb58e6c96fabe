//! Endpoints that a provider's own load balancers serve.
//!
//! Where machines do the balancing it is part of their host goal.

use orbos_state::Plan;

use crate::{
    orb::{OrbChange, OrbGoal, OrbObserved},
    provider::{Balancing, ProviderChange},
};

/// Publishes what is missing, withdraws what is no longer wanted.
pub(super) fn plan(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    let mut opened = Vec::new();
    let mut closed = Vec::new();
    for (provider, wanted) in &goal.providers {
        let Some(seen) = observed.providers.get(provider) else { continue };
        if wanted.balancing != Balancing::Managed {
            continue;
        }
        let change = |change| OrbChange::Provider { provider: provider.clone(), change };
        for (name, endpoint) in &wanted.endpoints {
            if !seen.endpoints.contains_key(name) {
                opened.push(change(ProviderChange::Publish { endpoint: endpoint.clone() }));
            }
            if !seen.permitted.contains(name) {
                opened.push(change(ProviderChange::Permit { endpoint: endpoint.clone() }));
            }
        }
        for name in seen.permitted.iter().filter(|it| !wanted.endpoints.contains_key(*it)) {
            closed.push(change(ProviderChange::Forbid { endpoint: name.clone() }));
        }
        for name in seen.endpoints.keys().filter(|it| !wanted.endpoints.contains_key(*it)) {
            closed.push(change(ProviderChange::Withdraw { endpoint: name.clone() }));
        }
    }
    plan.stage(opened);
    plan.stage(closed);
    plan
}
