//! From what machines said to who is a member; pure.

use std::collections::{BTreeMap, BTreeSet};

use orbos_infra::{
    DrainReason, HostSeen, Inventory, MachineId, Member, Membership, PoolRef, Ready, Tier, World,
};
use orbos_state::{Error, Result};

use super::{
    probe::{self, Answer, Condition, DRAINED, Node, NodeTaint, Traces},
    spec::canonical,
};

/// The label with the pool of a member's machine.
pub(super) const POOL_LABEL: &str = "orbos.ch/pool";
/// The label with what a member does.
pub(super) const TIER_LABEL: &str = "orbos.ch/tier";
/// The setting with the taints that a human asked for.
pub(super) const TAINTS: &str = "taints";

/// What the machines said in this round; machines of which nothing is known are missing.
///
/// # Errors
///
/// If something cannot be read.
pub(super) fn traces(world: &dyn World) -> Result<BTreeMap<MachineId, Traces>> {
    let said = |host: &HostSeen| host.probes.get("kubernetes").cloned();
    let mut traces = BTreeMap::new();
    for (id, text) in world.hosts().iter().filter_map(|(id, host)| Some((id, said(host)?))) {
        let what = || format!("asking machine {id} about Kubernetes");
        traces.insert(id.clone(), probe::parse(&text).map_err(|why| Error::failed(what(), why))?);
    }
    Ok(traces)
}

/// Who is a member, by what the machines said.
///
/// # Errors
///
/// If no API server answered and a machine of the control plane was not seen: it could be the one that knows.
pub(super) fn membership(
    cluster: &str,
    pools: &BTreeMap<PoolRef, Tier>,
    machines: &Inventory,
    traces: &BTreeMap<MachineId, Traces>,
) -> Result<Membership> {
    let finished = || traces.iter().filter(|(_, it)| it.unfinished.is_none());
    if let Some(answer) = finished().find_map(|(_, it)| it.answer.as_ref()) {
        return Ok(answered(answer, pools, machines, traces));
    }
    nobody_unseen(cluster, pools, machines, traces)?;
    let founded = finished().any(|(_, it)| it.plane);
    let members = finished().filter(|(_, it)| founded && it.member);
    let members = members.filter_map(|(id, it)| Some((id.clone(), silent(it)?))).collect();
    Ok(Membership { founded, answering: false, members, ..Membership::default() })
}

/// Fails if a machine of the control plane was not seen.
fn nobody_unseen(
    cluster: &str,
    pools: &BTreeMap<PoolRef, Tier>,
    machines: &Inventory,
    traces: &BTreeMap<MachineId, Traces>,
) -> Result<()> {
    let known: BTreeSet<_> = machines.machines.keys().chain(machines.unseen.keys()).collect();
    let planes = known.into_iter().filter(|it| pools.get(&it.pool) == Some(&Tier::Controlplane));
    let unseen: Vec<String> =
        planes.filter(|it| !traces.contains_key(*it)).map(MachineId::to_string).collect();
    if unseen.is_empty() {
        return Ok(());
    }
    let silent =
        std::io::Error::other(format!("{} was not seen, and no other API server answers", unseen.join(", ")));
    Err(Error::unreachable(format!("cluster {cluster}")).because(silent))
}

/// A member of which only its machine can say something.
fn silent(traces: &Traces) -> Option<Member> {
    Some(Member {
        tier: if traces.plane { Tier::Controlplane } else { Tier::Workers },
        version: traces.kubelet?,
        ready: Ready::No("no API server answers".into()),
        serving: true,
        drained_for: None,
        settings: BTreeMap::new(),
        subnet: None,
    })
}

fn answered(
    answer: &Answer,
    pools: &BTreeMap<PoolRef, Tier>,
    machines: &Inventory,
    traces: &BTreeMap<MachineId, Traces>,
) -> Membership {
    let known = || machines.machines.keys().chain(machines.unseen.keys());
    let ours = known().filter(|it| pools.contains_key(&it.pool));
    // Of machines with the same name the cluster's own counts, so it comes last.
    let by_name: BTreeMap<&str, &MachineId> = known().chain(ours).map(|it| (it.name.as_str(), it)).collect();
    let mut membership = Membership { founded: true, answering: true, ..Membership::default() };
    for node in &answer.nodes {
        let Some(&id) = by_name.get(node.name.as_str()) else {
            membership.strangers.insert(node.name.clone(), node.ready.status == "True");
            continue;
        };
        // Who did not finish joining is not a member yet, whatever the API server says: it joins again.
        if traces.get(id).is_none_or(|it| it.unfinished.is_none()) {
            membership.members.insert(id.clone(), member(node));
        }
    }
    membership.components = answer.components.clone();
    membership
}

fn member(node: &Node) -> Member {
    let drained_for = drained_for(&node.spec.taints);
    Member {
        tier: node.tier(),
        version: node.version,
        ready: ready(&node.ready),
        serving: !node.spec.unschedulable && drained_for.is_none(),
        drained_for,
        settings: settings(node),
        subnet: node.spec.pod_cidr,
    }
}

fn ready(said: &Condition) -> Ready {
    match (said.status.as_str(), said.reason.as_str()) {
        ("True", _) => Ready::Yes,
        ("Unknown", _) => Ready::No("its kubelet does not report".into()),
        _ if said.lacks_network() => Ready::NoNetwork,
        (_, "") => Ready::No("its kubelet has not reported yet".into()),
        (_, reason) => Ready::No(format!("its kubelet is not ready: {reason}")),
    }
}

fn settings(node: &Node) -> BTreeMap<String, String> {
    let label = |name: &str| Some((format!("label {name}"), node.labels.get(name)?.clone()));
    let mut settings: BTreeMap<String, String> =
        [POOL_LABEL, TIER_LABEL].into_iter().filter_map(label).collect();
    let taints: Vec<_> =
        node.spec.taints.iter().filter(|it| !it.is_automatic()).map(NodeTaint::to_spec).collect();
    settings.insert(TAINTS.to_owned(), canonical(&taints));
    settings
}

fn drained_for(taints: &[NodeTaint]) -> Option<DrainReason> {
    let all = [DrainReason::Deleting, DrainReason::Updating, DrainReason::Rebooting];
    all.into_iter().find(|reason| taints.iter().any(|it| it.key == drain_taint(*reason)))
}

/// The taint that says why a member was drained.
pub(super) fn drain_taint(reason: DrainReason) -> String {
    let word = match reason {
        DrainReason::Updating => "Updating",
        DrainReason::Rebooting => "Rebooting",
        DrainReason::Deleting => "Deleting",
    };
    format!("{DRAINED}{word}")
}
