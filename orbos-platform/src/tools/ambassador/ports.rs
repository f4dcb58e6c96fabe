//! How the gateway is reached: what a human says about its Service, checked.

use serde_json::{Value, json};

use super::ADMIN;
use crate::{
    Error,
    spec::{GatewayService, ServicePort},
};

const FIELD: &str = "spec.apiGateway.service";
/// Where Emissary itself listens.
const TAKEN: [u16; 4] = [8001, 8004, 8005, ADMIN.target];

/// What the Service is like and what the pods listen on.
#[derive(Debug)]
pub(super) struct Reached {
    /// The `spec` of the Service but for its selector.
    pub(super) service: Value,
    /// One for each port of the pods, by port.
    pub(super) listeners: Vec<Listener>,
}

/// A port that the pods listen on.
#[derive(Debug)]
pub(super) struct Listener {
    /// The name of the first port of the Service that leads to it.
    pub(super) name: String,
    /// Its number.
    pub(super) port: u16,
}

impl Listener {
    pub(super) fn container_port(&self) -> Value {
        json!({ "name": self.name, "containerPort": self.port, "protocol": "TCP" })
    }
}

/// What a human wants, or else node ports 30080 and 30443.
///
/// # Errors
///
/// If the type is unknown or a port cannot be used.
pub(super) fn reached(service: Option<&GatewayService>) -> Result<Reached, Error> {
    let default = GatewayService::default();
    let service = service.unwrap_or(&default);
    let kind = service.kind.as_deref().filter(|it| !it.is_empty()).unwrap_or("NodePort");
    if !["NodePort", "LoadBalancer", "ClusterIP"].contains(&kind) {
        let why = format!("`{kind}` is no type; it can be `NodePort`, `LoadBalancer` or `ClusterIP`");
        return Err(Error::invalid(format!("{FIELD}.type"), why));
    }
    let mut ports = service.ports.clone();
    if ports.is_empty() {
        ports = usual(kind);
    }
    let mut listeners: Vec<Listener> = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let before = ports.get(..index).unwrap_or_default();
        check(kind, port, before)
            .map_err(|(field, why)| Error::invalid(format!("{FIELD}.ports[{index}].{field}"), why))?;
        if !listeners.iter().any(|it| it.port == target(port)) {
            listeners.push(Listener { name: port.name.clone(), port: target(port) });
        }
    }
    listeners.sort_by_key(|it| it.port);
    let mut spec = json!({ "type": kind, "ports": ports.iter().map(service_port).collect::<Vec<_>>() });
    if let (Some(address), "LoadBalancer") = (service.load_balancer_ip.as_deref(), kind) {
        spec["loadBalancerIP"] = json!(address);
    }
    Ok(Reached { service: spec, listeners })
}

fn usual(kind: &str) -> Vec<ServicePort> {
    let port = |name: &str, port, node| ServicePort {
        name: name.to_owned(),
        port,
        target_port: None,
        node_port: Some(node).filter(|_| kind == "NodePort"),
    };
    vec![port("http", 80, 30080), port("https", 443, 30443)]
}

/// Pods are no superusers, so what is usual outside has another number inside.
fn target(port: &ServicePort) -> u16 {
    port.target_port.unwrap_or(match port.port {
        80 => 8080,
        443 => 8443,
        other => other,
    })
}

fn service_port(it: &ServicePort) -> Value {
    let mut port = json!({ "name": it.name, "port": it.port, "targetPort": target(it), "protocol": "TCP" });
    if let Some(node) = it.node_port {
        port["nodePort"] = json!(node);
    }
    port
}

/// The field that is wrong, and why.
fn check(kind: &str, port: &ServicePort, before: &[ServicePort]) -> Result<(), (&'static str, String)> {
    let ServicePort { name, port: number, node_port, .. } = port;
    let wrong = |field, why: String| Err((field, why));
    if !is_port_name(name) {
        return wrong(
            "name",
            format!(
                "`{name}` is no name; it has to be like `https`, with up to 15 letters, digits and hyphens"
            ),
        );
    }
    if name == ADMIN.name || before.iter().any(|it| it.name == *name) {
        return wrong("name", format!("there is a port `{name}` already"));
    }
    if *number == 0 || before.iter().any(|it| it.port == *number) {
        return wrong("port", format!("it is {number}, but has to be from 1 to 65535 and not twice"));
    }
    match target(port) {
        it if TAKEN.contains(&it) => return wrong("targetPort", format!("Emissary itself listens on {it}")),
        it @ ..1024 => {
            return wrong(
                "targetPort",
                format!("it is {it}, but pods may only listen on 1024 and above, like 8080"),
            );
        }
        _ => {}
    }
    match node_port {
        Some(_) if kind == "ClusterIP" => {
            wrong("nodePort", "a Service of type `ClusterIP` has no ports on nodes".to_owned())
        }
        Some(0) => wrong("nodePort", "it is 0, but has to be a port".to_owned()),
        Some(node) if before.iter().any(|it| it.node_port == Some(*node)) => {
            wrong("nodePort", format!("{node} is there twice"))
        }
        _ => Ok(()),
    }
}

fn is_port_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        && name.bytes().any(|it| it.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}
