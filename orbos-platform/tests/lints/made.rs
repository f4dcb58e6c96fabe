//! Pods and Services that operators make of generated objects, and those that are on a cluster anyway.

use serde_json::{Value, json};

use crate::world::{Pods, Service, id, list, namespace, text};

/// The pods that operators make of an object.
pub(crate) fn pods_of(object: &Value) -> Vec<Pods> {
    let spec = &object["spec"];
    let own = &spec["podMetadata"]["labels"];
    let web = text(&spec["portName"]);
    match text(&object["kind"]) {
        "Prometheus" => vec![pods(object, own, "prometheus", &[(web, 9090), ("reloader-web", 8080)])],
        "Alertmanager" => {
            let ports = [(web, 9093), ("reloader-web", 8080), ("mesh-tcp", 9094)];
            vec![pods(object, own, "alertmanager", &ports)]
        }
        "Logging" => {
            let component = json!({ "app.kubernetes.io/component": "fluentd" });
            vec![pods(object, &component, "fluentd", &[("fluent-input", 24240), ("monitor", 24231)])]
        }
        "FluentbitAgent" => vec![pods(object, &json!({}), "fluentbit", &[("monitor", 2020)])],
        "Issuer" | "ClusterIssuer" => list(&spec["acme"]["solvers"]).map(|it| solver(object, it)).collect(),
        _ => Vec::new(),
    }
}

fn pods(object: &Value, labels: &Value, name: &str, ports: &[(&str, u64)]) -> Pods {
    let mut labels = if labels.is_null() { json!({}) } else { labels.clone() };
    labels["app.kubernetes.io/name"] = json!(name);
    // Objects of logging-operator are in no namespace; what it makes of them is in the tools'.
    let namespace = Some(namespace(object)).filter(|it| !it.is_empty()).unwrap_or("caos-system");
    let ports = ports.iter().map(|(name, port)| ((*name).to_owned(), *port)).collect();
    Pods { object: id(object), namespace: namespace.to_owned(), labels, ports }
}

/// A pod that answers an authority's challenge.
fn solver(issuer: &Value, solver: &Value) -> Pods {
    let mut labels = solver["http01"]["ingress"]["podTemplate"]["metadata"]["labels"].clone();
    if labels.is_object() {
        labels["acme.cert-manager.io/http01-solver"] = json!("true");
    }
    let ports = [("http".to_owned(), 8089)].into();
    Pods { object: id(issuer), namespace: "caos-system".to_owned(), labels, ports }
}

/// The Services that operators make of an object.
pub(crate) fn services_of(object: &Value) -> Vec<Service> {
    let pods = match text(&object["kind"]) {
        "Logging" | "FluentbitAgent" => pods_of(object),
        _ => return Vec::new(),
    };
    let service = |it: Pods| Service {
        name: format!(
            "{}-{}-metrics",
            text(&object["metadata"]["name"]),
            text(&it.labels["app.kubernetes.io/name"])
        ),
        namespace: it.namespace,
        labels: it.labels,
        ports: it.ports.into_values().map(|port| ("http-metrics".to_owned(), port)).collect(),
    };
    pods.into_iter().map(service).collect()
}

/// Pods that kubeadm and `orbctl takeoff` make.
pub(crate) fn pods_there() -> Vec<Pods> {
    let pods = [
        ("kube-system", json!({ "component": "kube-controller-manager" }), 10257),
        ("kube-system", json!({ "component": "kube-scheduler" }), 10259),
        ("kube-system", json!({ "component": "etcd" }), 2381),
        ("kube-system", json!({ "k8s-app": "kube-proxy" }), 10249),
        ("caos-system", json!({ "app.kubernetes.io/name": "boom" }), 2112),
        ("caos-system", json!({ "app.kubernetes.io/name": "orbiter" }), 9000),
    ];
    let pods = pods.into_iter().map(|(namespace, labels, port)| Pods {
        object: labels.to_string(),
        namespace: namespace.to_owned(),
        labels,
        ports: [("metrics".to_owned(), port)].into(),
    });
    pods.collect()
}

/// Services that Kubernetes, kubeadm, Prometheus operator and `orbctl takeoff` make.
pub(crate) fn services_there() -> Vec<Service> {
    let services = [
        (
            "default",
            "kubernetes",
            json!({ "component": "apiserver", "provider": "kubernetes" }),
            ("https", 443),
        ),
        ("kube-system", "kube-dns", json!({ "k8s-app": "kube-dns" }), ("metrics", 9153)),
        ("kube-system", "kubelet", json!({ "app.kubernetes.io/name": "kubelet" }), ("https-metrics", 10250)),
        ("caos-system", "boom", json!({ "app.kubernetes.io/name": "boom" }), ("metrics", 2112)),
        ("caos-system", "orbiter", json!({ "app.kubernetes.io/name": "orbiter" }), ("metrics", 9000)),
    ];
    let services = services.into_iter().map(|(namespace, name, labels, (port, number))| Service {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        labels,
        ports: [(port.to_owned(), number)].into(),
    });
    services.collect()
}
