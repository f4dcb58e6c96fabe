//! What logging-operator may do: it reads everywhere, and writes in its own namespace only, but for what is in none and
//! for the marks that it leaves at what it was given.

use serde_json::{Value, json};

use super::definitions::{DEFINITIONS, EXTENSIONS, GROUP};

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 4] = ["create", "delete", "patch", "update"];
const ALL: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];
const OWNED: [&str; 5] = ["configmaps", "persistentvolumeclaims", "pods", "serviceaccounts", "services"];
const WORKLOADS: [&str; 4] = ["daemonsets", "deployments", "replicasets", "statefulsets"];
const RBAC: &str = "rbac.authorization.k8s.io";
const MONITORING: [&str; 2] = ["prometheusrules", "servicemonitors"];

/// In all namespaces and outside of them.
pub(super) fn everywhere() -> Value {
    json!([
        rule(&[""], &OWNED, &READ),
        rule(&[""], &["endpoints", "namespaces", "nodes"], &READ),
        rule(&["", "events.k8s.io"], &["events"], &READ),
        // Marks at Secrets that outputs name say which Logging reads them.
        rule(&[""], &["secrets"], &["get", "list", "patch", "update", "watch"]),
        rule(&["apps"], &WORKLOADS, &READ),
        rule(&["batch"], &["jobs"], &READ),
        rule(&["policy"], &["poddisruptionbudgets"], &READ),
        rule(&["monitoring.coreos.com"], &MONITORING, &READ),
        rule(&[RBAC], &["rolebindings", "roles"], &READ),
        // fluent-bit asks the API server whose logs it reads.
        rule(&[RBAC], &["clusterrolebindings", "clusterroles"], &ALL),
        rule(&[GROUP], &kinds(GROUP, ""), &["get", "list", "patch", "update", "watch"]),
        rule(&[GROUP], &kinds(GROUP, "/status"), &["get", "patch", "update"]),
        rule(&[GROUP], &kinds(GROUP, "/finalizers"), &["update"]),
        rule(&[EXTENSIONS], &kinds(EXTENSIONS, ""), &["get", "list", "patch", "update", "watch"]),
        rule(&[EXTENSIONS], &kinds(EXTENSIONS, "/status"), &["get", "patch", "update"]),
        rule(&[EXTENSIONS], &kinds(EXTENSIONS, "/finalizers"), &["update"]),
    ])
}

/// In its own namespace, beside that.
pub(super) fn at_home() -> Value {
    json!([
        rule(&[""], &OWNED, &WRITE),
        rule(&[""], &["secrets"], &WRITE),
        rule(&["", "events.k8s.io"], &["events"], &["create", "patch"]),
        rule(&["apps"], &WORKLOADS, &WRITE),
        rule(&["batch"], &["jobs"], &WRITE),
        rule(&["coordination.k8s.io"], &["leases"], &ALL),
        rule(&["policy"], &["poddisruptionbudgets"], &WRITE),
        rule(&["monitoring.coreos.com"], &MONITORING, &WRITE),
        rule(&[RBAC], &["rolebindings", "roles"], &WRITE),
    ])
}

fn rule<T: AsRef<str>>(groups: &[&str], resources: &[T], verbs: &[&str]) -> Value {
    let resources: Vec<_> = resources.iter().map(AsRef::as_ref).collect();
    json!({ "apiGroups": groups, "resources": resources, "verbs": verbs })
}

fn kinds(group: &str, part: &str) -> Vec<String> {
    let of_group = DEFINITIONS.kinds.iter().filter(|it| it.group == group);
    of_group.map(|it| format!("{}{part}", it.plural)).collect()
}
