//! Names and addresses within a cluster.

use std::{fmt, str::FromStr};

use orbos_infra::Cidr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Names and addresses within a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Networking {
    /// The domain of services.
    pub dnsdomain: String,
    /// How pods reach each other.
    pub network: Network,
    /// The addresses of services.
    pub servicecidr: Cidr,
    /// The addresses of pods; each member gets a /24 of them.
    pub podcidr: Cidr,
}

impl Default for Networking {
    fn default() -> Self {
        let cidr = |text: &str| text.parse().expect("the default is a range");
        Self {
            dnsdomain: "cluster.local".into(),
            network: Network::default(),
            servicecidr: cidr("10.96.0.0/12"),
            podcidr: cidr("10.244.0.0/16"),
        }
    }
}

/// How pods reach each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// `routed`: a bridge on each machine, and routes between machines that ORBITER keeps. Needs machines
    /// on one network and nothing else.
    #[default]
    Routed,
    /// `calico`.
    Calico,
    /// `cilium`.
    Cilium,
    /// `flannel`.
    Flannel,
    /// Empty: somebody else sees to it.
    None,
    /// The path of a manifest in the repository.
    Manifest(String),
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Routed => "routed",
            Self::Calico => "calico",
            Self::Cilium => "cilium",
            Self::Flannel => "flannel",
            Self::None => "",
            Self::Manifest(path) => path,
        })
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        Ok(match text {
            "routed" => Self::Routed,
            "calico" => Self::Calico,
            "cilium" => Self::Cilium,
            "flannel" => Self::Flannel,
            "" => Self::None,
            path if path.contains(['/', '.']) && !path.starts_with('/') => Self::Manifest(path.into()),
            _ => return Err(NetworkError(text.into())),
        })
    }
}

/// Text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not routed, calico, cilium, flannel, empty, or the path of a manifest in the repository")]
pub struct NetworkError(String);

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "routed, calico, cilium, flannel, empty, or the path of a manifest in the repository"
        })
    }
}
