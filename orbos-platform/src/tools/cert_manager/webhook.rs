//! Who checks what is said about certificates before it is stored.

use serde_json::{Value, json};

use super::Part;
use crate::parts::{Parts, Port};

const NAME: &str = Part::Webhook.name();
/// The Secret in which the webhook keeps the authority that it makes for itself.
pub(super) const AUTHORITY: &str = "cert-manager-webhook-ca";
/// Where the webhook listens.
pub(super) const HTTPS: Port = Port::new("https", 10250);
/// The same at its Service.
pub(super) const SERVICE: Port = Port { name: HTTPS.name, port: 443, target: HTTPS.target };

/// The webhook's own arguments.
pub(super) fn args() -> Vec<String> {
    let names = ["", ".$(POD_NAMESPACE)", ".$(POD_NAMESPACE).svc"];
    [
        format!("--secure-port={}", HTTPS.target),
        "--dynamic-serving-ca-secret-namespace=$(POD_NAMESPACE)".to_owned(),
        format!("--dynamic-serving-ca-secret-name={AUTHORITY}"),
    ]
    .into_iter()
    .chain(names.map(|it| format!("--dynamic-serving-dns-names={NAME}{it}")))
    .collect()
}

/// Adds what makes the API server ask the webhook. Its authority is put in by the injector, so it is not stated here.
pub(super) fn configurations(parts: &mut Parts<'_>) {
    let client = |path: &str, parts: &Parts<'_>| json!({ "service": { "name": NAME, "namespace": parts.namespace(), "path": path, "port": SERVICE.port } });
    let validating = json!({
        "rules": [rule(&["acme.cert-manager.io", "cert-manager.io"], &["CREATE", "UPDATE"], "*/*")],
        "namespaceSelector": { "matchExpressions": [
            { "key": "cert-manager.io/disable-validation", "operator": "NotIn", "values": ["true"] },
        ] },
        "clientConfig": client("/validate", parts),
    });
    let mutating = json!({
        "rules": [rule(&["cert-manager.io"], &["CREATE"], "certificaterequests")],
        "clientConfig": client("/mutate", parts),
    });
    configuration(parts, "ValidatingWebhookConfiguration", validating);
    configuration(parts, "MutatingWebhookConfiguration", mutating);
}

fn rule(groups: &[&str], operations: &[&str], resource: &str) -> Value {
    json!({
        "apiGroups": groups,
        "apiVersions": ["v1"],
        "operations": operations,
        "resources": [resource],
        "scope": "*",
    })
}

fn configuration(parts: &mut Parts<'_>, kind: &str, webhook: Value) {
    let mut body = json!({
        "metadata": { "annotations": {
            "cert-manager.io/inject-ca-from-secret": format!("{}/{AUTHORITY}", parts.namespace()),
        } },
        "webhooks": [{
            "name": "webhook.cert-manager.io",
            "admissionReviewVersions": ["v1"],
            "matchPolicy": "Equivalent",
            "timeoutSeconds": 30,
            "failurePolicy": "Fail",
            "sideEffects": "None",
        }],
    });
    crate::parts::merge(&mut body["webhooks"][0], webhook);
    parts.cluster_object("admissionregistration.k8s.io/v1", kind, NAME, Part::Webhook.component(), body);
}
