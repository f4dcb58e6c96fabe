//! First member, join, drain, upgrade, resume, remove.
//!
//! At most one member of a cluster is out of service at a time, the control plane comes before the
//! workers, and never below quorum.

use std::collections::BTreeSet;

use orbos_state::Plan;

use super::Context;
use crate::{
    cluster::{
        ClusterGoal, ClusterId, DrainReason, Member, MemberChange, Membership, PoolGoal, Ready, Tier, Version,
    },
    machine::MachineId,
    orb::{OrbChange, OrbGoal, OrbObserved, Request, RequestChange},
    provider::ProviderChange,
};

/// Plans every cluster by itself.
pub(super) fn plan(goal: &OrbGoal, observed: &OrbObserved, context: &Context<'_>) -> Plan<OrbChange> {
    let mut plan = Plan::new();
    for (id, cluster) in &goal.clusters {
        let Some(membership) = observed.clusters.get(id) else {
            let subject = format!("cluster {id}");
            plan.wait(&subject, observed.why_unseen(&subject));
            continue;
        };
        let one = Cluster::new(id, cluster, membership, goal, observed, context);
        plan.then(if membership.founded { one.day_two() } else { one.day_one() });
    }
    plan
}

struct Cluster<'a> {
    id: &'a ClusterId,
    goal: &'a ClusterGoal,
    membership: &'a Membership,
    orb: &'a OrbGoal,
    observed: &'a OrbObserved,
    context: &'a Context<'a>,
    /// Control planes by name, then workers by name.
    ordered: Vec<(&'a MachineId, &'a Member)>,
    /// The first two members that are out of service; more need not be known.
    out: Vec<(&'a MachineId, &'a Member)>,
    /// Machines of the control plane that have not joined.
    new_planes: bool,
    lowest: Option<Version>,
    rung: Option<Version>,
    /// Whether part of the control plane has not got to the rung.
    planes_behind: bool,
}

impl<'a> Cluster<'a> {
    fn new(
        id: &'a ClusterId,
        goal: &'a ClusterGoal,
        membership: &'a Membership,
        orb: &'a OrbGoal,
        observed: &'a OrbObserved,
        context: &'a Context<'a>,
    ) -> Self {
        let mut ordered: Vec<_> = membership.members.iter().collect();
        ordered.sort_by_key(|(id, it)| (it.tier, *id));
        let out = ordered.iter().filter(|(_, it)| is_out(it)).take(2).copied().collect();
        let lowest = membership.members.values().map(|it| it.version).min();
        let rung = lowest.and_then(|it| next_rung(goal, it));
        let behind = |it: &Member| it.tier == Tier::Controlplane && Some(it.version) != rung;
        let planes_behind = membership.members.values().any(behind);
        let mut one = Self {
            id,
            goal,
            membership,
            orb,
            observed,
            context,
            ordered,
            out,
            new_planes: false,
            lowest,
            rung,
            planes_behind,
        };
        let new_planes = one.joinable(Tier::Controlplane).next().is_some();
        one.new_planes = new_planes;
        one
    }

    fn change(&self, change: MemberChange) -> OrbChange {
        OrbChange::Member { cluster: self.id.clone(), change }
    }

    fn day_one(&self) -> Plan<OrbChange> {
        let mut plan = Plan::new();
        let subject = format!("bootstrapping {}", self.id);
        if self.goal.founded_before {
            plan.wait(
                subject,
                "access to it is stored in the file, but no machine holds it: remove it from the file to found it anew",
            );
            return plan;
        }
        let mut candidates = self.joinable(Tier::Controlplane).peekable();
        if candidates.peek().is_none() {
            plan.wait(subject, "there is no machine for the control plane yet");
            return plan;
        }
        if let Some(reason) = self.may_be_founded_elsewhere() {
            plan.wait(subject, reason);
            return plan;
        }
        match candidates.find(|it| self.is_finished(it)) {
            Some(machine) => {
                plan.stage([self.change(MemberChange::Bootstrap { machine, version: self.goal.target })]);
            }
            None => plan.wait(subject, "the first machine has to be made ready"),
        }
        plan
    }

