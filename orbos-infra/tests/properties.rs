//! Random orbs in random worlds: every orb settles, a settled orb's plan is empty, and the safety rules
//! hold in every intermediate world.

use std::collections::{BTreeMap, BTreeSet};

use orbos_infra::{
    DrainReason, MachineId, Member, MemberChange, Membership, Model, OrbChange, ProviderChange, Ready, Tier,
    Version,
    testing::{PoolSketch, ProviderSketch, Sketch},
};
use proptest::prelude::*;

const ROUNDS: usize = 400;

fn version(minor: u16, patch: u16) -> Version {
    Version { major: 1, minor, patch }
}

fn pool(pool: &str, nodes: usize) -> PoolSketch {
    PoolSketch { pool: pool.parse().expect("a pool"), nodes }
}

/// An orb in a few numbers: sizes before and after, versions before and after.
#[derive(Clone, Debug)]
struct Case {
    elastic: bool,
    planes: (usize, usize),
    workers: (usize, usize),
    batch: (usize, usize),
    versions: (Version, Version),
    routed: bool,
    /// What goes wrong meanwhile, by the number of the round.
    troubles: BTreeMap<usize, Trouble>,
    reboot: Option<usize>,
    replace: Option<usize>,
}

#[derive(Clone, Debug)]
enum Trouble {
    ProviderSilent,
    ClusterUnseen,
    ClusterSilent,
    HostSilent(usize),
    HostDamaged(usize),
    HostBusy(usize),
    MemberBroken(usize),
    MemberWithoutNetwork(usize),
}

fn cases() -> impl Strategy<Value = Case> {
    let planes = prop::sample::select(vec![1usize, 3, 5]);
    let versions = prop::sample::select(vec![
        (version(20, 2), version(20, 2)),
        (version(20, 2), version(20, 6)),
        (version(20, 2), version(21, 0)),
        (version(20, 2), version(23, 1)),
        (version(21, 0), version(20, 2)),
    ]);
    let trouble = prop_oneof![
        1 => Just(Trouble::ProviderSilent),
        1 => Just(Trouble::ClusterUnseen),
        1 => Just(Trouble::ClusterSilent),
        1 => (0..8usize).prop_map(Trouble::HostSilent),
        1 => (0..8usize).prop_map(Trouble::HostDamaged),
        1 => (0..8usize).prop_map(Trouble::HostBusy),
        2 => (0..8usize).prop_map(Trouble::MemberBroken),
        1 => (0..8usize).prop_map(Trouble::MemberWithoutNetwork),
    ];
    // Most of what is dangerous happens in the first rounds.
    let rounds = prop_oneof![3 => 0..8usize, 1 => 8..40usize];
    (
        any::<bool>(),
        (planes.clone(), planes),
        (0..4usize, 0..4usize),
        (0..3usize, 0..3usize),
        versions,
        any::<bool>(),
        prop::collection::btree_map(rounds, trouble, 0..6),
        (prop::option::of(0..6usize), prop::option::of(0..6usize)),
    )
        .prop_map(|(elastic, planes, workers, batch, versions, routed, troubles, (reboot, replace))| {
            Case { elastic, planes, workers, batch, versions, routed, troubles, reboot, replace }
        })
}

impl Case {
    fn sketch(&self, after: bool) -> Sketch {
        let pick = |pair: (usize, usize)| if after { pair.1 } else { pair.0 };
        let names = |word: &str| (1..=8).map(|it| format!("{word}{it}")).collect::<Vec<_>>();
        let lists = ["masters", "workers", "batch"].map(|it| (it.to_string(), names(it)));
        let provider = ProviderSketch {
            lists: (!self.elastic).then(|| BTreeMap::from(lists)),
            endpoints: BTreeMap::from([("kubeapi".into(), "masters".into())]),
        };
        Sketch {
            version: if after { self.versions.1 } else { self.versions.0 },
            ladder: vec![version(20, 2), version(21, 0), version(22, 5), version(23, 1), version(20, 6)],
            controlplane: pool("p.masters", pick(self.planes)),
            workers: vec![pool("p.workers", pick(self.workers)), pool("p.batch", pick(self.batch))],
            providers: BTreeMap::from([("p".into(), provider)]),
            routed: self.routed,
            components: BTreeMap::from([("network".into(), "one".into())]),
            settings: BTreeMap::from([("label tier".into(), "x".into())]),
        }
    }
}

