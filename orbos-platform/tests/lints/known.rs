//! What the lints have to be told: exceptions with their reasons.

use crate::world::World;

/// An exception: the object, the rule, the reason.
type Allowed = (&'static str, &'static str, &'static str);

/// Who may break which rule of the baseline.
pub(crate) const BASELINE: &[Allowed] = &[
    (
        "Deployment caos-system/ambassador",
        "capabilities",
        "Envoy's binary does not start without NET_BIND_SERVICE",
    ),
    ("DaemonSet caos-system/node-exporter", "hostNetwork", "it exports the machine's network"),
    ("DaemonSet caos-system/node-exporter", "hostPID", "it exports the machine's processes"),
    ("DaemonSet caos-system/node-exporter", "hostPath", "it exports the machine's file systems"),
    ("DaemonSet caos-system/systemd-exporter", "hostPID", "it exports what processes of units use"),
    ("DaemonSet caos-system/systemd-exporter", "hostPath", "it asks systemd by the machine's bus"),
    ("DaemonSet caos-system/systemd-exporter", "appArmorProfile", "the default one may not use the bus"),
];

/// Roles that may have `*`.
pub(crate) const EVERYTHING: &[Allowed] = &[
    (
        "ClusterRole argocd-application-controller",
        "everything",
        "it applies whatever stands in somebody's Git",
    ),
    ("ClusterRole argocd-server", "everything", "people look at and delete whatever it applied"),
    ("ClusterRole boom", "everything", "it applies tools, and nobody may give rights that he does not have"),
];

/// Images that are not of the set, without their tag.
pub(crate) const IMAGES: &[(&str, &str)] =
    &[("ghcr.io/caos/orbos", "a human says which version of BOOM there is")];

/// Objects that pods need and somebody else makes.
pub(crate) const MADE: &[(&str, &str)] = &[
    ("Secret caos-system/caos", "`orbctl takeoff` puts the orbconfig there"),
    ("ConfigMap caos-system/kube-root-ca.crt", "Kubernetes puts it into every namespace"),
    ("Secret caos-system/argocd-redis", "Redis's first container makes a password"),
];

/// Roles that Kubernetes brings.
pub(crate) const ROLES: &[&str] =
    &["cluster-admin", "system:auth-delegator", "extension-apiserver-authentication-reader"];

/// Accounts that Kubernetes brings.
pub(crate) const ACCOUNTS: &[&str] = &[];

/// Where objects say what the pods get that operators make of them.
pub(crate) const RESOURCES: &[(&str, &str)] = &[
    ("Prometheus", "/spec/resources"),
    ("Alertmanager", "/spec/resources"),
    ("Logging", "/spec/fluentd/resources"),
    ("FluentbitAgent", "/spec/resources"),
];

/// What is found, without what is allowed, and with what is allowed for no reason any more.
pub(crate) fn without_allowed(
    world: &World,
    allowed: &[Allowed],
    found: Vec<(String, &'static str)>,
) -> Vec<String> {
    let is = |it: &(String, &str), allowed: &Allowed| it.0 == allowed.0 && it.1 == allowed.1;
    // Older clusters are told of some exceptions by annotations, which the lints do not know.
    let stale = allowed
        .iter()
        .filter(|it| world.name == "all" && world.has(it.0) && !found.iter().any(|found| is(found, it)));
    let stale: Vec<_> =
        stale.map(|it| format!("{} keeps {} now; remove the exception", it.0, it.1)).collect();
    let found = found.into_iter().filter(|it| !allowed.iter().any(|allowed| is(it, allowed)));
    found.map(|it| format!("{}: {}", it.0, it.1)).chain(stale).collect()
}
