//! Older versions of `boom.yml`.
//!
//! Values move, and nothing else happens to them: what an old file has and no place is known for stays where it is, and is an
//! unknown field then.

mod beta;
mod sealed;

use orbos_state::{Mistake, code};
use serde_json::{Map, Value};

/// Names of `v1beta1`, and those of today.
pub(super) const RENAMED: &[(&str, &str)] = &[
    ("spec.prometheus-operator", "spec.metricCollection"),
    ("spec.logging-operator", "spec.logCollection"),
    ("spec.prometheus-node-exporter", "spec.nodeMetricsExporter"),
    ("spec.prometheus-systemd-exporter", "spec.systemdMetricsExporter"),
    ("spec.grafana", "spec.monitoring"),
    ("spec.ambassador", "spec.apiGateway"),
    ("spec.kube-state-metrics", "spec.kubeMetricsExporter"),
    ("spec.argocd", "spec.reconciling"),
    ("spec.prometheus", "spec.metricsPersisting"),
    ("spec.loki", "spec.logsPersisting"),
    ("spec.metrics-server", "spec.metricsServer"),
    ("spec.boomVersion", "spec.boom.version"),
    // Inside of what both versions have.
    ("spec.logging-operator.fluentdStorage", "spec.logCollection.fluentd.pvc"),
    ("spec.logging-operator.nodeSelector", "spec.logCollection.operator.nodeSelector"),
    ("spec.logging-operator.tolerations", "spec.logCollection.operator.tolerations"),
    ("spec.logging-operator.resources", "spec.logCollection.operator.resources"),
    ("spec.logCollection.fluentdStorage", "spec.logCollection.fluentd.pvc"),
    ("spec.logCollection.nodeSelector", "spec.logCollection.operator.nodeSelector"),
    ("spec.logCollection.tolerations", "spec.logCollection.operator.tolerations"),
    ("spec.logCollection.resources", "spec.logCollection.operator.resources"),
    ("spec.grafana.admin.existingSecret", "spec.monitoring.admin.existingUsername"),
    ("spec.grafana.admin.existingSecret", "spec.monitoring.admin.existingPassword"),
    ("spec.monitoring.admin.existingSecret", "spec.monitoring.admin.existingUsername"),
    ("spec.monitoring.admin.existingSecret", "spec.monitoring.admin.existingPassword"),
];

/// Turns the body of an older version into one of the newest.
pub(super) fn migrate(version: &str, mut body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
    let names = match version.strip_prefix("boom.").unwrap_or(version) {
        "caos.ch/v1" => return Ok(body),
        "caos.ch/v1beta2" => beta::Names::OF_BETA2,
        "caos.ch/v1beta1" => beta::Names::OF_BETA1,
        _ => return Err(unknown(version)),
    };
    if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) {
        beta::migrate(spec, &names)?;
    }
    Ok(body)
}

fn unknown(version: &str) -> Mistake {
    let mistake = Mistake::new("apiVersion", format!("Boom has no version `{version}`"))
        .hint("the newest version is `caos.ch/v1`; `caos.ch/v1beta2` and `caos.ch/v1beta1` are read too");
    Mistake { code: code::VERSION, ..mistake }
}

#[cfg(test)]
mod tests;