    /// Why nobody can know that no machine holds the cluster already: one was not seen, or a former run may be
    /// founding it there at this moment. Founding it a second time would make two of it.
    fn may_be_founded_elsewhere(&self) -> Option<String> {
        let planes = || self.goal.pools.iter().filter(|it| it.tier == Tier::Controlplane).map(|it| &it.pool);
        let reason = |machine: &MachineId, why: &str| format!("{machine} may hold it already: {why}");
        for pool in planes() {
            let Some(inventory) = self.observed.providers.get(&pool.provider) else {
                let subject = format!("provider {}", pool.provider);
                return Some(format!(
                    "{subject} may hold it already: {}",
                    self.observed.why_unseen(&subject)
                ));
            };
            if let Some((machine, why)) = inventory.unseen.iter().find(|(it, _)| it.pool == *pool) {
                return Some(reason(machine, why));
            }
            let in_use = inventory.machines.values();
            for machine in in_use.filter(|it| it.id.pool == *pool && it.address.is_some()).map(|it| &it.id) {
                let Some(seen) = self.observed.hosts.get(machine) else {
                    return Some(reason(machine, self.observed.why_unseen(&format!("machine {machine}"))));
                };
                if let Some(busy) = &seen.busy {
                    return Some(reason(machine, &format!("a former run is still busy: {busy}")));
                }
            }
        }
        None
    }

    fn day_two(&self) -> Plan<OrbChange> {
        let mut plan = Plan::new();
        if !self.membership.answering {
            plan.wait(format!("cluster {}", self.id), "it does not answer");
            return plan;
        }
        if let Some(lowest) = self.lowest.filter(|it| is_way_back(self.goal, *it)) {
            plan.wait(
                format!("{} {}", self.id, self.goal.target),
                format!("members run {lowest}, and there is no way back"),
            );
        }
        plan.stage(self.forget());
        plan.then(self.join());
        plan.then(self.one_out_of_service());
        plan.stage(self.set());
        plan.stage(self.configure());
        self.not_ready(&mut plan);
        plan
    }

    /// A cluster is not settled before every member works.
    fn not_ready(&self, plan: &mut Plan<OrbChange>) {
        for (machine, member) in self.ordered().filter(|(_, it)| it.ready != Ready::Yes) {
            plan.wait(format!("member {machine}"), self.why_not_ready(machine, member));
        }
    }

    /// Members whose machine is gone, if every machine was seen and they do not work any more.
    fn forget(&self) -> Vec<OrbChange> {
        let all_seen = self.orb.providers.keys().all(|it| self.observed.providers.contains_key(it));
        let gone = self.membership.strangers.iter().filter(|(_, works)| all_seen && !**works);
        gone.map(|(name, _)| self.change(MemberChange::Forget { name: name.clone() })).collect()
    }

    /// One control plane and any number of workers.
    fn join(&self) -> Plan<OrbChange> {
        let mut plan = Plan::new();
        let version = self.lowest.unwrap_or(self.goal.target);
        let mut stage = Vec::new();
        // What a control plane is for works without the pods' network, which it may only get when others have joined.
        let works = |it: &Member| it.serving && matches!(it.ready, Ready::Yes | Ready::NoNetwork);
        let planes_in_order =
            self.ordered().filter(|(_, it)| it.tier == Tier::Controlplane).all(|(_, it)| works(it));
        let former_run = self.busy_plane();
        let mut plane_joins = false;
        for (tier, machine) in [Tier::Controlplane, Tier::Workers]
            .into_iter()
            .flat_map(|tier| self.joinable(tier).map(move |machine| (tier, machine)))
            .collect::<Vec<_>>()
        {
            let subject = format!("joining {machine}");
            let first_plane = !plane_joins;
            if !self.is_finished(&machine) {
                plan.wait(subject, "it has to be made ready");
            } else if tier == Tier::Controlplane && !first_plane {
                plan.wait(subject, "one control plane joins at a time");
            } else if tier == Tier::Controlplane && !planes_in_order {
                plan.wait(subject, "every member of the control plane has to work first");
            } else if let Some(why) = former_run.as_ref().filter(|_| tier == Tier::Controlplane) {
                plan.wait(subject, why);
            } else {
                plane_joins |= tier == Tier::Controlplane;
                stage.push(self.change(MemberChange::Join { machine, tier, version }));
            }
        }
        plan.stage(stage);
        plan
    }

