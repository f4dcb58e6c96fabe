//! What comes before what: the decisions of ORBITER, from values to values.

mod goals;
mod hosts;
mod machines;
mod members;
mod network;
mod requests;
mod teardown;

pub use goals::machine_goal;
pub(crate) use goals::{fingerprint, firewall_fingerprint, look_goals};
pub use hosts::difference;
pub(crate) use machines::candidates;

use std::collections::BTreeSet;

use orbos_state::Plan;

use crate::{
    machine::MachineId,
    orb::{OrbChange, OrbGoal, OrbObserved, Purpose},
};

/// Decides what to do next.
///
/// Order inside one round: requests → scale out → network → hosts → members → scale in. Secrets that have
/// to be made come alone, because everything else may depend on them.
pub fn plan(goal: &OrbGoal, observed: &OrbObserved) -> Plan<OrbChange> {
    if goal.purpose == Purpose::Teardown {
        return teardown::plan(goal, observed);
    }
    let generated = requests::generate(goal);
    if !generated.is_empty() {
        return generated;
    }
    let leaving = machines::leaving(goal, observed);
    let mut plan = requests::settle(goal, observed);
    plan.then(machines::scale_out(goal, observed));
    plan.then(network::plan(goal, observed));
    let (hosts, unfinished) = hosts::plan(goal, observed, &leaving);
    plan.then(hosts);
    plan.then(members::plan(goal, observed, &Context { leaving: &leaving, unfinished: &unfinished }));
    plan.then(machines::scale_in(goal, observed, &leaving));
    plan
}

/// What earlier parts of the plan found out.
struct Context<'a> {
    /// Machines that are surplus or get replaced.
    leaving: &'a BTreeSet<MachineId>,
    /// Machines on which something still has to be done or that were not seen.
    unfinished: &'a BTreeSet<MachineId>,
}
