//! The text of the current file: what was seen, the plan, what waits and why, failures.

use std::collections::BTreeMap;

use orbos_state::{Ended, Outcome};
use serde::Serialize;

use crate::{
    cluster::{Membership, Ready, Tier},
    machine::MachineId,
    orb::{OrbChange, OrbObserved},
    reconciler::Orb,
};

/// No times and no sizes: it only changes when its meaning does.
#[derive(Debug, Default, Serialize)]
struct Current {
    kind: &'static str,
    version: &'static str,
    outcome: &'static str,
    clusters: BTreeMap<String, Part<ClusterState>>,
    providers: BTreeMap<String, Part<ProviderState>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hosts: BTreeMap<String, HostState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plan: Vec<Line>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<orbos_state::Waiting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failure>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unseen: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Part<T> {
    kind: &'static str,
    version: &'static str,
    current: T,
}

/// The original's words: `running`, `degraded` or `maintaining`.
#[derive(Debug, Serialize)]
struct ClusterState {
    status: &'static str,
    machines: BTreeMap<String, MemberState>,
}

#[derive(Debug, Serialize)]
struct MemberState {
    joined: bool,
    ready: bool,
    serving: bool,
    tier: Tier,
    version: String,
    provider: String,
    pool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProviderState {
    machines: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unseen: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct HostState {
    os: String,
    architecture: String,
    hostname: String,
    packages: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Line {
    effect: String,
    change: String,
}

#[derive(Debug, Serialize)]
struct Failure {
    change: String,
    error: String,
}

pub(super) fn text(ended: &Ended<'_, Orb>) -> String {
    let mut current = Current { kind: "orbiter.caos.ch/Orb", version: "v0", ..Current::default() };
    match ended {
        Ended::Error(error) => {
            current.outcome = "failing";
            current.failures.push(Failure { change: "the round".into(), error: error.chain() });
        }
        Ended::Round(round) => {
            seen(&mut current, &round.observed);
            current.outcome = match Outcome::of(round) {
                Outcome::Settled => "settled",
                Outcome::Waiting => "waiting",
                Outcome::Moved => "moving",
                Outcome::Failed(_) => "failing",
            };
            current.plan = round.plan.changes().map(line).collect();
            current.waiting = round.plan.waiting().to_vec();
            let failure = |(change, error): (&OrbChange, &orbos_state::Error)| Failure {
                change: change.to_string(),
                error: error.chain(),
            };
            current.failures = round.failures().map(failure).collect();
        }
    }
    serde_yaml::to_string(&current).expect("plain values can be written")
}

fn line(change: &OrbChange) -> Line {
    use orbos_state::Change as _;
    Line { effect: change.effect().to_string(), change: change.to_string() }
}

fn seen(current: &mut Current, observed: &OrbObserved) {
    let OrbObserved { providers, hosts, clusters, unseen, candidates: _ } = observed;
    for (id, membership) in clusters {
        let state = ClusterState { status: status(membership), machines: members(membership) };
        let part = Part { kind: "orbiter.caos.ch/KubernetesCluster", version: "v0", current: state };
        current.clusters.insert(id.clone(), part);
    }
    for (id, inventory) in providers {
        let address =
            |it: &crate::machine::Machine| it.address.map_or("none yet".into(), |it| it.to_string());
        let state = ProviderState {
            machines: inventory.machines.values().map(|it| (it.id.to_string(), address(it))).collect(),
            unseen: inventory.unseen.iter().map(|(it, reason)| (it.to_string(), reason.clone())).collect(),
        };
        let part = Part { kind: "orbiter.caos.ch/Provider", version: "v0", current: state };
        current.providers.insert(id.clone(), part);
    }
    for (id, host) in hosts {
        let state = HostState {
            os: host.os.clone(),
            architecture: host.architecture.clone(),
            hostname: host.hostname.clone(),
            packages: host.packages.clone(),
        };
        current.hosts.insert(id.to_string(), state);
    }
    current.unseen = unseen.clone();
}

fn status(membership: &Membership) -> &'static str {
    let members = || membership.members.values();
    if !membership.answering || members().any(|it| it.ready != Ready::Yes) {
        "degraded"
    } else if members().any(|it| !it.serving) {
        "maintaining"
    } else {
        "running"
    }
}

fn members(membership: &Membership) -> BTreeMap<String, MemberState> {
    let state = |(id, member): (&MachineId, &crate::cluster::Member)| {
        let reason = member.ready.reason().map(str::to_owned);
        let state = MemberState {
            joined: true,
            ready: member.ready == Ready::Yes,
            serving: member.serving,
            tier: member.tier,
            version: member.version.to_string(),
            provider: id.pool.provider.clone(),
            pool: id.pool.pool.clone(),
            reason,
        };
        (id.to_string(), state)
    };
    membership.members.iter().map(state).collect()
}