/// What was taken out of the world for one round.
fn trouble(model: &mut Model, trouble: &Trouble) {
    let hosts: Vec<MachineId> = model.observed.hosts.keys().cloned().collect();
    let pick = |number: usize| hosts.get(number % hosts.len().max(1)).cloned();
    match trouble {
        Trouble::ProviderSilent => drop(model.observed.providers.remove("p")),
        Trouble::ClusterUnseen => drop(model.observed.clusters.remove("k8s")),
        Trouble::ClusterSilent => {
            if let Some(seen) = model.observed.clusters.get_mut("k8s").filter(|it| it.founded) {
                seen.answering = false;
            }
        }
        Trouble::HostSilent(number) => drop(pick(*number).map(|it| model.observed.hosts.remove(&it))),
        Trouble::HostDamaged(number) => {
            if let Some(host) = pick(*number).and_then(|it| model.observed.hosts.get_mut(&it)) {
                host.firewall = None;
                host.packages.clear();
            }
        }
        Trouble::HostBusy(number) => {
            if let Some(host) = pick(*number).and_then(|it| model.observed.hosts.get_mut(&it)) {
                host.busy = Some("joining it to k8s".into());
            }
        }
        Trouble::MemberBroken(number) | Trouble::MemberWithoutNetwork(number) => {
            let member = model.observed.clusters.get_mut("k8s").zip(pick(*number));
            if let Some(member) = member.and_then(|(seen, id)| seen.members.get_mut(&id)) {
                member.ready = match trouble {
                    Trouble::MemberBroken(_) => Ready::No("broken".into()),
                    _ => Ready::NoNetwork,
                };
            }
        }
    }
}

fn is_plane(model: &Model, machine: &MachineId) -> bool {
    let mut pools = model.goal.clusters.values().flat_map(|it| &it.pools);
    pools.any(|it| it.tier == Tier::Controlplane && it.pool == machine.pool)
}

fn is_out(member: &Member) -> bool {
    !member.serving || member.ready != Ready::Yes
}

fn quorum(members: usize) -> usize {
    members / 2 + 1
}

/// Checks one change against the world in which it was decided.
fn check(seen: &Model, real: &Model, change: &OrbChange) -> Result<(), TestCaseError> {
    let members =
        |model: &Model| model.observed.clusters.get("k8s").map(|it| it.members.clone()).unwrap_or_default();
    match change {
        OrbChange::Provider { change: ProviderChange::Destroy { machine }, .. } => {
            prop_assert!(
                seen.observed.providers.contains_key("p"),
                "destroyed {machine} of an unseen provider"
            );
            prop_assert!(seen.observed.clusters.contains_key("k8s"), "destroyed {machine}, cluster unseen");
            prop_assert!(!members(real).contains_key(machine), "destroyed the member {machine}");
        }
        OrbChange::Provider { change: ProviderChange::Create { machine }, .. } => {
            prop_assert!(real.observed.machine(machine).is_none(), "made {machine} twice");
        }
        OrbChange::Member { change, .. } => {
            let membership = seen.observed.clusters.get("k8s");
            prop_assert!(membership.is_some(), "changed members of an unseen cluster: {change}");
            let founding = matches!(change, MemberChange::Bootstrap { .. });
            prop_assert!(
                founding || membership.is_some_and(|it| it.answering),
                "changed a silent cluster: {change}"
            );
            check_member(&members(real), change)?;
            check_member(&members(seen), change)?;
            if matches!(change, MemberChange::Join { tier: Tier::Controlplane, .. }) {
                let planes = seen.observed.hosts.iter().filter(|(id, _)| is_plane(seen, id));
                let busy: Vec<_> = planes.filter(|(_, it)| it.busy.is_some()).map(|it| it.0).collect();
                prop_assert!(busy.is_empty(), "{change} while a former run works on {busy:?}");
            }
        }
        _ => {}
    }
    Ok(())
}

