//! Metrics: who collects, exports and keeps them, and who is alerted.

use std::collections::BTreeMap;

use orbos_secrets::{Existing, Sealed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Storage, ToolSettings};

/// Prometheus operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricCollection {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
}

/// node-exporter or systemd-exporter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeExporter {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
}

/// kube-state-metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeMetricsExporter {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// How many pods. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
    /// The pods' affinity as Kubernetes has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Map<String, Value>>,
}

/// metrics-server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricsServer {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// How many pods. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
    /// Whether the kubelets' certificates are checked. Default: false, since kubeadm leaves kubelets with certificates of
    /// their own making.
    pub verify_kubelets: bool,
}

/// Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricsPersisting {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// How many pods, each with all metrics. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
    /// How long metrics are kept, like `10d`. Default: `10d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// Where metrics are kept; absent: in the pod, and lost with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Labels on everything that leaves this Prometheus; `orb` is set already.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub external_labels: BTreeMap<String, String>,
    /// Where else metrics are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_write: Option<RemoteWrite>,
    /// Whose metrics are collected; absent: everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

/// Where else metrics are sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RemoteWrite {
    /// Where to.
    pub url: String,
    /// Who we are there; absent: nobody asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// What is sent, and how it is renamed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relabel_configs: Vec<Relabel>,
}

/// Keys of Secrets in the tools' namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BasicAuth {
    /// Who we are.
    pub username: KeyRef,
    /// How it is proven.
    pub password: KeyRef,
}

/// A key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct KeyRef {
    /// The Secret.
    pub name: String,
    /// The key.
    pub key: String,
}

/// A step of relabelling, as Prometheus has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Relabel {
    /// Labels whose values are joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_labels: Vec<String>,
    /// What is put between them. Default: `;`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The label that is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_label: Option<String>,
    /// What the joined values have to match. Default: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// For `hashmod`: a whole number, which the original wrote as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modulus: Option<Modulus>,
    /// What the label is set to. Default: `$1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// What is done, like `keep` or `drop`. Default: `replace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// A whole number, also as a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Modulus {
    /// A number.
    Number(u64),
    /// A text with a number.
    Text(String),
}

impl Modulus {
    /// The number; `None`: the text is none.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Number(it) => Some(*it),
            Self::Text(it) => it.trim().parse().ok(),
        }
    }
}

/// Whose metrics are collected: those that are true, if any of them is mentioned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::struct_excessive_bools, reason = "the file has one switch for each")]
pub struct Metrics {
    /// The API gateway.
    pub ambassador: bool,
    /// Argo CD.
    pub argocd: bool,
    /// kube-state-metrics.
    pub kube_state_metrics: bool,
    /// Prometheus itself.
    pub prometheus: bool,
    /// node-exporter.
    pub prometheus_node_exporter: bool,
    /// systemd-exporter.
    pub prometheus_systemd_exporter: bool,
    /// The API servers, and what else Kubernetes itself exports.
    pub api_server: bool,
    /// Prometheus operator.
    pub prometheus_operator: bool,
    /// logging-operator, fluent-bit and fluentd.
    pub logging_operator: bool,
    /// Loki.
    pub loki: bool,
    /// Grafana. The original did not have it.
    pub grafana: bool,
    /// Alertmanager. The original did not have it.
    pub alertmanager: bool,
    /// cert-manager. The original did not have it.
    pub cert_manager: bool,
    /// metrics-server. The original did not have it.
    pub metrics_server: bool,
    /// BOOM.
    pub boom: bool,
    /// ORBITER.
    pub orbiter: bool,
    /// Kept from the original; does nothing.
    pub zitadel: bool,
    /// Kept from the original; does nothing.
    pub database: bool,
    /// Kept from the original; does nothing.
    pub networking: bool,
}

impl Metrics {
    /// Whether a switch is on, by its name in the file, like `kube-state-metrics`. A name that is none: false.
    pub fn has(&self, switch: &str) -> bool {
        match switch {
            "ambassador" => self.ambassador,
            "argocd" => self.argocd,
            "kube-state-metrics" => self.kube_state_metrics,
            "prometheus" => self.prometheus,
            "prometheus-node-exporter" => self.prometheus_node_exporter,
            "prometheus-systemd-exporter" => self.prometheus_systemd_exporter,
            "api-server" => self.api_server,
            "prometheus-operator" => self.prometheus_operator,
            "logging-operator" => self.logging_operator,
            "loki" => self.loki,
            "grafana" => self.grafana,
            "alertmanager" => self.alertmanager,
            "cert-manager" => self.cert_manager,
            "metrics-server" => self.metrics_server,
            "boom" => self.boom,
            "orbiter" => self.orbiter,
            "zitadel" => self.zitadel,
            "database" => self.database,
            "networking" => self.networking,
            _ => false,
        }
    }
}

/// Alertmanager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Alerting {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// How many pods. Default: 1; 3 for high availability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_count: Option<u32>,
    /// Where silences are kept; absent: in the pod, and lost with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// A whole `alertmanager.yaml`, since receivers have passwords in it. Default: one that sends nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    pub config: Option<Sealed>,
    /// The same in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_config: Option<Existing>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_switch_of_the_file_is_found_by_its_name_and_no_other() {
        let all = json!(Metrics::default());
        let names: Vec<_> = all.as_object().expect("it is a mapping").keys().collect();
        for name in &names {
            let one: Metrics = serde_json::from_value(json!({ *name: true })).expect("it is a switch");
            let on: Vec<_> = names.iter().filter(|it| one.has(it)).collect();
            assert_eq!(on, [name]);
        }
        assert!(!Metrics::default().has("no-switch"));
    }
}
