//! How workloads are reached, and how many of their pods may be away.

use serde_json::{Value, json};

use super::{Parts, merge};

/// A port that a pod listens on and a Service offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name, at the pod and at the Service.
    pub name: &'static str,
    /// The Service's port.
    pub port: u16,
    /// The pod's port.
    pub target: u16,
}

impl Port {
    /// A port that has the same number at the pod and at the Service.
    pub const fn new(name: &'static str, port: u16) -> Self {
        Self { name, port, target: port }
    }
}

impl Parts<'_> {
    /// Adds a Service in front of a component's pods.
    pub fn service(&mut self, name: &str, component: &str, ports: &[Port]) {
        self.service_with(name, component, ports, json!({}));
    }

    /// Adds a Service without an address of its own, for whoever wants to see each pod.
    pub fn headless_service(&mut self, name: &str, component: &str, ports: &[Port]) {
        self.service_with(name, component, ports, json!({ "clusterIP": "None" }));
    }

    /// Adds a Service with more in its `spec`.
    pub fn service_with(&mut self, name: &str, component: &str, ports: &[Port], more: Value) {
        let port =
            |it: &Port| json!({ "name": it.name, "port": it.port, "targetPort": it.name, "protocol": "TCP" });
        let mut spec = json!({
            "type": "ClusterIP",
            "selector": self.selector(component),
            "ports": ports.iter().map(port).collect::<Vec<_>>(),
        });
        merge(&mut spec, more);
        self.object("v1", "Service", name, component, json!({ "spec": spec }));
    }

    /// Adds a disruption budget: one pod of a component may be away. For components with two pods or more.
    pub fn budget(&mut self, name: &str, component: &str) {
        let spec = json!({ "maxUnavailable": 1, "selector": { "matchLabels": self.selector(component) } });
        self.object("policy/v1", "PodDisruptionBudget", name, component, json!({ "spec": spec }));
    }

    /// Adds a NetworkPolicy: only these may reach a component's pods, on these ports. An empty list of peers: everybody.
    pub fn allow(&mut self, name: &str, component: &str, peers: &[Value], ports: &[u16]) {
        let ports: Vec<_> = ports.iter().map(|it| json!({ "port": it, "protocol": "TCP" })).collect();
        let mut rule = json!({ "ports": ports });
        if !peers.is_empty() {
            rule["from"] = json!(peers);
        }
        let spec = json!({
            "podSelector": { "matchLabels": self.selector(component) },
            "policyTypes": ["Ingress"],
            "ingress": [rule],
        });
        self.object("networking.k8s.io/v1", "NetworkPolicy", name, component, json!({ "spec": spec }));
    }
}
