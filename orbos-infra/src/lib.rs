//! Machines from any provider, and clusters of any software on top of them: ORBITER as a library.
//!
//! A [`Provider`] says which machines there are, a [`ClusteredSoftware`] says who is a member; neither
//! knows the other and neither decides. [`plan`](plan()) decides, from values alone.

mod bundle;
mod cluster;
mod forecast;
mod host;
pub mod hosts;
mod machine;
mod network;
mod orb;
mod orbiter;
mod plan;
mod provider;
pub mod providers;
mod reconciler;
pub mod spec;
#[cfg(feature = "testing")]
pub mod testing;

pub use bundle::{Bundle, BundleEntry, BundleKind};
pub use cluster::{
    ClusterGoal, ClusterId, ClusteredSoftware, ComponentName, DrainReason, Member, MemberChange, Membership,
    PoolGoal, Ready, SettingName, Tier, Version, VersionError, World,
};
pub use forecast::{Model, bare_host, forecast};
pub use host::{
    Artifact, FileGoal, FileSeen, Fingerprint, HostChange, HostGoal, HostSeen, Managed, Needs, Origin,
    ServiceGoal, ServiceSeen,
};
pub use machine::{Inventory, Machine, MachineId, NameError, PoolRef, ProviderId};
pub use network::{
    Cidr, CidrError, Endpoint, EndpointName, Firewall, HealthCheck, HealthProtocol, Protocol, Rule, Scope,
};
pub use orb::{OrbChange, OrbGoal, OrbObserved, Purpose, Request, RequestChange};
pub use orbiter::{CURRENT, DESIRED, KNOWN_HOSTS, Orbiter, OrbiterSettings, SoftwareContext, SshHosts};
pub use plan::{difference, machine_goal, plan};
pub use provider::{Balancing, Connection, Interfaces, Provider, ProviderChange, ProviderGoal, Supply};
pub use reconciler::{Hosts, Orb, Requests, STEP};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
