//! An orb's goal, what was seen of it, and its changes.

use std::{collections::BTreeMap, fmt};

use orbos_state::{Change, Effect};
use serde::{Deserialize, Serialize};

use crate::{
    cluster::{ClusterGoal, ClusterId, MemberChange, Membership},
    host::{HostChange, HostSeen},
    machine::{Inventory, Machine, MachineId, PoolRef, ProviderId},
    provider::{ProviderChange, ProviderGoal},
};

/// What should be true of an orb: all drivers' goals together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrbGoal {
    /// What for.
    pub purpose: Purpose,
    /// Generated secrets that are missing, by their path in the file.
    pub missing_secrets: Vec<String>,
    /// Every provider's goal.
    pub providers: BTreeMap<ProviderId, ProviderGoal>,
    /// Every cluster's goal.
    pub clusters: BTreeMap<ClusterId, ClusterGoal>,
}

/// What the orb is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// It shall be as it was written down.
    Run,
    /// It shall be taken apart: clusters first, then machines.
    Teardown,
}

impl OrbGoal {
    /// What is asked of a pool, by which cluster; `None`: nobody wants machines of it.
    pub fn pool(&self, pool: &PoolRef) -> Option<(&ClusterId, &ClusterGoal, &crate::cluster::PoolGoal)> {
        self.clusters.iter().find_map(|(id, cluster)| {
            cluster.pools.iter().find(|it| it.pool == *pool).map(|found| (id, cluster, found))
        })
    }
}

/// What was seen of an orb.
///
/// A key that the goal has and this has not means *not seen*, which is not the same as *not there*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrbObserved {
    /// Every provider that answered.
    pub providers: BTreeMap<ProviderId, Inventory>,
    /// Every machine that answered.
    pub hosts: BTreeMap<MachineId, HostSeen>,
    /// Every free machine of a pool that lacks some, if it answered: nothing is changed on a machine that is
    /// of no use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub candidates: BTreeMap<MachineId, HostSeen>,
    /// Every cluster about which something can be said.
    pub clusters: BTreeMap<ClusterId, Membership>,
    /// Who did not answer, and why: `provider X`, `machine X` or `cluster X`.
    pub unseen: BTreeMap<String, String>,
}

impl OrbObserved {
    /// All machines in use.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.providers.values().flat_map(|it| it.machines.values())
    }

    /// A machine in use.
    pub fn machine(&self, id: &MachineId) -> Option<&Machine> {
        self.providers.get(&id.pool.provider)?.machines.get(id)
    }

    /// Why something was not seen.
    pub fn why_unseen(&self, subject: &str) -> &str {
        self.unseen.get(subject).map_or("it was not seen", String::as_str)
    }
}

/// One step of an orb.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrbChange {
    /// In the repository.
    Request(RequestChange),
    /// At a provider.
    Provider {
        /// Which.
        provider: ProviderId,
        /// The step.
        change: ProviderChange,
    },
    /// On a machine, one after the other.
    Host {
        /// Which.
        machine: MachineId,
        /// The steps.
        changes: Vec<HostChange>,
    },
    /// In a cluster.
    Member {
        /// Which.
        cluster: ClusterId,
        /// The step.
        change: MemberChange,
    },
}

impl OrbChange {
    /// The machine it happens on, if it is about one.
    pub fn machine(&self) -> Option<&MachineId> {
        match self {
            Self::Request(RequestChange::Consume { machine, .. }) | Self::Host { machine, .. } => {
                Some(machine)
            }
            Self::Provider {
                change:
                    ProviderChange::Create { machine }
                    | ProviderChange::Destroy { machine }
                    | ProviderChange::Reboot { machine },
                ..
            } => Some(machine),
            Self::Member {
                change:
                    MemberChange::Bootstrap { machine, .. }
                    | MemberChange::Join { machine, .. }
                    | MemberChange::Drain { machine, .. }
                    | MemberChange::Upgrade { machine, .. }
                    | MemberChange::Resume { machine }
                    | MemberChange::Remove { machine }
                    | MemberChange::Set { machine, .. },
                ..
            } => Some(machine),
            _ => None,
        }
    }
}

/// One step in the repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestChange {
    /// Makes a secret that is missing.
    Generate {
        /// Its path in the file.
        path: String,
    },
    /// Stores what gives access to a cluster.
    Store {
        /// Which.
        cluster: ClusterId,
    },
    /// Takes out of the file what gave access to a cluster that is no more.
    Discard {
        /// Which.
        cluster: ClusterId,
    },
    /// Takes a human's request out of the file, because it has been carried out.
    Consume {
        /// About this machine.
        machine: MachineId,
        /// What was asked for.
        request: Request,
    },
}

/// What a human can ask for once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// A reboot.
    Reboot,
    /// A replacement.
    Replace,
}

impl fmt::Display for RequestChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generate { path } => write!(f, "secret {path}"),
            Self::Store { cluster } => write!(f, "secret: access to {cluster}"),
            Self::Discard { cluster } => write!(f, "secret: access to {cluster}"),
            Self::Consume { machine, request: Request::Reboot } => write!(f, "request to reboot {machine}"),
            Self::Consume { machine, request: Request::Replace } => write!(f, "request to replace {machine}"),
        }
    }
}

impl fmt::Display for OrbChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(change) => change.fmt(f),
            Self::Provider { change, .. } => change.fmt(f),
            Self::Host { machine, changes } => {
                write!(f, "host {machine}:")?;
                match &changes[..] {
                    [one] => write!(f, " {one}"),
                    many => many.iter().try_for_each(|it| write!(f, "\n    {} {it}", it.effect())),
                }
            }
            Self::Member { cluster, change } => write!(f, "{cluster}: {change}"),
        }
    }
}

impl Change for OrbChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Request(RequestChange::Generate { .. } | RequestChange::Store { .. }) => Effect::Create,
            Self::Request(RequestChange::Consume { .. } | RequestChange::Discard { .. }) => Effect::Delete,
            Self::Provider { change, .. } => change.effect(),
            Self::Host { .. } => Effect::Update,
            Self::Member { change, .. } => change.effect(),
        }
    }
}