    /// A machine of the control plane on which a former run is busy: it may be joining at this moment, which nobody else
    /// may do meanwhile.
    fn busy_plane(&self) -> Option<String> {
        let planes = self.observed.machines().filter(|it| {
            self.goal.pools.iter().any(|pool| pool.tier == Tier::Controlplane && pool.pool == it.id.pool)
        });
        planes.filter_map(|it| self.observed.hosts.get_key_value(&it.id)).find_map(|(id, seen)| {
            Some(format!("a former run is still busy on {id}: {}", seen.busy.as_ref()?))
        })
    }

    /// Takes the one member a step further that is, or may be, out of service.
    fn one_out_of_service(&self) -> Plan<OrbChange> {
        let mut plan = Plan::new();
        let mut wishes: Vec<(&MachineId, &Member, DrainReason)> =
            self.ordered().filter_map(|(id, member)| Some((id, member, self.wish(id, member)?))).collect();
        // What was begun is finished first; what leaves makes way for the rest.
        wishes.sort_by_key(|(_, member, reason)| (member.serving, *reason != DrainReason::Deleting));
        let abandoned = self
            .ordered()
            .find(|(id, it)| !it.serving && it.drained_for.is_some() && self.wish(id, it).is_none());
        if let Some((machine, member)) = abandoned {
            if self.observed.hosts.contains_key(machine) && member.ready == Ready::Yes {
                plan.stage([self.change(MemberChange::Resume { machine: machine.clone() })]);
            } else {
                plan.wait(format!("resuming {machine}"), self.why_not_ready(machine, member));
            }
        }
        let mut begun = !plan.is_settled();
        for (machine, member, reason) in wishes {
            let subject = format!("{reason} {machine}");
            if begun {
                plan.wait(subject, "one member at a time");
            } else if let Some(obstacle) = self.obstacle(machine, member, reason) {
                plan.wait(subject, obstacle);
            } else {
                begun = true;
                self.step(&mut plan, machine, member, reason);
            }
        }
        plan
    }

    /// Why a member has to go out of service.
    fn wish(&self, machine: &MachineId, member: &Member) -> Option<DrainReason> {
        let provider = self.orb.providers.get(&machine.pool.provider);
        if self.context.leaving.contains(machine) {
            Some(DrainReason::Deleting)
        } else if provider.is_some_and(|it| it.reboot.contains(machine)) {
            Some(DrainReason::Rebooting)
        } else {
            let rung = self.rung?;
            let in_turn = member.tier == Tier::Controlplane || !self.planes_behind;
            let allowed = self.pool(machine).is_some_and(|it| !it.updates_disabled);
            (member.version != rung && in_turn && allowed).then_some(DrainReason::Updating)
        }
    }

    /// Why that cannot happen now.
    fn obstacle(&self, machine: &MachineId, member: &Member, reason: DrainReason) -> Option<String> {
        // Also of a member that was drained before: a new control plane joins at the lowest version.
        let begun = !member.serving && member.tier == Tier::Controlplane;
        if reason == DrainReason::Updating && self.new_planes && !begun {
            return Some("the control plane has to be complete first".into());
        }
        if !member.serving {
            let seen = self.observed.hosts.contains_key(machine);
            return (!seen && reason != DrainReason::Deleting).then(|| self.why_not_ready(machine, member));
        }
        if let Some((other, it)) = self.out.iter().find(|(id, _)| *id != machine) {
            return Some(format!("{other} is out of service: {}", self.why_not_ready(other, it)));
        }
        if member.tier == Tier::Controlplane {
            let planes: Vec<_> = self.ordered().filter(|(_, it)| it.tier == Tier::Controlplane).collect();
            let others = planes.iter().filter(|(id, it)| *id != machine && !is_out(it)).count();
            if reason == DrainReason::Deleting && others == 0 {
                return Some("it is the last member of the control plane".into());
            }
            if reason == DrainReason::Deleting && others < quorum(planes.len() - 1) {
                return Some("too few of the control plane would be left".into());
            }
            // One or two members have no spare; going without for a moment cannot be avoided there.
            if planes.len() > 2 && others < quorum(planes.len()) {
                return Some("too few of the control plane would work".into());
            }
        }
        None
    }