fn check_member(members: &BTreeMap<MachineId, Member>, change: &MemberChange) -> Result<(), TestCaseError> {
    let planes = || members.iter().filter(|(_, it)| it.tier == Tier::Controlplane);
    match change {
        MemberChange::Bootstrap { machine, .. } => {
            prop_assert!(members.is_empty(), "founded a second cluster on {machine}");
        }
        MemberChange::Drain { machine, reason } => {
            let others_out: Vec<_> = members.iter().filter(|(id, it)| *id != machine && is_out(it)).collect();
            prop_assert!(others_out.is_empty(), "drained {machine} while {others_out:?} is out of service");
            if members[machine].tier == Tier::Controlplane {
                let left = planes().filter(|(id, it)| *id != machine && !is_out(it)).count();
                let after =
                    if *reason == DrainReason::Deleting { planes().count() - 1 } else { planes().count() };
                prop_assert!(
                    left >= quorum(after) || after <= 2 && *reason != DrainReason::Deleting,
                    "below quorum"
                );
            }
        }
        MemberChange::Upgrade { machine, from, to, .. } => {
            let member = &members[machine];
            prop_assert!(!member.serving, "upgraded {machine} while it serves");
            prop_assert_eq!(member.version, *from);
            prop_assert!(
                to.minor <= from.minor + 1 && to.minor >= from.minor,
                "{} to {} skips a rung",
                from,
                to
            );
            if member.tier == Tier::Workers {
                prop_assert!(
                    planes().all(|(_, it)| it.version >= *to),
                    "{machine} ahead of the control plane"
                );
            }
        }
        MemberChange::Remove { machine } => {
            prop_assert!(!members[machine].serving, "removed {machine} while it serves");
            let last = planes().count() == 1 && members[machine].tier == Tier::Controlplane;
            prop_assert!(!last, "removed the last control plane {machine}");
        }
        MemberChange::Join { machine, tier, .. } => {
            prop_assert!(!members.contains_key(machine), "{machine} joined twice");
            let broken = |it: &Member| !it.serving || matches!(it.ready, Ready::No(_));
            let all_work = planes().all(|(_, it)| !broken(it));
            prop_assert!(
                *tier == Tier::Workers || all_work,
                "{machine} joined a control plane that is broken"
            );
        }
        _ => {}
    }
    Ok(())
}

fn settle(model: &mut Model, troubles: &BTreeMap<usize, Trouble>) -> Result<(), TestCaseError> {
    for number in 0..ROUNDS {
        let mut seen = model.clone();
        if let Some(it) = troubles.get(&number) {
            trouble(&mut seen, it);
        }
        let plan = seen.plan();
        let undisturbed = !troubles.contains_key(&number) && troubles.keys().all(|it| *it < number);
        if plan.is_empty() && undisturbed {
            check_end(model)?;
            return Ok(());
        }
        let joins = plan.changes().filter(|it| {
            matches!(
                it,
                OrbChange::Member { change: MemberChange::Join { tier: Tier::Controlplane, .. }, .. }
            )
        });
        prop_assert!(joins.count() <= 1, "two control planes join at once:\n{plan}");
        let mut interrupted = BTreeSet::new();
        for change in plan.changes() {
            check(&seen, model, change)?;
            if let OrbChange::Member { change: MemberChange::Drain { machine, .. }, .. } = change {
                interrupted.insert(machine.clone());
            }
            model.apply(change);
            let empty = Membership::default();
            let members = &model.observed.clusters.get("k8s").unwrap_or(&empty).members;
            let out = members.values().filter(|it| is_out(it)).count();
            prop_assert!(out <= 1, "{out} members out of service after {change}");
        }
        prop_assert!(interrupted.len() <= 1, "{interrupted:?} drained at once");
    }
    Err(TestCaseError::fail(format!("not settled after {ROUNDS} rounds; what is left:\n{}", model.plan())))
}

/// Nothing to do; what waits is only the version that cannot be reached.
fn check_end(model: &Model) -> Result<(), TestCaseError> {
    let plan = model.plan();
    let way_back = |it: &orbos_state::Waiting| it.reason.contains("no way back");
    prop_assert!(plan.waiting().iter().all(way_back), "settled, but waiting:\n{plan}");
    let members = &model.observed.clusters["k8s"].members;
    for pool in &model.goal.clusters["k8s"].pools {
        let there = members.keys().filter(|it| it.pool == pool.pool).count();
        prop_assert_eq!(there, pool.nodes, "{} has the wrong size", pool.pool);
    }
    for provider in model.goal.providers.values() {
        prop_assert!(provider.reboot.is_empty() && provider.replace.is_empty(), "requests are left");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn every_orb_settles_and_stays_safe(case in cases()) {
        let mut model = case.sketch(false).model();
        settle(&mut model, &BTreeMap::new())?;
        let requests = model.goal.clusters["k8s"].founded_before;
        prop_assert!(requests, "access is stored");
        model.goal = { let mut goal = case.sketch(true).goal(); goal.clusters.values_mut().for_each(|it| it.founded_before = true); goal };
        let machines: Vec<MachineId> = model.observed.machines().map(|it| it.id.clone()).collect();
        let provider = model.goal.providers.get_mut("p").expect("the case has a provider");
        provider.reboot.extend(case.reboot.map(|it| machines[it % machines.len()].clone()));
        provider.replace.extend(case.replace.map(|it| machines[it % machines.len()].clone()));
        settle(&mut model, &case.troubles)?;
    }
}
