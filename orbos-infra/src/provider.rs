//! Where machines come from.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Debug},
    sync::Arc,
};

use async_trait::async_trait;
use orbos_ssh::Shell;
use orbos_state::{Change, Effect, Result};
use serde::{Deserialize, Serialize};

use crate::{
    machine::{Inventory, Machine, MachineId, PoolRef},
    network::{Endpoint, EndpointName},
};

/// A source of machines.
///
/// It says what was asked of it, reports what is there, and carries out one change at a time. It never
/// decides: scaling, replacing and their order are the planner's.
#[async_trait]
pub trait Provider: Debug + Send + Sync + 'static {
    /// What its document asks for, complete; pure.
    fn goal(&self) -> ProviderGoal;

    /// Reports every machine that this provider runs for the orb; changes nothing.
    ///
    /// # Errors
    ///
    /// If it cannot be said which machines there are; never an empty inventory instead.
    async fn observe(&self) -> Result<Inventory>;

    /// Carries out one change. Twice is the same as once.
    ///
    /// # Errors
    ///
    /// If it did not happen, or if that is not known.
    async fn apply(&self, change: &ProviderChange) -> Result<()>;

    /// A shell as root on one of its machines, over a connection that may be shared.
    ///
    /// # Errors
    ///
    /// If the machine does not answer or does not accept our key.
    async fn shell(&self, machine: &Machine, connection: Connection) -> Result<Arc<dyn Shell>>;
}

/// Which connection a shell may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// One that is open already, if there is one.
    Shared,
    /// A new one, to prove that new connections get through.
    Fresh,
}

/// What is asked of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderGoal {
    /// Whether it can make machines.
    pub supply: Supply,
    /// Who does the load balancing.
    pub balancing: Balancing,
    /// The pools that it knows.
    pub pools: BTreeSet<PoolRef>,
    /// Addresses behind which machines answer.
    pub endpoints: BTreeMap<EndpointName, Endpoint>,
    /// Network interfaces of its machines.
    pub interfaces: Interfaces,
    /// Machines that a human wants to see rebooted.
    pub reboot: BTreeSet<MachineId>,
    /// Machines that a human wants to see replaced.
    pub replace: BTreeSet<MachineId>,
}

/// Who makes machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Supply {
    /// The provider, as many as needed.
    Elastic,
    /// Nobody: a human lists them.
    Fixed,
}

/// Who balances load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Balancing {
    /// The provider's own load balancers.
    Managed,
    /// HAProxy and keepalived on machines.
    OnMachines,
}

/// The names of a machine's network interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interfaces {
    /// Where machines talk to each other.
    pub private: String,
    /// Where the outside comes in; the first carries shared addresses. Empty: the private one does.
    pub external: Vec<String>,
}

impl Default for Interfaces {
    fn default() -> Self {
        Self { private: "eth0".into(), external: Vec::new() }
    }
}

/// One step of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderChange {
    /// Makes a machine, or takes a listed one into use.
    Create {
        /// Its name.
        machine: MachineId,
    },
    /// Destroys a machine, or gives a listed one back.
    Destroy {
        /// Its name.
        machine: MachineId,
    },
    /// Reboots a machine.
    Reboot {
        /// Its name.
        machine: MachineId,
    },
    /// Sets up a load balancer for an endpoint, or corrects it.
    Publish {
        /// All about it.
        endpoint: Endpoint,
    },
    /// Takes a load balancer down.
    Withdraw {
        /// Its endpoint.
        endpoint: EndpointName,
    },
    /// Lets an endpoint's traffic through the provider's firewall.
    Permit {
        /// All about it.
        endpoint: Endpoint,
    },
    /// Closes the provider's firewall for an endpoint.
    Forbid {
        /// Its name.
        endpoint: EndpointName,
    },
}

impl fmt::Display for ProviderChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { machine } | Self::Destroy { machine } => write!(f, "machine {machine}"),
            Self::Reboot { machine } => write!(f, "reboot {machine}"),
            Self::Publish { endpoint } => write!(f, "endpoint {}:{}", endpoint.name, endpoint.frontend_port),
            Self::Withdraw { endpoint } => write!(f, "endpoint {endpoint}"),
            Self::Permit { endpoint } => write!(f, "permit {}:{}", endpoint.name, endpoint.frontend_port),
            Self::Forbid { endpoint } => write!(f, "forbid {endpoint}"),
        }
    }
}

impl Change for ProviderChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Create { .. } | Self::Publish { .. } | Self::Permit { .. } => Effect::Create,
            Self::Reboot { .. } => Effect::Update,
            Self::Destroy { .. } | Self::Withdraw { .. } | Self::Forbid { .. } => Effect::Delete,
        }
    }
}
