//! Machines by purpose: pools, machines, and all of a provider's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::network::EndpointName;

/// The name of a provider in an `orbiter.yml`.
pub type ProviderId = String;

/// Machines of one provider that serve one purpose; prints as `provider.pool`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolRef {
    /// The provider.
    pub provider: ProviderId,
    /// The pool at that provider.
    pub pool: String,
}

impl PoolRef {
    /// Names a pool.
    pub fn new(provider: impl Into<String>, pool: impl Into<String>) -> Self {
        Self { provider: provider.into(), pool: pool.into() }
    }

    /// The machine of that name in this pool.
    pub fn machine(&self, name: impl Into<String>) -> MachineId {
        MachineId { pool: self.clone(), name: name.into() }
    }
}

impl fmt::Display for PoolRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.provider, self.pool)
    }
}

/// One machine; prints as `provider.pool.name`, the form used in every command.
///
/// The name alone is the machine's host name and its name in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId {
    /// Where it belongs.
    pub pool: PoolRef,
    /// Its own name: an RFC 1123 label.
    pub name: String,
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pool, self.name)
    }
}

/// Text that is not a `provider.pool` or `provider.pool.machine`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` does not have the form {form}")]
pub struct NameError {
    text: String,
    form: &'static str,
}

impl FromStr for PoolRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split('.').collect::<Vec<_>>()[..] {
            [provider, pool] if !provider.is_empty() && !pool.is_empty() => Ok(Self::new(provider, pool)),
            _ => Err(NameError { text: text.into(), form: "provider.pool" }),
        }
    }
}

impl FromStr for MachineId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split('.').collect::<Vec<_>>()[..] {
            [provider, pool, name] if ![provider, pool, name].contains(&"") => {
                Ok(PoolRef::new(provider, pool).machine(name))
            }
            _ => Err(NameError { text: text.into(), form: "provider.pool.machine" }),
        }
    }
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}
as_text!(PoolRef, MachineId);

/// A machine that is there and belongs to the orb.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Who it is.
    pub id: MachineId,
    /// Where the other machines and ORBITER reach it.
    ///
    /// `None`: it is still being created.
    pub address: Option<IpAddr>,
}

/// What a provider was seen to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Machines in use by the orb, answering or not.
    pub machines: BTreeMap<MachineId, Machine>,
    /// Machines that a human listed and that are not in use, in the order to take them.
    ///
    /// Always empty where the provider makes machines.
    pub free: BTreeMap<PoolRef, Vec<Machine>>,
    /// Listed machines of which it is not known whether they are in use, each with the reason.
    pub unseen: BTreeMap<MachineId, String>,
    /// Where these are, as far as that is known; members among them keep their place at the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<MachineId, IpAddr>,
    /// Endpoints that the provider's own load balancers serve.
    pub endpoints: BTreeMap<EndpointName, IpAddr>,
    /// Traffic that the provider's own firewall lets through, by the endpoint's name.
    pub permitted: BTreeSet<EndpointName>,
}

impl Inventory {
    /// The machines of one pool that are in use.
    pub fn of_pool<'a>(&'a self, pool: &'a PoolRef) -> impl Iterator<Item = &'a Machine> {
        self.machines.values().filter(move |it| it.id.pool == *pool)
    }

    /// Adds another provider's machines; for whoever needs to see all machines of an orb.
    pub fn extend(&mut self, other: &Self) {
        let Self { machines, free, unseen, addresses, endpoints, permitted } = other.clone();
        self.machines.extend(machines);
        self.free.extend(free);
        self.unseen.extend(unseen);
        self.addresses.extend(addresses);
        self.endpoints.extend(endpoints);
        self.permitted.extend(permitted);
    }
}
