//! What Prometheus is told to collect and to evaluate, as objects of its operator.

use serde_json::{Map, Value, json};

use super::{COMPONENT, SELECTED};
use crate::{MetricsEndpoint, alerts::AlertGroup, parts::Parts};

/// The kinds' API version.
const API: &str = "monitoring.coreos.com/v1";
/// What Services call what they are in front of; it becomes the label `job`.
const JOB: &str = "app.kubernetes.io/name";
/// Where pods find their account's token.
pub(super) const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Adds a ServiceMonitor for what a tool declares.
pub(super) fn endpoint(parts: &mut Parts<'_>, declared: &MetricsEndpoint) {
    let MetricsEndpoint {
        name,
        switch: _,
        namespace,
        selector,
        port,
        path,
        guarded,
        honor_labels,
        relabelings,
        metric_relabelings,
    } = declared;
    let mut endpoint = json!({ "port": port });
    if !path.is_empty() {
        endpoint["path"] = json!(path);
    }
    if *guarded {
        endpoint["scheme"] = json!("https");
        endpoint["tlsConfig"] = json!({ "insecureSkipVerify": true });
        endpoint["bearerTokenFile"] = json!(TOKEN);
    }
    if *honor_labels {
        endpoint["honorLabels"] = json!(true);
    }
    for (field, steps) in [("relabelings", relabelings), ("metricRelabelings", metric_relabelings)] {
        if !steps.is_empty() {
            endpoint[field] = steps.iter().cloned().map(whole).collect();
        }
    }
    monitor(parts, name, namespace, &json!(selector), vec![endpoint]);
}

/// A step of relabelling with the default that the API server would add, which would look like somebody's change.
pub(super) fn whole(mut step: Value) -> Value {
    if step.get("action").is_none() {
        step["action"] = json!("replace");
    }
    step
}

/// Adds a ServiceMonitor, in the tools' namespace wherever its Service is.
pub(super) fn monitor(
    parts: &mut Parts<'_>,
    name: &str,
    namespace: &str,
    selector: &Value,
    endpoints: Vec<Value>,
) {
    let spec = json!({
        "jobLabel": JOB,
        "namespaceSelector": { "matchNames": [namespace] },
        "selector": { "matchLabels": selector },
        "endpoints": endpoints,
        // Prometheus 3 takes a target for down that does not say in which form it answers.
        "fallbackScrapeProtocol": "PrometheusText0.0.4",
    });
    object(parts, "ServiceMonitor", &format!("{name}-servicemonitor"), spec);
}

/// Adds a PrometheusRule.
pub(super) fn rules(parts: &mut Parts<'_>, group: &AlertGroup) {
    let AlertGroup { name, tool: _, needs: _, rules } = group;
    object(parts, "PrometheusRule", name, json!({ "groups": [{ "name": name, "rules": rules }] }));
}

fn object(parts: &mut Parts<'_>, kind: &str, name: &str, spec: Value) {
    let labels = Map::from_iter([(SELECTED.0.to_owned(), json!(SELECTED.1))]);
    parts.object(API, kind, name, COMPONENT, json!({ "metadata": { "labels": labels }, "spec": spec }));
}
