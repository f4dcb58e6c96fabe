//! Machines that a human lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use orbos_secrets::Sealed;
use orbos_state::{Diagnostics, Document, Embedded, FieldPath, Kind, Mistake};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    BalancerSpec, Label,
    name::{self, ip},
};

use crate::{
    machine::PoolRef,
    network::{Endpoint, EndpointName},
    provider::{Balancing, Interfaces, ProviderGoal, Supply},
};

/// The user of the original, and ours unless another one is named.
const USER: &str = "orbiter";

/// Machines that a human lists: `orbiter.caos.ch/StaticProvider`.
///
/// The original looks at no version, its examples say `v0` and `v1` and mean the same; so every version is
/// read as `v1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StaticSpec {
    /// The machines and how to get on them.
    pub spec: StaticSettings,
    /// Addresses behind which the machines answer: an `orbiter.caos.ch/DynamicLoadBalancer`.
    pub loadbalancing: Embedded,
}

/// Machines that a human lists, and how to get on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StaticSettings {
    /// Whether ORBITER logs everything about them.
    #[serde(default)]
    pub verbose: bool,
    /// The machines by what they are for, in the order in which they are taken into use.
    #[serde(default)]
    pub pools: BTreeMap<String, Vec<ListedMachine>>,
    /// Keys to log in with.
    #[serde(default)]
    pub keys: StaticKeys,
    /// Network interfaces where the outside comes in; the first carries shared addresses.
    #[serde(default)]
    pub externalinterfaces: Vec<String>,
    /// The network interface by which machines talk to each other, `eth0` unless named.
    #[serde(default = "private_interface")]
    pub privateinterface: String,
    /// Whether no package repositories may be added on the machines.
    #[serde(default)]
    pub leaveosrepositories: bool,
    /// The user to log in as, `orbiter` unless named: lower-case letters, digits, `-` and `_`. Not in the original.
    ///
    /// It needs to be able to use sudo without a password, unless it is root.
    #[serde(default = "user", skip_serializing_if = "is_default_user")]
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_-]{0,31}$"))]
    pub user: String,
}

fn private_interface() -> String {
    "eth0".to_owned()
}

fn user() -> String {
    USER.to_owned()
}

fn is_default_user(user: &str) -> bool {
    user == USER
}

/// A machine that a human listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedMachine {
    /// Its name and host name: 1 to 63 lower-case letters, digits and hyphens, and no hyphen at either end.
    pub id: Label,
    /// Kept from the original, where it was checked and not used: letters and digits as in `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<Label>,
    /// Where ORBITER and the other machines reach it.
    #[serde(deserialize_with = "ip::required")]
    #[schemars(with = "IpAddr")]
    pub ip: IpAddr,
    /// Whether it shall be rebooted; ORBITER takes it out when it was.
    #[serde(default)]
    pub rebootrequired: bool,
    /// Whether it shall be replaced by another one; ORBITER takes it out when it was.
    #[serde(default)]
    pub replacementrequired: bool,
}

/// Keys to log in with on listed machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaticKeys {
    /// The private key that the machines accept before they are in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub bootstrapkeyprivate: Option<Sealed>,
    /// Its public part; needed only if it cannot be read from the private one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub bootstrapkeypublic: Option<Sealed>,
    /// The private key that the machines accept while they are in use; generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub maintenancekeyprivate: Option<Sealed>,
    /// Its public part; generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub maintenancekeypublic: Option<Sealed>,
}

impl StaticSpec {
    /// Reads a provider's document with its load balancing.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with either of them, and with what one says about the other.
    pub fn read(document: &Document) -> Result<(Self, BalancerSpec), Diagnostics> {
        let mut wrong = Diagnostics::new();
        let spec = wrong.keep(document.read::<Self>());
        let child = wrong.keep(document.child("loadbalancing")).flatten();
        let balancer = child.as_ref().and_then(|it| wrong.keep(it.read::<BalancerSpec>()));
        if let (Some(spec), Some(child), Some(balancer)) = (&spec, &child, &balancer) {
            let pools = spec.spec.pools.keys().map(String::as_str).collect();
            wrong.extend(balancer.check_pools(&pools).into_iter().map(|it| child.diagnostic(it)));
        }
        match (spec, balancer) {
            (Some(spec), Some(balancer)) => wrong.into_result().map(|()| (spec, balancer)),
            _ => Err(wrong),
        }
    }

