//! The API gateway and certificates.

use orbos_secrets::{Existing, Sealed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Resources, ToolSettings};

/// Emissary (Ambassador).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiGateway {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// How many pods. Default: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
    /// The pods' affinity as Kubernetes has it. Default: one a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Map<String, Value>>,
    /// How it is reached. Default: node ports 30080 and 30443.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<GatewayService>,
    /// Kept from the original, where it needed a licence; does nothing, with a warning.
    pub activate_dev_portal: bool,
    /// Kept from the original, where it was a Redis of the licensed edition; does nothing, with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caching: Option<Caching>,
    /// Whether gRPC-Web is translated. Default: false.
    pub grpc_web: bool,
    /// Whether connections begin with the PROXY protocol. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<bool>,
    /// Kept from the original; Emissary needs none. Does nothing, with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub licence_key: Option<Sealed>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_licence_key: Option<Existing>,
}

/// How the gateway is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayService {
    /// `NodePort`, `LoadBalancer` or `ClusterIP`. Default: `NodePort`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The address that a load balancer shall have.
    #[serde(rename = "loadBalancerIP", skip_serializing_if = "Option::is_none")]
    pub load_balancer_ip: Option<String>,
    /// Default: http 80 to 8080 on node port 30080, https 443 to 8443 on node port 30443.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ServicePort>,
}

/// One port of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// Its name.
    pub name: String,
    /// The port of the Service.
    pub port: u16,
    /// The port of the pods, 1024 or above. Default: 8080 for 80, 8443 for 443, otherwise the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_port: Option<u16>,
    /// The port of every node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_port: Option<u16>,
}

/// Kept from the original.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Caching {
    /// Does nothing.
    pub enable: bool,
    /// Does nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// cert-manager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Certificates {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// How many pods of each part. Default: 1; with 2 or more each part has a disruption budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
}
