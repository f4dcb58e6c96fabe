//! What each part of cert-manager may see and change.

use serde_json::{Value, json};

use super::Part;
use crate::parts::Parts;

const READ: [&str; 3] = ["get", "list", "watch"];

/// Adds the roles of a part.
pub(super) fn access(part: Part, parts: &mut Parts<'_>) {
    let (name, component) = (part.name(), part.component());
    match part {
        Part::Controller => {
            for (role, rules) in controller() {
                parts.cluster_role(&format!("{name}-{role}"), component, name, rules);
            }
            parts.role("cert-manager-leases", component, name, leases("cert-manager-controller"));
        }
        Part::Webhook => {
            parts.cluster_role("cert-manager-webhook-reviews", component, name, reviews());
            parts.role("cert-manager-webhook-authority", component, name, authority());
        }
        Part::Injector => {
            parts.cluster_role(name, component, name, injector());
            let leases = leases("cert-manager-cainjector-leader-election");
            parts.role("cert-manager-cainjector-leases", component, name, leases);
        }
    }
}

/// One role for each subject, as upstream has it, without what no part of this platform uses: the Gateway API, requests
/// of the cluster's own certificate API, and OpenShift.
fn controller() -> Vec<(&'static str, Value)> {
    vec![
        ("issuers", issuers()),
        ("certificates", certificates()),
        ("orders", orders()),
        ("challenges", challenges()),
        ("ingresses", ingresses()),
        ("approval", approval()),
    ]
}

fn events() -> Value {
    json!({ "apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"] })
}

fn issuers() -> Value {
    json!([
        { "apiGroups": ["cert-manager.io"], "resources": ["clusterissuers", "issuers"], "verbs": READ },
        {
            "apiGroups": ["cert-manager.io"],
            "resources": ["clusterissuers", "clusterissuers/status", "issuers", "issuers/status"],
            "verbs": ["patch", "update"],
        },
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "verbs": ["create", "delete", "get", "list", "update", "watch"],
        },
        events(),
    ])
}

fn certificates() -> Value {
    json!([
        {
            "apiGroups": ["cert-manager.io"],
            "resources": ["certificaterequests", "certificates", "clusterissuers", "issuers"],
            "verbs": READ,
        },
        {
            "apiGroups": ["cert-manager.io"],
            "resources": [
                "certificaterequests",
                "certificaterequests/status",
                "certificates",
                "certificates/status",
            ],
            "verbs": ["patch", "update"],
        },
        {
            "apiGroups": ["cert-manager.io"],
            "resources": ["certificaterequests"],
            "verbs": ["create", "delete"],
        },
        {
            "apiGroups": ["cert-manager.io"],
            "resources": ["certificaterequests/finalizers", "certificates/finalizers"],
            "verbs": ["update"],
        },
        {
            "apiGroups": ["acme.cert-manager.io"],
            "resources": ["orders"],
            "verbs": ["create", "delete", "get", "list", "watch"],
        },
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        },
        events(),
    ])
}

fn orders() -> Value {
    json!([
        { "apiGroups": ["acme.cert-manager.io"], "resources": ["challenges", "orders"], "verbs": READ },
        {
            "apiGroups": ["acme.cert-manager.io"],
            "resources": ["orders", "orders/status"],
            "verbs": ["patch", "update"],
        },
        { "apiGroups": ["acme.cert-manager.io"], "resources": ["challenges"], "verbs": ["create", "delete"] },
        { "apiGroups": ["acme.cert-manager.io"], "resources": ["orders/finalizers"], "verbs": ["update"] },
        { "apiGroups": ["cert-manager.io"], "resources": ["clusterissuers", "issuers"], "verbs": READ },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": READ },
        events(),
    ])
}

fn challenges() -> Value {
    json!([
        { "apiGroups": ["acme.cert-manager.io"], "resources": ["challenges"], "verbs": READ },
        {
            "apiGroups": ["acme.cert-manager.io"],
            "resources": ["challenges", "challenges/status"],
            "verbs": ["patch", "update"],
        },
        { "apiGroups": ["acme.cert-manager.io"], "resources": ["challenges/finalizers"], "verbs": ["update"] },
        { "apiGroups": ["cert-manager.io"], "resources": ["clusterissuers", "issuers"], "verbs": READ },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": READ },
        {
            "apiGroups": [""],
            "resources": ["pods", "services"],
            "verbs": ["create", "delete", "get", "list", "watch"],
        },
        {
            "apiGroups": ["networking.k8s.io"],
            "resources": ["ingresses"],
            "verbs": ["create", "delete", "get", "list", "update", "watch"],
        },
        events(),
    ])
}

fn ingresses() -> Value {
    json!([
        { "apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": READ },
        { "apiGroups": ["networking.k8s.io"], "resources": ["ingresses/finalizers"], "verbs": ["update"] },
        {
            "apiGroups": ["cert-manager.io"],
            "resources": ["clusterissuers", "issuers"],
            "verbs": READ,
        },
        {
            "apiGroups": ["cert-manager.io"],
            "resources": ["certificates"],
            "verbs": ["create", "delete", "get", "list", "update", "watch"],
        },
        events(),
    ])
}

fn approval() -> Value {
    json!([{
        "apiGroups": ["cert-manager.io"],
        "resources": ["signers"],
        "resourceNames": ["clusterissuers.cert-manager.io/*", "issuers.cert-manager.io/*"],
        "verbs": ["approve"],
    }])
}

fn reviews() -> Value {
    json!([{
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["subjectaccessreviews"],
        "verbs": ["create"],
    }])
}

fn authority() -> Value {
    json!([
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [super::webhook::AUTHORITY],
            "verbs": ["get", "list", "update", "watch"],
        },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": ["create"] },
    ])
}

fn injector() -> Value {
    let inject = ["get", "list", "patch", "update", "watch"];
    json!([
        { "apiGroups": ["cert-manager.io"], "resources": ["certificates"], "verbs": READ },
        { "apiGroups": [""], "resources": ["secrets"], "verbs": READ },
        events(),
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
            "verbs": inject,
        },
        { "apiGroups": ["apiregistration.k8s.io"], "resources": ["apiservices"], "verbs": inject },
        { "apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": inject },
    ])
}

/// A name cannot be asked for before the object is there, so creating is for all of them.
fn leases(name: &str) -> Value {
    json!([
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [name],
            "verbs": ["get", "patch", "update"],
        },
        { "apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"] },
    ])
}
