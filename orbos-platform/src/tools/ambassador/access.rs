//! What Emissary may see and change.

use serde_json::{Value, json};

use super::{COMPONENT, NAME};
use crate::parts::Parts;

/// The label by which roles of others become part of Emissary's.
const GROUP: &str = "rbac.getambassador.io/role-group";
const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// Adds a role that gathers other roles, and those that are always part of it.
pub(super) fn access(parts: &mut Parts<'_>) {
    // No `rules`: the cluster fills them in, and they would be taken for a difference.
    let gathers =
        json!({ "aggregationRule": { "clusterRoleSelectors": [{ "matchLabels": { GROUP: NAME } }] } });
    parts.cluster_object(RBAC, "ClusterRole", NAME, COMPONENT, gathers);
    parts.cluster_binding(NAME, COMPONENT, "ClusterRole", NAME, NAME);
    for (name, rules) in [("ambassador-crd", definitions()), ("ambassador-watch", watch())] {
        let body = json!({ "metadata": { "labels": { GROUP: NAME } }, "rules": rules });
        parts.cluster_object(RBAC, "ClusterRole", name, COMPONENT, body);
    }
}

fn definitions() -> Value {
    json!([{
        "apiGroups": ["apiextensions.k8s.io"],
        "resources": ["customresourcedefinitions"],
        "verbs": ["get", "list", "watch"],
    }])
}

fn watch() -> Value {
    let read = ["get", "list", "watch"];
    json!([
        {
            "apiGroups": [""],
            "resources": ["configmaps", "endpoints", "namespaces", "secrets", "services"],
            "verbs": read,
        },
        { "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read },
        {
            "apiGroups": ["getambassador.io"],
            "resources": [
                "authservices",
                "consulresolvers",
                "devportals",
                "hosts",
                "kubernetesendpointresolvers",
                "kubernetesserviceresolvers",
                "listeners",
                "logservices",
                "mappings",
                "modules",
                "ratelimitservices",
                "tcpmappings",
                "tlscontexts",
                "tracingservices",
            ],
            "verbs": read,
        },
        { "apiGroups": ["getambassador.io"], "resources": ["mappings/status"], "verbs": ["update"] },
        { "apiGroups": ["networking.k8s.io"], "resources": ["ingressclasses", "ingresses"], "verbs": read },
        { "apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update"] },
    ])
}
