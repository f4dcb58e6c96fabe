//! Who is asked for certificates, and for which domains.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Part;
use crate::{
    Exposure,
    parts::{Parts, fingerprint},
    spec::ToolSettings,
    tools::exposed::challenge_labels,
};

const API: &str = "cert-manager.io/v1";
const COMPONENT: &str = Part::Controller.component();
/// A class that nobody serves: the gateway finds who answers challenges by itself, and would serve the Ingress wrongly.
const UNSERVED: &str = "boom-unserved";

/// Adds an issuer for each authority and address, and a certificate for each domain.
pub(super) fn issuers(parts: &mut Parts<'_>, exposures: &[&Exposure], tool: &ToolSettings) {
    let mut issuers: BTreeMap<_, Vec<&Exposure>> = BTreeMap::new();
    for exposure in exposures {
        issuers.entry((&exposure.acme_authority, &exposure.email)).or_default().push(exposure);
    }
    for ((authority, email), exposures) in issuers {
        let name = format!("acme-{}", fingerprint(&json!([authority, email])));
        let solvers: Vec<_> = exposures.iter().map(|it| solver(parts, it, tool)).collect();
        let mut acme = json!({
            "server": authority,
            "privateKeySecretRef": { "name": name },
            "solvers": solvers,
        });
        if let Some(email) = email {
            acme["email"] = json!(email);
        }
        parts.cluster_object(API, "ClusterIssuer", &name, COMPONENT, json!({ "spec": { "acme": acme } }));
        for exposure in exposures {
            certificate(parts, exposure, &name);
        }
    }
}

/// How a challenge for a domain is answered: by a pod that the domain's Service finds.
fn solver(parts: &Parts<'_>, exposure: &Exposure, tool: &ToolSettings) -> Value {
    let mut pod = json!({});
    if !tool.node_selector.is_empty() {
        pod["nodeSelector"] = json!(tool.node_selector);
    }
    if !tool.tolerations.is_empty() {
        pod["tolerations"] = json!(tool.tolerations);
    }
    let secrets = &parts.context().images.pull_secrets;
    if !secrets.is_empty() {
        pod["imagePullSecrets"] = secrets.iter().map(|it| json!({ "name": it })).collect();
    }
    let mut template = json!({ "metadata": { "labels": challenge_labels(exposure) } });
    if pod.as_object().is_some_and(|it| !it.is_empty()) {
        template["spec"] = pod;
    }
    json!({
        "selector": { "dnsNames": [exposure.domain] },
        "http01": { "ingress": {
            "ingressClassName": UNSERVED,
            "serviceType": "ClusterIP",
            "podTemplate": template,
        } },
    })
}

fn certificate(parts: &mut Parts<'_>, exposure: &Exposure, issuer: &str) {
    let domain = &exposure.domain;
    let body = json!({
        // Emissary serves no domain whose Secret is missing, and would not let the first challenge in.
        "metadata": { "annotations": { "cert-manager.io/issue-temporary-certificate": "true" } },
        "spec": {
            "secretName": domain,
            "dnsNames": [domain],
            "issuerRef": { "group": "cert-manager.io", "kind": "ClusterIssuer", "name": issuer },
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
        },
    });
    parts.object(API, "Certificate", domain, COMPONENT, body);
}
