//! The API gateway.

use std::net::IpAddr;

use orbos_state::FieldPath;

use super::{Wrong, shapes, words};
use crate::spec::{ApiGateway, BoomSpec, GatewayService, ServicePort};

pub(super) fn check(spec: &BoomSpec, at: &FieldPath, wrong: &mut Wrong) {
    let Some(it) = &spec.api_gateway else { return };
    let at = &at.join("apiGateway");
    let ApiGateway {
        tool,
        replica_count: _,
        affinity: _,
        service: reached,
        activate_dev_portal: _,
        caching,
        grpc_web: _,
        proxy_protocol: _,
        licence_key,
        existing_licence_key,
    } = it;
    shapes::tool(tool, at, wrong);
    if let Some(it) = caching {
        shapes::resources(it.resources.as_ref(), &at.join("caching"), wrong);
    }
    wrong.pair(at, ("licenceKey", "existingLicenceKey"), licence_key, existing_licence_key);
    if let Some(it) = reached {
        service(it, &at.join("service"), wrong);
    }
}

fn service(
    GatewayService { kind, load_balancer_ip, ports }: &GatewayService,
    at: &FieldPath,
    wrong: &mut Wrong,
) {
    wrong.one_of(at.join("type"), kind.as_deref(), &["NodePort", "LoadBalancer", "ClusterIP"]);
    let kind = kind.as_deref().filter(|it| !it.is_empty()).unwrap_or("NodePort");
    if let Some(ip) = load_balancer_ip.as_deref().filter(|it| !it.is_empty()) {
        if ip.parse::<IpAddr>().is_err() {
            wrong.add(
                at.join("loadBalancerIP"),
                format!("`{ip}` is no IP address"),
                "it is one like `192.0.2.10`",
            );
        } else if kind != "LoadBalancer" {
            let message = format!("a service of type `{kind}` has no load balancer");
            wrong.add(at.join("loadBalancerIP"), message, "remove it, or use `type: LoadBalancer`");
        }
    }
    let at = &at.join("ports");
    wrong.names(at, "name", ports.iter().map(|it| it.name.as_str()));
    for (index, it) in ports.iter().enumerate() {
        let at = at.join(index);
        port(it, kind, &at, wrong);
        let before = || ports.iter().take(index);
        if it.port != 0 && before().any(|other| other.port == it.port) {
            wrong.add(
                at.join("port"),
                format!("port {} stands there twice", it.port),
                "every item needs another port",
            );
        }
        if let Some(node) = it.node_port.filter(|node| before().any(|other| other.node_port == Some(*node))) {
            wrong.add(
                at.join("nodePort"),
                format!("port {node} of the nodes is taken already"),
                "every item needs another one",
            );
        }
    }
}

fn port(
    ServicePort { name, port, target_port, node_port }: &ServicePort,
    kind: &str,
    at: &FieldPath,
    wrong: &mut Wrong,
) {
    if !name.is_empty() && !words::is_port_name(name) {
        let hint = "it has up to 15 of a-z, 0-9 and -, among them a letter";
        wrong.add(at.join("name"), format!("`{name}` cannot be the name of a port"), hint);
    }
    if *port == 0 {
        wrong.add(at.join("port"), "the port is missing", "it is a number from 1 to 65535");
    }
    if *target_port == Some(0) {
        wrong.add(at.join("targetPort"), "0 is no port", "it is a number from 1 to 65535");
    }
    // The original took 0 for no port.
    let Some(node) = node_port.filter(|it| *it != 0) else { return };
    if !(30000..=32767).contains(&node) {
        let hint = "ports of nodes are from 30000 to 32767";
        wrong.add(at.join("nodePort"), format!("{node} cannot be a port of nodes"), hint);
    } else if kind == "ClusterIP" {
        let hint = "remove it, or use `type: NodePort`";
        wrong.add(at.join("nodePort"), "a service of type `ClusterIP` has no ports of nodes", hint);
    }
}
