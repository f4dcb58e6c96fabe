//! Software that runs as one cluster on many machines.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Debug},
    str::FromStr,
    sync::Arc,
};

use async_trait::async_trait;
use orbos_secrets::Secret;
use orbos_ssh::Shell;
use orbos_state::{Change, Effect, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    host::{Fingerprint, HostGoal, HostSeen},
    machine::{Inventory, MachineId, PoolRef},
    network::Cidr,
};

/// The name of a cluster in an `orbiter.yml`.
pub type ClusterId = String;
/// What is set on a member, for example `label orbos.ch/pool` or `taints`.
pub type SettingName = String;
/// A part of a cluster that is configured as a whole, for example `network`.
pub type ComponentName = String;

/// What a driver sees of the orb while it observes or applies.
#[async_trait]
pub trait World: Send + Sync {
    /// All machines of the orb.
    fn machines(&self) -> &Inventory;

    /// What was seen on each machine in this round; a missing one was not seen.
    fn hosts(&self) -> &BTreeMap<MachineId, HostSeen>;

    /// The address and port where an endpoint answers; `None`: not known yet.
    fn endpoint(&self, name: &str) -> Option<std::net::SocketAddr>;

    /// A shell as root on a machine.
    ///
    /// # Errors
    ///
    /// If the machine is not known, does not answer or does not accept our key.
    async fn shell(&self, machine: &MachineId) -> Result<Arc<dyn Shell>>;

    /// Brings a machine to a goal: observes it, plans and applies all that differs.
    ///
    /// # Errors
    ///
    /// What the first failing change reports.
    async fn converge(&self, machine: &MachineId, goal: &HostGoal) -> Result<()>;
}

/// Software that runs as one cluster on many machines.
///
/// Like a provider it says what was asked, reports what is there, and carries out one change at a time.
/// Which member is drained, upgraded or removed when is the planner's.
#[async_trait]
pub trait ClusteredSoftware: Debug + Send + Sync + 'static {
    /// What its document asks for, complete; pure.
    fn goal(&self) -> ClusterGoal;

    /// Reports the members; changes nothing.
    ///
    /// # Errors
    ///
    /// If it cannot be said who is a member; never an empty membership instead.
    async fn observe(&self, world: &dyn World) -> Result<Membership>;

    /// Carries out one change. Twice is the same as once.
    ///
    /// # Errors
    ///
    /// If it did not happen, or if that is not known.
    async fn apply(&self, change: &MemberChange, world: &dyn World) -> Result<()>;

    /// What gives access to the cluster, for example a kubeconfig; `None`: there is no such thing.
    ///
    /// # Errors
    ///
    /// If no member could be asked.
    async fn credentials(&self, world: &dyn World) -> Result<Option<Secret>>;
}

/// What is asked of clustered software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterGoal {
    /// How many machines of which pools; the control plane's first.
    pub pools: Vec<PoolGoal>,
    /// The version every member shall have in the end.
    pub target: Version,
    /// Versions on the way to the target, lowest first, one for each minor that must not be skipped.
    pub ladder: Vec<Version>,
    /// What each tier needs on a machine at each version of the ladder and others that members may have.
    pub hosts: BTreeMap<Tier, BTreeMap<Version, HostGoal>>,
    /// What is set on members of each pool. What is not mentioned is left alone.
    pub settings: BTreeMap<PoolRef, BTreeMap<SettingName, String>>,
    /// Parts configured as a whole, each with what its text hashes to.
    pub components: BTreeMap<ComponentName, Fingerprint>,
    /// The endpoint through which members find the cluster; `None`: it needs none.
    pub endpoint: Option<String>,
    /// Ranges that count as internal for firewalls and white lists.
    pub internal: BTreeSet<Cidr>,
    /// Whether routes between the members' own ranges are kept on the machines.
    pub routed: bool,
    /// Whether access to the cluster is stored already; it then must not be made anew.
    pub founded_before: bool,
}

/// How many machines of a pool are members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolGoal {
    /// The pool.
    pub pool: PoolRef,
    /// What its members do.
    pub tier: Tier,
    /// How many.
    pub nodes: usize,
    /// Whether nothing on its machines may be changed at the moment.
    pub updates_disabled: bool,
}

/// What a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// It decides.
    Controlplane,
    /// It works.
    Workers,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Controlplane => "controlplane",
            Self::Workers => "workers",
        })
    }
}