    /// What is asked of the provider with this name.
    pub fn goal(&self, id: &str, endpoints: BTreeMap<EndpointName, Endpoint>) -> ProviderGoal {
        let settings = &self.spec;
        let asked = |which: fn(&ListedMachine) -> bool| {
            let machines = self.machines().filter(|(_, it)| which(it));
            machines.map(|(pool, it)| PoolRef::new(id, pool).machine(it.id.as_str())).collect()
        };
        ProviderGoal {
            supply: Supply::Fixed,
            balancing: Balancing::OnMachines,
            pools: settings.pools.keys().map(|it| PoolRef::new(id, it)).collect(),
            endpoints,
            interfaces: Interfaces {
                private: settings.privateinterface.clone(),
                external: settings.externalinterfaces.clone(),
            },
            reboot: asked(|it| it.rebootrequired),
            replace: asked(|it| it.replacementrequired),
        }
    }

    /// Every machine with its pool, in the order of the file.
    pub fn machines(&self) -> impl Iterator<Item = (&str, &ListedMachine)> {
        self.spec.pools.iter().flat_map(|(pool, machines)| machines.iter().map(move |it| (pool.as_str(), it)))
    }
}

impl Kind for StaticSpec {
    const KIND: &'static str = "orbiter.caos.ch/StaticProvider";
    const VERSION: &'static str = "v1";

    fn migrate(_: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        Ok(body)
    }

    fn check(&self) -> Vec<Mistake> {
        let StaticSettings { pools, keys, externalinterfaces, privateinterface, .. } = &self.spec;
        let spec = FieldPath::root().join("spec");
        let mut wrong: Vec<_> = pools
            .keys()
            .filter(|it| !name::is_word(it))
            .map(|it| {
                let message = format!("`{it}` cannot be the name of a pool");
                Mistake::at(spec.join("pools").join(it.as_str()), message).hint(name::WORD)
            })
            .collect();
        wrong.extend(unique(pools));
        wrong.extend(keys.check(&spec.join("keys")));
        let external = externalinterfaces.iter().enumerate();
        let interfaces = external
            .map(|(index, it)| (spec.join("externalinterfaces").join(index), it))
            .chain([(spec.join("privateinterface"), privateinterface)]);
        wrong.extend(interfaces.filter(|(_, it)| !is_interface(it)).map(|(path, it)| {
            let hint = "use 1 to 15 characters as `ip link` shows them, for example `eth0`";
            Mistake::at(path, format!("`{it}` cannot be a network interface")).hint(hint)
        }));
        wrong
    }
}

/// Names and addresses of machines that another one has already.
fn unique(pools: &BTreeMap<String, Vec<ListedMachine>>) -> Vec<Mistake> {
    let (mut ids, mut ips) = (BTreeMap::new(), BTreeMap::new());
    let mut wrong = Vec::new();
    for (pool, machines) in pools {
        for (index, machine) in machines.iter().enumerate() {
            let path = FieldPath::root().join("spec").join("pools").join(pool.as_str()).join(index);
            if let Some(other) = ids.insert(&machine.id, format!("{pool}.{}", machine.id)) {
                let message = format!("machine `{}` is listed already, as `{other}`", machine.id);
                wrong.push(Mistake::at(path.join("id"), message).hint("names are unique over all pools"));
            }
            if let Some(other) = ips.insert(machine.ip, &machine.id) {
                let message = format!("the address {} is already that of machine `{other}`", machine.ip);
                wrong.push(Mistake::at(path.join("ip"), message).hint("every machine has its own address"));
            }
        }
    }
    wrong
}

/// What the kernel accepts as a name, without what would need quoting.
fn is_interface(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.@".contains(&it);
    (1..=15).contains(&name.len()) && name.bytes().all(plain) && !BTreeSet::from([".", ".."]).contains(name)
}

impl StaticKeys {
    /// Whether the maintenance key has to be made.
    pub fn lacks_maintenance_key(&self) -> bool {
        present(self.maintenancekeyprivate.as_ref()).is_none()
    }

    fn check(&self, path: &FieldPath) -> Vec<Mistake> {
        if !self.lacks_maintenance_key() || present(self.maintenancekeypublic.as_ref()).is_none() {
            return Vec::new();
        }
        // A new pair would shut ORBITER out of every machine that is in use.
        let message = "the public maintenance key is there, but its private part is missing";
        let hint = "put the private one back; or take the public one out to have a new pair made, if no machine is \
                    in use";
        vec![Mistake::at(path.join("maintenancekeyprivate"), message).hint(hint)]
    }
}

/// A sealed value, unless it is empty, which means the same as none.
pub(crate) fn present(sealed: Option<&Sealed>) -> Option<&Sealed> {
    sealed.filter(|it| !it.value().is_empty())
}