    fn step(&self, plan: &mut Plan<OrbChange>, machine: &MachineId, member: &Member, reason: DrainReason) {
        let machine = machine.clone();
        if member.serving {
            return plan.stage([self.change(MemberChange::Drain { machine, reason })]);
        }
        match reason {
            DrainReason::Deleting => plan.stage([self.change(MemberChange::Remove { machine })]),
            DrainReason::Rebooting => {
                let provider = machine.pool.provider.clone();
                let change = ProviderChange::Reboot { machine: machine.clone() };
                plan.stage([OrbChange::Provider { provider, change }]);
                plan.stage([OrbChange::Request(RequestChange::Consume {
                    machine,
                    request: Request::Reboot,
                })]);
            }
            DrainReason::Updating => {
                let to = self.rung.unwrap_or(self.goal.target);
                let first = self.membership.members.values().all(|it| it.version != to);
                plan.stage([self.change(MemberChange::Upgrade { machine, from: member.version, to, first })]);
            }
        }
    }

    fn set(&self) -> Vec<OrbChange> {
        let mut changes = Vec::new();
        for (machine, member) in self.ordered() {
            for (name, value) in self.goal.settings.get(&machine.pool).into_iter().flatten() {
                if member.settings.get(name) != Some(value) {
                    let (machine, name, value) = (machine.clone(), name.clone(), value.clone());
                    changes.push(self.change(MemberChange::Set { machine, name, value }));
                }
            }
        }
        changes
    }

    fn configure(&self) -> Vec<OrbChange> {
        let differs = self
            .goal
            .components
            .iter()
            .filter(|(name, it)| self.membership.components.get(*name) != Some(*it));
        differs
            .map(|(component, fingerprint)| {
                let (component, fingerprint) = (component.clone(), fingerprint.clone());
                self.change(MemberChange::Configure { component, fingerprint })
            })
            .collect()
    }

    /// Machines in use that shall be members of a tier and are not, in the order of their names.
    fn joinable(&self, tier: Tier) -> impl Iterator<Item = MachineId> {
        let pools: BTreeSet<_> =
            self.goal.pools.iter().filter(|it| it.tier == tier).map(|it| &it.pool).collect();
        let mut found: Vec<MachineId> = self
            .observed
            .machines()
            .map(|it| &it.id)
            .filter(|it| pools.contains(&it.pool))
            .filter(|it| !self.membership.members.contains_key(it) && !self.context.leaving.contains(it))
            .cloned()
            .collect();
        found.sort();
        found.into_iter()
    }

    fn ordered(&self) -> impl Iterator<Item = (&'a MachineId, &'a Member)> + use<'a, '_> {
        self.ordered.iter().copied()
    }

    fn pool(&self, machine: &MachineId) -> Option<&PoolGoal> {
        self.goal.pools.iter().find(|it| it.pool == machine.pool)
    }

    fn is_finished(&self, machine: &MachineId) -> bool {
        !self.context.unfinished.contains(machine) && self.observed.hosts.contains_key(machine)
    }

    fn why_not_ready(&self, machine: &MachineId, member: &Member) -> String {
        let subject = format!("machine {machine}");
        match member.ready.reason() {
            _ if !self.observed.hosts.contains_key(machine) => self.observed.why_unseen(&subject).into(),
            Some(reason) => reason.into(),
            None => {
                member.drained_for.map_or("it takes no new work".into(), |it| format!("drained for {it}"))
            }
        }
    }
}

fn is_out(member: &Member) -> bool {
    !member.serving || member.ready != Ready::Yes
}

/// The version that every member gets next; `None`: they cannot get to the target.
fn next_rung(goal: &ClusterGoal, lowest: Version) -> Option<Version> {
    let target = goal.target;
    if is_way_back(goal, lowest) {
        return None;
    }
    let near = target.major == lowest.major && target.minor <= lowest.minor + 1;
    let next = |it: &&Version| it.major == lowest.major && it.minor == lowest.minor + 1;
    if near { Some(target) } else { goal.ladder.iter().find(next).copied() }
}

/// Patches of one minor can be exchanged, minors only go up.
fn is_way_back(goal: &ClusterGoal, lowest: Version) -> bool {
    (goal.target.major, goal.target.minor) < (lowest.major, lowest.minor)
}

/// How many of so many have to work.
pub(crate) fn quorum(members: usize) -> usize {
    members / 2 + 1
}
