//! What Emissary is told: how it listens, and which domain leads to which Service.

use serde_json::json;

use super::{COMPONENT, NAME, ports::Listener};
use crate::{
    Exposure,
    parts::{Parts, Port},
    tools::exposed::{challenge_name, challenge_selector},
};

const API: &str = "getambassador.io/v3alpha1";
/// Only for exactly this prefix does Emissary leave out the redirection to HTTPS.
const CHALLENGES: &str = "/.well-known/acme-challenge/";
/// Where pods that answer challenges listen.
const SOLVER: Port = Port::new("http", 8089);

/// Adds the settings of all of Emissary.
pub(super) fn module(parts: &mut Parts<'_>, grpc_web: bool) {
    let config = json!({
        "diagnostics": { "enabled": false },
        "enable_grpc_web": grpc_web,
        "envoy_log_type": "json",
    });
    parts.object(API, "Module", NAME, COMPONENT, json!({ "spec": { "config": config } }));
}

/// Adds what makes Emissary listen; without it, it serves nothing.
pub(super) fn listeners(parts: &mut Parts<'_>, listeners: &[Listener], proxy_protocol: bool) {
    for Listener { name, port } in listeners {
        // With HTTPS, what comes without TLS is served too.
        let protocol = match (name.as_str(), proxy_protocol) {
            ("http", false) => "HTTP",
            ("http", true) => "HTTPPROXY",
            (_, false) => "HTTPS",
            (_, true) => "HTTPSPROXY",
        };
        let spec = json!({
            "port": port,
            "protocol": protocol,
            "securityModel": "XFP",
            "hostBinding": { "namespace": { "from": "ALL" } },
        });
        parts.object(API, "Listener", &format!("{NAME}-{name}"), COMPONENT, json!({ "spec": spec }));
    }
}

/// Adds a domain and where it leads.
pub(super) fn exposure(parts: &mut Parts<'_>, exposure: &Exposure) {
    let Exposure { name, domain, namespace, service, port, tls, email: _, acme_authority: _ } = exposure;
    let host = json!({
        "hostname": domain,
        "tlsSecret": { "name": domain },
        "requestPolicy": { "insecure": { "action": "Redirect" } },
        // Emissary asks no authority; without this it would look for an account.
        "acmeProvider": { "authority": "none" },
    });
    parts.object(API, "Host", domain, COMPONENT, json!({ "spec": host }));
    let scheme = if *tls { "https" } else { "http" };
    let mapping = json!({
        "hostname": domain,
        "prefix": "/",
        "service": format!("{scheme}://{service}.{namespace}:{port}"),
        // Emissary gives an answer three seconds; tools have streams that last as long as somebody looks.
        "timeout_ms": 0,
        "allow_upgrade": ["websocket"],
    });
    parts.object(API, "Mapping", name, COMPONENT, json!({ "spec": mapping }));
}

/// Adds the way from an authority to the pods that answer its challenges.
///
/// The Ingress that cert-manager makes for each challenge is no way: Emissary would replace its path by `/`, and redirect it.
pub(super) fn challenge(parts: &mut Parts<'_>, exposure: &Exposure) {
    let name = challenge_name(exposure);
    let spec = json!({
        "type": "ClusterIP",
        "selector": challenge_selector(exposure),
        "ports": [{ "name": SOLVER.name, "port": SOLVER.port, "targetPort": SOLVER.target, "protocol": "TCP" }],
    });
    parts.object("v1", "Service", &name, COMPONENT, json!({ "spec": spec }));
    let mapping = json!({
        "hostname": exposure.domain,
        "prefix": CHALLENGES,
        "rewrite": "",
        "service": format!("http://{name}.{}:{}", parts.namespace(), SOLVER.port),
    });
    parts.object(API, "Mapping", &name, COMPONENT, json!({ "spec": mapping }));
}