/// A version such as `v1.20.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version like v1.20.2")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let parse = || {
            let mut numbers = text.strip_prefix('v')?.split('.').map(|it| it.parse().ok());
            let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
            (numbers.next().is_none() && version.to_string() == text).then_some(version)
        };
        parse().ok_or_else(|| VersionError(text.into()))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Who is a member, as seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whether there is a cluster at all: some machine holds its state, whether it answers or not.
    pub founded: bool,
    /// Whether the cluster answers questions; if not, `members` holds what machines say of themselves.
    pub answering: bool,
    /// The members that run on known machines.
    pub members: BTreeMap<MachineId, Member>,
    /// Members without a known machine, by name, with whether they still work.
    pub strangers: BTreeMap<String, bool>,
    /// The components' fingerprints.
    pub components: BTreeMap<ComponentName, Fingerprint>,
}

/// One member, as seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What it does.
    pub tier: Tier,
    /// What it runs.
    pub version: Version,
    /// Whether it works; if not, why.
    pub ready: Ready,
    /// Whether it takes on new work; `false` after a drain.
    pub serving: bool,
    /// Why it was drained, if it was, in the planner's words.
    pub drained_for: Option<DrainReason>,
    /// What is set on it, of what is asked for.
    pub settings: BTreeMap<SettingName, String>,
    /// Its own range of addresses; `None`: it has none yet.
    pub subnet: Option<Cidr>,
}

/// Whether a member works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ready {
    /// It works.
    Yes,
    /// It does, but takes no work before it gets its pods' network, which it does after joining.
    NoNetwork,
    /// It does not, for this reason.
    No(String),
}

impl Ready {
    /// Why it does not work, or not wholly; `None`: it does.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Yes => None,
            Self::NoNetwork => Some("its pods have no network yet"),
            Self::No(reason) => Some(reason),
        }
    }
}

/// Why a member was drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrainReason {
    /// It gets another version.
    Updating,
    /// Its machine is rebooted.
    Rebooting,
    /// It leaves.
    Deleting,
}

impl fmt::Display for DrainReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Updating => "updating",
            Self::Rebooting => "rebooting",
            Self::Deleting => "deleting",
        })
    }
}

/// One step of a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberChange {
    /// Founds the cluster on its first machine.
    Bootstrap {
        /// The first member.
        machine: MachineId,
        /// At this version.
        version: Version,
    },
    /// Adds a member.
    Join {
        /// The new member.
        machine: MachineId,
        /// What it will do.
        tier: Tier,
        /// At this version.
        version: Version,
    },
    /// Moves work away from a member and keeps new work off.
    Drain {
        /// The member.
        machine: MachineId,
        /// What for.
        reason: DrainReason,
    },
    /// Brings a drained member one rung up.
    Upgrade {
        /// The member.
        machine: MachineId,
        /// From this version.
        from: Version,
        /// To this version.
        to: Version,
        /// Whether it is the first to get there, which moves the cluster as a whole.
        first: bool,
    },
    /// Lets a drained member work again.
    Resume {
        /// The member.
        machine: MachineId,
    },
    /// Takes a member out of the cluster and cleans its machine.
    Remove {
        /// The member.
        machine: MachineId,
    },
    /// Forgets a member whose machine is gone.
    Forget {
        /// Its name in the cluster.
        name: String,
    },
    /// Sets something on a member.
    Set {
        /// The member.
        machine: MachineId,
        /// What.
        name: SettingName,
        /// To which value.
        value: String,
    },
    /// Configures a part of the cluster.
    Configure {
        /// Which part.
        component: ComponentName,
        /// What its text hashes to.
        fingerprint: Fingerprint,
    },
}

impl fmt::Display for MemberChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bootstrap { machine, version } => write!(f, "bootstrap {version} on {machine}"),
            Self::Join { machine, tier, version } => write!(f, "join {machine} to the {tier} at {version}"),
            Self::Drain { machine, reason } => write!(f, "drain {machine} for {reason}"),
            Self::Upgrade { machine, from, to, .. } => write!(f, "upgrade {machine} from {from} to {to}"),
            Self::Resume { machine } => write!(f, "resume {machine}"),
            Self::Remove { machine } => write!(f, "member {machine}"),
            Self::Forget { name } => write!(f, "member {name}, whose machine is gone"),
            Self::Set { machine, name, value } => write!(f, "set {name}={value} on {machine}"),
            Self::Configure { component, .. } => write!(f, "configure {component}"),
        }
    }
}

impl Change for MemberChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Bootstrap { .. } | Self::Join { .. } => Effect::Create,
            Self::Remove { .. } | Self::Forget { .. } => Effect::Delete,
            _ => Effect::Update,
        }
    }
}
