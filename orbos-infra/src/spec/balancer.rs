//! Addresses behind which machines answer.

mod migrate;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    num::NonZeroU16,
};

use orbos_state::{FieldPath, Kind, Mistake};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::name::{self, ip};
use crate::{
    machine::PoolRef,
    network::{Cidr, Endpoint, EndpointName, HealthCheck, HealthProtocol},
};

/// The endpoint through which a Kubernetes cluster is found.
const KUBEAPI: &str = "kubeapi";

/// Shared addresses and what they forward: `orbiter.caos.ch/DynamicLoadBalancer`.
///
/// `v0` and `v1` are migrated when they are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BalancerSpec {
    /// The shared addresses by the pool whose machines share them.
    #[serde(default)]
    pub spec: BTreeMap<String, Vec<Vip>>,
}

/// One shared address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vip {
    /// The address; absent where the provider chooses it.
    #[serde(default, deserialize_with = "ip::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<IpAddr>")]
    pub ip: Option<IpAddr>,
    /// What it forwards.
    #[serde(default)]
    pub transport: Vec<Transport>,
}

/// What one port of a shared address forwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Transport {
    /// Its name, unique at the provider; `kubeapi` is the way to a Kubernetes cluster.
    pub name: String,
    /// The port that clients connect to, 1 to 65535.
    pub frontendport: NonZeroU16,
    /// The port that machines listen on, 1 to 65535.
    pub backendport: NonZeroU16,
    /// The pools whose machines answer; at least one.
    #[serde(default)]
    pub backendpools: Vec<String>,
    /// Who may connect, as IPv4 ranges; everybody unless named.
    #[serde(default)]
    pub whitelist: Vec<Cidr>,
    /// How it is found out which machines can answer; fixed for `kubeapi`.
    #[serde(default)]
    pub healthchecks: Health,
    /// Whether the PROXY protocol carries the client's address; `true` unless named, always `false` for `kubeapi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxyprotocol: Option<bool>,
}

/// How it is found out whether a machine can answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// What is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<HealthProtocol>,
    /// The path that is asked for; `/` unless named.
    #[serde(default)]
    pub path: String,
    /// The status that is expected; any success unless named.
    #[serde(default)]
    pub code: u16,
}

impl BalancerSpec {
    /// The endpoints it asks for: one for each transport.
    pub fn endpoints(&self, provider: &str) -> BTreeMap<EndpointName, Endpoint> {
        let vips = self.spec.iter().flat_map(|(pool, vips)| vips.iter().map(move |it| (pool, it)));
        vips.flat_map(|(pool, vip)| vip.transport.iter().map(move |it| (pool, vip, it)))
            .map(|(pool, vip, it)| (it.name.clone(), it.endpoint(PoolRef::new(provider, pool), vip.ip)))
            .collect()
    }

    /// What is wrong because of the pools that the provider has.
    pub fn check_pools(&self, pools: &BTreeSet<&str>) -> Vec<Mistake> {
        let known = pools.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
        let unknown = |path: FieldPath, pool: &str| {
            let hint = if known.is_empty() {
                "the provider has no pools".to_owned()
            } else {
                format!("it has {known}")
            };
            Mistake::at(path, format!("the provider has no pool `{pool}`")).hint(hint)
        };
        let root = FieldPath::root().join("spec");
        let balancers = self.spec.keys().filter(|it| !pools.contains(it.as_str()));
        let mut wrong: Vec<_> = balancers.map(|it| unknown(root.join(it.as_str()), it)).collect();
        for (path, transport) in self.transports() {
            let names = transport.backendpools.iter().enumerate();
            let missing = names.filter(|(_, it)| !pools.contains(it.as_str()));
            wrong.extend(missing.map(|(index, it)| unknown(path.join("backendpools").join(index), it)));
        }
        wrong
    }

    fn vips(&self) -> impl Iterator<Item = (FieldPath, &Vip)> {
        self.spec.iter().flat_map(|(pool, vips)| {
            let path = FieldPath::root().join("spec").join(pool.as_str());
            vips.iter().enumerate().map(move |(index, it)| (path.join(index), it))
        })
    }

    fn transports(&self) -> impl Iterator<Item = (FieldPath, &Transport)> {
        self.vips().flat_map(|(path, vip)| {
            let path = path.join("transport");
            vip.transport.iter().enumerate().map(move |(index, it)| (path.join(index), it))
        })
    }

    fn check_vips(&self) -> Vec<Mistake> {
        let mut wrong = Vec::new();
        for (pool, _) in self.spec.iter().filter(|(_, vips)| vips.is_empty()) {
            let path = FieldPath::root().join("spec").join(pool.as_str());
            wrong.push(
                Mistake::at(path, format!("pool `{pool}` shares no address")).hint("add one or take it out"),
            );
        }
        let mut addresses = BTreeMap::new();
        for (path, vip) in self.vips() {
            if vip.transport.is_empty() {
                let hint = "add one below `transport`";
                wrong.push(Mistake::at(path.join("transport"), "the address forwards nothing").hint(hint));
            }
            if let Some(ip) = vip.ip
                && let Some(other) = addresses.insert(ip, path.clone())
            {
                let message = format!("the address {ip} is shared already at `{other}`");
                wrong.push(Mistake::at(path.join("ip"), message).hint("put all its transports in one place"));
            }
            wrong.extend(vip.check_ports(&path));
        }
        wrong
    }
}

