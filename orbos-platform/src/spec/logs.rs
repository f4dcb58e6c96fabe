//! Logs: who collects and who keeps them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Patch, Resources, Storage, Toleration, ToolSettings};

/// logging-operator with fluent-bit and fluentd.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LogCollection {
    /// Whether it is there. Default: false; then everything of it is deleted.
    pub deploy: bool,
    /// The operator's image instead of its own, without a tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite_image: Option<String>,
    /// The operator's tag instead of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite_version: Option<String>,
    /// fluentd, which sends logs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fluentd: Option<Forwarder>,
    /// fluent-bit, which reads logs on every node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fluentbit: Option<Collector>,
    /// The operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<LogOperator>,
    /// Names of `ClusterOutput`s that get all logs too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_outputs: Vec<String>,
    /// Names of `Output`s in the tools' namespace that get all logs too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// The namespaces whose flows count. Default: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub watch_namespaces: Vec<String>,
    /// Changes to its objects, after everything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
}

/// fluentd.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Forwarder {
    /// Which nodes it may run on, by their labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which taints it tolerates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// Where it keeps what it could not send yet; absent: in the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pvc: Option<Storage>,
    /// How many pods. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
}

/// fluent-bit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Collector {
    /// Which nodes it runs on, by their labels. Default: all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which taints it tolerates. Default: all that keep pods away (`NoSchedule`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// The operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LogOperator {
    /// Which nodes it may run on, by their labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which taints it tolerates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// Loki.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LogsPersisting {
    /// What every tool has.
    #[serde(flatten)]
    pub tool: ToolSettings,
    /// Where logs are kept; absent: in the pod, and lost with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// How long logs are kept, like `336h`. Default: `336h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// Whether logs of all namespaces may be sent to it. Default: false, those of the tools' namespace only.
    pub cluster_output: bool,
    /// Whose logs are collected; absent: everybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Logs>,
}

/// Whose logs are collected: those that are true, if any of them is mentioned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::struct_excessive_bools, reason = "the file has one switch for each")]
pub struct Logs {
    /// The API gateway.
    pub ambassador: bool,
    /// Grafana.
    pub grafana: bool,
    /// Argo CD.
    pub argocd: bool,
    /// kube-state-metrics.
    pub kube_state_metrics: bool,
    /// node-exporter.
    pub prometheus_node_exporter: bool,
    /// Prometheus operator.
    pub prometheus_operator: bool,
    /// systemd-exporter.
    pub prometheus_systemd_exporter: bool,
    /// logging-operator.
    pub logging_operator: bool,
    /// Loki.
    pub loki: bool,
    /// Prometheus.
    pub prometheus: bool,
    /// metrics-server.
    pub metrics_server: bool,
    /// Alertmanager. The original did not have it.
    pub alertmanager: bool,
    /// cert-manager. The original did not have it.
    pub cert_manager: bool,
    /// ORBITER.
    pub orbiter: bool,
    /// BOOM.
    pub boom: bool,
    /// Kept from the original; does nothing.
    pub zitadel: bool,
    /// Kept from the original; does nothing.
    pub database: bool,
    /// Kept from the original; does nothing.
    pub networking: bool,
}

impl Logs {
    /// Whether a switch is on, by its name in the file, like `kube-state-metrics`. A name that is none: false.
    pub fn has(&self, switch: &str) -> bool {
        match switch {
            "ambassador" => self.ambassador,
            "grafana" => self.grafana,
            "argocd" => self.argocd,
            "kube-state-metrics" => self.kube_state_metrics,
            "prometheus-node-exporter" => self.prometheus_node_exporter,
            "prometheus-operator" => self.prometheus_operator,
            "prometheus-systemd-exporter" => self.prometheus_systemd_exporter,
            "logging-operator" => self.logging_operator,
            "loki" => self.loki,
            "prometheus" => self.prometheus,
            "metrics-server" => self.metrics_server,
            "alertmanager" => self.alertmanager,
            "cert-manager" => self.cert_manager,
            "orbiter" => self.orbiter,
            "boom" => self.boom,
            "zitadel" => self.zitadel,
            "database" => self.database,
            "networking" => self.networking,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_switch_of_the_file_is_found_by_its_name_and_no_other() {
        let all = json!(Logs::default());
        let names: Vec<_> = all.as_object().expect("it is a mapping").keys().collect();
        for name in &names {
            let one: Logs = serde_json::from_value(json!({ *name: true })).expect("it is a switch");
            let on: Vec<_> = names.iter().filter(|it| one.has(it)).collect();
            assert_eq!(on, [name]);
        }
        assert!(!Logs::default().has("no-switch"));
    }
}
