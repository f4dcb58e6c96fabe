//! Addresses, endpoints and rules.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::machine::PoolRef;

/// A range of IPv4 addresses such as `10.0.0.0/8`; no leading zeros, as the original demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: Ipv4Addr,
    prefix: u8,
}

/// Text that is no [`Cidr`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IPv4 range like 10.0.0.0/8")]
pub struct CidrError(String);

impl Cidr {
    /// Every address.
    pub const ANY: Self = Self { address: Ipv4Addr::UNSPECIFIED, prefix: 0 };

    /// Just this address.
    pub fn host(address: Ipv4Addr) -> Self {
        Self { address, prefix: 32 }
    }

    /// The address as written, which need not be the first of the range.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// How many leading bits are fixed, 0 to 32.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// The same range, written with its first address.
    #[must_use]
    pub fn network(&self) -> Self {
        Self { address: (u32::from(self.address) & mask(self.prefix)).into(), prefix: self.prefix }
    }

    /// Whether the two have an address in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        u32::from(self.address) & mask == u32::from(other.address) & mask
    }

    /// Whether the address is in the range; an IPv6 address never is.
    pub fn contains(&self, address: IpAddr) -> bool {
        matches!(address, IpAddr::V4(it) if self.overlaps(&Self::host(it)))
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let parse = || {
            let (address, prefix) = text.split_once('/')?;
            let plain = !prefix.is_empty()
                && prefix.len() <= 2
                && (prefix == "0" || !prefix.starts_with('0'))
                && prefix.bytes().all(|it| it.is_ascii_digit());
            let prefix: u8 = prefix.parse().ok().filter(|it| *it <= 32 && plain)?;
            Some(Self { address: address.parse().ok()?, prefix })
        };
        parse().ok_or_else(|| CidrError(text.into()))
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for Cidr {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cidr".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "IPv4 range like 10.0.0.0/8" })
    }
}

/// The name of an endpoint, for example `kubeapi`; unique per provider.
pub type EndpointName = String;

/// An address behind which several machines answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name in the file.
    pub name: EndpointName,
    /// The address at which it answers; `None`: the provider chooses.
    pub address: Option<IpAddr>,
    /// The machines that share the address, where machines do the balancing.
    pub balancers: PoolRef,
    /// Where clients connect to.
    pub frontend_port: u16,
    /// Where the machines behind it listen.
    pub backend_port: u16,
    /// The pools whose machines answer.
    pub backends: BTreeSet<PoolRef>,
    /// How it is found out which of them can answer.
    pub health: HealthCheck,
    /// Who may connect. Machines of the orb and pods always may.
    pub whitelist: BTreeSet<Cidr>,
    /// Whether the PROXY protocol (version 2) carries the client's address to the backends.
    pub proxy_protocol: bool,
}

/// How it is found out whether a backend can answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What is spoken.
    pub protocol: HealthProtocol,
    /// The path asked for; empty for TCP.
    pub path: String,
    /// The status expected; 0 for any success.
    pub code: u16,
}

/// What a health check speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthProtocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS; the certificate is not verified.
    Https,
    /// A connection is enough.
    Tcp,
}

/// Who may use an open port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Machines of the orb, pods and services.
    Internal,
    /// Everybody.
    Anyone,
}

/// What travels through an open port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// VRRP, IP protocol 112, which has no ports.
    Vrrp,
}

/// A port, or a range of ports, that is open on a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// What it is for.
    pub name: String,
    /// What travels.
    pub protocol: Protocol,
    /// First and last port; 0 and 0 where the protocol has none.
    pub ports: (u16, u16),
    /// Who may use it.
    pub scope: Scope,
}

impl Rule {
    /// One TCP port.
    pub fn tcp(name: impl Into<String>, port: u16, scope: Scope) -> Self {
        Self { name: name.into(), protocol: Protocol::Tcp, ports: (port, port), scope }
    }

    /// A range of TCP ports.
    pub fn tcp_range(name: impl Into<String>, ports: (u16, u16), scope: Scope) -> Self {
        Self { name: name.into(), protocol: Protocol::Tcp, ports, scope }
    }
}

/// Everything that a machine lets in. What is not named here is dropped.
///
/// Established connections, loopback, ICMP and SSH (port 22) are always let in.
/// A table that somebody else flushes lets everything in, so that it can be repaired, until the next round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// What is open.
    pub rules: BTreeSet<Rule>,
    /// Who counts as internal; shared, because all machines of an orb stand in it.
    pub internal: Arc<BTreeSet<Cidr>>,
    /// Ranges whose members keep their address among themselves and take the machine's towards everybody else.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub masquerade: BTreeSet<Cidr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_strictly() {
        for good in ["0.0.0.0/0", "10.0.0.0/8", "192.168.0.20/32"] {
            assert_eq!(good.parse::<Cidr>().expect("valid").to_string(), good);
        }
        for bad in [
            "256.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0",
            "10.0.0/8",
            "::/0",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "",
            "10.0.0.0/+8",
        ] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_overlap_if_one_holds_the_other() {
        let cidr = |text: &str| text.parse::<Cidr>().expect("valid");
        assert!(cidr("10.0.0.0/8").overlaps(&cidr("10.244.0.0/16")));
        assert!(cidr("0.0.0.0/0").overlaps(&cidr("1.2.3.4/32")));
        assert!(!cidr("10.96.0.0/12").overlaps(&cidr("10.244.0.0/16")));
        assert!(cidr("10.96.0.0/12").contains("10.100.0.1".parse().expect("valid")));
    }
}
