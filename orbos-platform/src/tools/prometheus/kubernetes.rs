//! What Kubernetes itself exports, and what ORBOS's own operators do.
//!
//! A clean kubeadm cluster lets only the API server, kubelets and CoreDNS be reached from pods. The others listen on
//! their machine alone until their settings say otherwise, and show as down before:
//!
//! | component | setting |
//! |---|---|
//! | controller-manager, scheduler | `bind-address: 0.0.0.0` in their `extraArgs` of the ClusterConfiguration |
//! | etcd | `listen-metrics-urls: http://0.0.0.0:2381`, which ORBITER sets |
//! | kube-proxy | `metricsBindAddress: 0.0.0.0:10249` in the KubeProxyConfiguration |
//!
//! A component that has no pods at all, like kube-proxy where Cilium is in its place, has no targets and is not missed.

use serde_json::{Value, json};

use super::{COMPONENT, monitors};
use crate::{MetricsEndpoint, ToolContext, parts::Parts};

/// The switch of all that Kubernetes itself exports.
pub(super) const SWITCH: &str = "api-server";
/// Where Kubernetes has its own pods and Services.
const NAMESPACE: &str = "kube-system";

/// A component of Kubernetes that has pods, but no Service in front of them.
struct Component {
    /// Its name; also of its Service, with `-metrics` behind it.
    name: &'static str,
    /// The label of its pods.
    label: (&'static str, &'static str),
    port: u16,
    /// Whether it speaks TLS, with a certificate that nobody can check, and wants to see a token.
    guarded: bool,
}

const COMPONENTS: [Component; 4] = [
    Component {
        name: "kube-controller-manager",
        label: ("component", "kube-controller-manager"),
        port: 10257,
        guarded: true,
    },
    Component { name: "kube-scheduler", label: ("component", "kube-scheduler"), port: 10259, guarded: true },
    Component { name: "etcd", label: ("component", "etcd"), port: 2381, guarded: false },
    Component { name: "kube-proxy", label: ("k8s-app", "kube-proxy"), port: 10249, guarded: false },
];

/// Adds monitors for all of Kubernetes, and Services where it has none.
pub(super) fn collected(parts: &mut Parts<'_>) {
    api_servers(parts);
    kubelets(parts);
    core_dns(parts);
    for component in &COMPONENTS {
        service(parts, component);
        let Component { name, label: _, port: _, guarded } = *component;
        let mut endpoint = json!({ "port": "metrics", "relabelings": [job(name)] });
        if guarded {
            endpoint = guard(endpoint);
        }
        monitors::monitor(parts, name, NAMESPACE, &json!({ "app.kubernetes.io/name": name }), vec![endpoint]);
    }
}

/// Where BOOM and ORBITER have their metrics; their Services come with them.
pub(super) fn operators(context: &ToolContext) -> [MetricsEndpoint; 2] {
    ["boom", "orbiter"].map(|name| MetricsEndpoint {
        name: name.to_owned(),
        switch: name,
        namespace: context.namespace.clone(),
        selector: [("app.kubernetes.io/name".to_owned(), name.to_owned())].into(),
        port: "metrics".to_owned(),
        ..MetricsEndpoint::default()
    })
}

fn api_servers(parts: &mut Parts<'_>) {
    // By far the most series of all, each in forty buckets. Latency by kind of request is kept
    // (`apiserver_request_sli_duration_seconds`), without watches, which last as long as they like.
    let buckets = "(apiserver_request_duration_seconds|apiserver_request_body_size_bytes|apiserver_response_sizes\
        |apiserver_watch_events_sizes|etcd_request_duration_seconds)_bucket";
    let endpoint = json!({
        "port": "https",
        "scheme": "https",
        "bearerTokenFile": monitors::TOKEN,
        "tlsConfig": {
            "caFile": "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
            "serverName": "kubernetes",
        },
        "relabelings": [job("apiserver")],
        "metricRelabelings": [without(buckets)],
    });
    let selector = json!({ "component": "apiserver", "provider": "kubernetes" });
    monitors::monitor(parts, "kubernetes-apiservers", "default", &selector, vec![endpoint]);
}

/// Prometheus operator keeps their Service.
fn kubelets(parts: &mut Parts<'_>) {
    // Tasks by state and sockets by state of each container: many series that nobody looks at.
    let noise = "container_(tasks_state|network_(tcp|tcp6|udp|udp6)_usage_total|memory_failures_total|blkio_device_usage_total)";
    let endpoint = |path: &str, steps: Vec<Value>| {
        let mut endpoint = json!({
            "port": "https-metrics",
            "path": path,
            "honorLabels": true,
            "relabelings": [
                job("kubelet"),
                { "sourceLabels": ["__metrics_path__"], "targetLabel": "metrics_path", "action": "replace" },
            ],
        });
        if !steps.is_empty() {
            endpoint["metricRelabelings"] = json!(steps);
        }
        guard(endpoint)
    };
    let endpoints = vec![
        endpoint("/metrics", Vec::new()),
        endpoint("/metrics/cadvisor", vec![without(noise)]),
        endpoint("/metrics/probes", Vec::new()),
    ];
    monitors::monitor(
        parts,
        "kubelet",
        NAMESPACE,
        &json!({ "app.kubernetes.io/name": "kubelet" }),
        endpoints,
    );
}

fn core_dns(parts: &mut Parts<'_>) {
    let endpoint = json!({ "port": "metrics", "relabelings": [job("coredns")] });
    monitors::monitor(parts, "coredns", NAMESPACE, &json!({ "k8s-app": "kube-dns" }), vec![endpoint]);
}

fn service(parts: &mut Parts<'_>, component: &Component) {
    let Component { name, label: (key, value), port, guarded: _ } = *component;
    let body = json!({
        "metadata": { "namespace": NAMESPACE, "labels": { "app.kubernetes.io/name": name } },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "selector": { key: value },
            "ports": [{ "name": "metrics", "port": port, "targetPort": port, "protocol": "TCP" }],
        },
    });
    parts.object("v1", "Service", &format!("{name}-metrics"), COMPONENT, body);
}

/// Sets the label `job`, since these Services do not say by which name people know what is behind them.
fn job(name: &str) -> Value {
    json!({ "targetLabel": "job", "replacement": name, "action": "replace" })
}

fn without(metrics: &str) -> Value {
    json!({ "sourceLabels": ["__name__"], "regex": metrics, "action": "drop" })
}

/// With TLS whose certificate is of the component's own making.
fn guard(mut endpoint: Value) -> Value {
    endpoint["scheme"] = json!("https");
    endpoint["bearerTokenFile"] = json!(monitors::TOKEN);
    endpoint["tlsConfig"] = json!({ "insecureSkipVerify": true });
    endpoint
}