impl Vip {
    fn check_ports(&self, path: &FieldPath) -> Vec<Mistake> {
        let mut ports = BTreeMap::new();
        let again = self.transport.iter().enumerate().filter_map(|(index, it)| {
            let other = ports.insert(it.frontendport, &it.name)?;
            let message = format!("port {} is forwarded already by `{other}`", it.frontendport);
            Some(Mistake::at(path.join("transport").join(index).join("frontendport"), message))
        });
        again.collect()
    }
}

impl Transport {
    fn endpoint(&self, balancers: PoolRef, address: Option<IpAddr>) -> Endpoint {
        let Self { name, frontendport, backendport, backendpools, whitelist, healthchecks, proxyprotocol } =
            self;
        let whitelist = if whitelist.is_empty() { &vec![Cidr::ANY] } else { whitelist };
        let backends = backendpools.iter().map(|it| PoolRef::new(&balancers.provider, it)).collect();
        Endpoint {
            name: name.clone(),
            address,
            frontend_port: frontendport.get(),
            backend_port: backendport.get(),
            backends,
            health: healthchecks.check_of(name),
            whitelist: whitelist.iter().copied().collect(),
            proxy_protocol: name != KUBEAPI && proxyprotocol.unwrap_or(true),
            balancers,
        }
    }

    fn check(&self, path: &FieldPath) -> Vec<Mistake> {
        let Self { name, frontendport, backendport, backendpools, healthchecks, .. } = self;
        let mut wrong = Vec::new();
        if !name::is_word(name) {
            let message = if name.is_empty() {
                "the name is missing".into()
            } else {
                format!("`{name}` cannot be a name")
            };
            wrong.push(Mistake::at(path.join("name"), message).hint(name::WORD));
        }
        if frontendport == backendport {
            let message = format!("port {backendport} is both the frontend's and the backend's");
            let hint = "a machine can share the address and answer behind it; use different ports";
            wrong.push(Mistake::at(path.join("backendport"), message).hint(hint));
        }
        if backendpools.is_empty() {
            let message = "nobody answers behind it";
            wrong.push(Mistake::at(path.join("backendpools"), message).hint("name at least one pool"));
        }
        if healthchecks.protocol.is_none() && name != KUBEAPI {
            let message = "the protocol of the health check is missing";
            let hint = "use `http`, `https` or `tcp`";
            wrong.push(Mistake::at(path.join("healthchecks").join("protocol"), message).hint(hint));
        }
        let asks = healthchecks.protocol.is_some_and(|it| it != HealthProtocol::Tcp);
        if asks && name != KUBEAPI && !is_path(&healthchecks.path) {
            let message = format!("`{}` cannot be the path of a health check", healthchecks.path);
            let hint = "begin with `/` and use no white space";
            wrong.push(Mistake::at(path.join("healthchecks").join("path"), message).hint(hint));
        }
        wrong
    }
}

fn is_path(text: &str) -> bool {
    text.is_empty() || (text.starts_with('/') && text.bytes().all(|it| it.is_ascii_graphic()))
}

impl Health {
    fn check_of(&self, name: &str) -> HealthCheck {
        let Self { protocol, path, code } = self;
        let (protocol, path) = match (name, protocol) {
            (KUBEAPI, _) => (HealthProtocol::Https, "/healthz"),
            (_, None | Some(HealthProtocol::Tcp)) => (HealthProtocol::Tcp, ""),
            (_, Some(protocol)) if path.is_empty() => (*protocol, "/"),
            (_, Some(protocol)) => (*protocol, path.as_str()),
        };
        let code = if protocol == HealthProtocol::Tcp { 0 } else { *code };
        HealthCheck { protocol, path: path.to_owned(), code }
    }
}

impl Kind for BalancerSpec {
    const KIND: &'static str = "orbiter.caos.ch/DynamicLoadBalancer";
    const VERSION: &'static str = "v2";

    fn migrate(version: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        migrate::migrate(version, body)
    }

    fn check(&self) -> Vec<Mistake> {
        let mut wrong = self.check_vips();
        let mut names = BTreeMap::new();
        for (path, transport) in self.transports() {
            wrong.extend(transport.check(&path));
            if let Some(other) = names.insert(&transport.name, path.clone())
                && !transport.name.is_empty()
            {
                let message =
                    format!("`{}` is already the name of the transport at `{other}`", transport.name);
                wrong.push(Mistake::at(path.join("name"), message).hint("names are unique at a provider"));
            }
        }
        wrong
    }
}
