//! Who of Argo CD may do what.

use serde_json::{Value, json};

/// What every one of its kinds lets one do.
const ALL: [&str; 7] = ["create", "delete", "get", "list", "patch", "update", "watch"];
const READ: [&str; 3] = ["get", "list", "watch"];

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": resources, "verbs": verbs })
}

/// What the controller does to its own objects.
pub(super) fn controller() -> Value {
    json!([
        rule("", &["configmaps", "secrets"], &READ),
        rule("argoproj.io", &["applications", "appprojects"], &ALL),
        rule("", &["events"], &["create", "list"]),
        rule("apps", &["deployments"], &READ),
    ])
}

/// Everything: it applies and deletes whatever stands in somebody's Git.
pub(super) fn controller_everywhere() -> Value {
    json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
        { "nonResourceURLs": ["*"], "verbs": ["*"] },
    ])
}

pub(super) fn application_sets() -> Value {
    let own = ["applications", "applicationsets", "applicationsets/finalizers"];
    json!([
        rule("argoproj.io", &own, &ALL),
        rule("argoproj.io", &["appprojects"], &READ),
        rule("argoproj.io", &["applicationsets/status"], &["get", "patch", "update"]),
        rule("", &["events"], &["create", "get", "list", "patch", "watch"]),
        rule("", &["configmaps", "secrets"], &READ),
        rule("apps", &["deployments"], &READ),
    ])
}

/// What people change of Argo CD itself.
pub(super) fn server() -> Value {
    json!([
        rule("", &["configmaps", "secrets"], &ALL),
        rule("argoproj.io", &["applications", "applicationsets", "appprojects"], &ALL),
        rule("", &["events"], &["create", "list"]),
    ])
}

/// What people look at, restart and delete, of whatever kind; Argo CD's own policy says who may.
pub(super) fn server_everywhere() -> Value {
    json!([
        rule("*", &["*"], &["delete", "get", "patch"]),
        rule("", &["events"], &["list"]),
        rule("", &["pods", "pods/log"], &["get"]),
        rule("argoproj.io", &["applications", "applicationsets"], &READ),
        rule("batch", &["jobs"], &["create"]),
    ])
}

/// Its password is made when its pod starts for the first time.
pub(super) fn redis() -> Value {
    let own = json!({ "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["argocd-redis"], "verbs": ["get"] });
    json!([own, rule("", &["secrets"], &["create"])])
}

/// Connectors and what their references name.
pub(super) fn dex() -> Value {
    json!([rule("", &["configmaps", "secrets"], &READ)])
}
