//! What finds and reaches what.

use serde_json::Value;

use crate::world::{Pods, Service, World, containers, hits, id, list, namespace, template, text};

/// Ports without a protocol, and names of ports that nobody has.
pub(crate) fn ports(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let pods = world.pods();
    for service in world.of_kind("Service") {
        let behind = selected(&pods, namespace(service), &service["spec"]["selector"]);
        for port in list(&service["spec"]["ports"]) {
            if port.get("protocol").is_none() {
                found.push(format!("{}: port {} has no protocol", id(service), port["port"]));
            }
            let target = port.get("targetPort").unwrap_or(&port["port"]);
            found.extend(
                without(&behind, target).map(|it| format!("{}: {it} has no port {target}", id(service))),
            );
        }
    }
    for object in &world.objects {
        let pod = template(object).map(|it| &it["spec"]).into_iter();
        for container in pod.flat_map(containers) {
            let ports: Vec<_> = list(&container["ports"]).collect();
            if ports.iter().any(|it| it.get("protocol").is_none()) {
                found.push(format!("{}: a port has no protocol", id(object)));
            }
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let asked = ["httpGet", "tcpSocket"]
                    .into_iter()
                    .filter_map(|it| container[probe][it]["port"].as_str());
                let missing = asked.filter(|name| !ports.iter().any(|it| it["name"] == *name));
                found.extend(missing.map(|it| format!("{}: {probe} has no port {it}", id(object))));
            }
        }
    }
    for policy in world.of_kind("NetworkPolicy") {
        let behind = selected(&pods, namespace(policy), &policy["spec"]["podSelector"]["matchLabels"]);
        let whole = policy["spec"]["podSelector"].get("matchLabels").is_none();
        for port in list(&policy["spec"]["ingress"]).flat_map(|it| list(&it["ports"])).map(|it| &it["port"]) {
            if !whole && without(&behind, port).count() == behind.len() {
                found.push(format!("{}: nobody has port {port}", id(policy)));
            }
        }
    }
    found
}

/// Pods that have no such port, by name or number.
fn without<'a>(pods: &'a [&'a Pods], port: &'a Value) -> impl Iterator<Item = &'a str> {
    let has = |it: &Pods| match port.as_str() {
        Some(name) => it.ports.contains_key(name),
        None => it.ports.values().any(|it| Some(*it) == port.as_u64()),
    };
    pods.iter().filter(move |it| !has(it)).map(|it| it.object.as_str())
}

fn selected<'a>(pods: &'a [Pods], namespace: &str, selector: &Value) -> Vec<&'a Pods> {
    pods.iter().filter(|it| it.namespace == namespace && hits(selector, &it.labels)).collect()
}

/// Selectors that hit nothing.
pub(crate) fn selectors(world: &World) -> Vec<String> {
    let (pods, services) = (world.pods(), world.services());
    let mut found = Vec::new();
    for object in &world.objects {
        let spec = &object["spec"];
        let home = namespace(object);
        let pods_by: Vec<&Value> = match text(&object["kind"]) {
            "Service" if spec.get("selector").is_some() => vec![&spec["selector"]],
            "PodDisruptionBudget" | "PodMonitor" => vec![&spec["selector"]["matchLabels"]],
            "NetworkPolicy" => vec![&spec["podSelector"]["matchLabels"]],
            "Deployment" | "StatefulSet" | "DaemonSet" => vec![&spec["selector"]["matchLabels"]],
            "Flow" => list(&spec["match"]).map(|it| &it["select"]["labels"]).collect(),
            "ServiceMonitor" => {
                found.extend(monitored(object, &services));
                continue;
            }
            _ => continue,
        };
        let missed = pods_by.into_iter().filter(|it| selected(&pods, home, it).is_empty());
        found.extend(missed.map(|it| format!("{} hits no pod with {it}", id(object))));
    }
    let logs = world.wiring.all(|it| &it.logs);
    let missed = logs.filter(|it| selected(&pods, &it.namespace, &serde_json::json!(it.selector)).is_empty());
    found.extend(missed.map(|it| format!("{} hits no pod with {:?}", it.name, it.selector)));
    found
}

/// Ports of a ServiceMonitor that no Service has which it selects.
fn monitored(monitor: &Value, services: &[Service]) -> Vec<String> {
    let spec = &monitor["spec"];
    let namespaces: Vec<_> = list(&spec["namespaceSelector"]["matchNames"]).map(text).collect();
    let hit: Vec<_> = services
        .iter()
        .filter(|it| {
            namespaces.contains(&it.namespace.as_str()) && hits(&spec["selector"]["matchLabels"], &it.labels)
        })
        .collect();
    let ports = list(&spec["endpoints"]).map(|it| text(&it["port"]));
    let missing = ports.filter(|port| !hit.iter().any(|it| it.ports.contains_key(*port)));
    missing.map(|it| format!("{} finds no Service with a port {it}", id(monitor))).collect()
}

/// Addresses within the cluster behind which there is nothing.
pub(crate) fn addresses(world: &World) -> Vec<String> {
    let services = world.services();
    let reached = |name: &str, namespace: &str, port: u64| {
        let named = services.iter().filter(|it| it.name == name && it.namespace == namespace);
        named.flat_map(|it| it.ports.values()).any(|it| *it == port)
    };
    let mut found = Vec::new();
    for object in world.objects.iter().filter(|it| it["kind"] != "Secret") {
        let mut texts = Vec::new();
        texts_of(object, &mut texts);
        let urls = texts.iter().flat_map(|it| urls(it));
        let missing = urls.filter(|(name, namespace, port)| !reached(name, namespace, *port));
        found.extend(missing.map(|it| format!("{} wants {}.{}:{}", id(object), it.0, it.1, it.2)));
        for service in references(object) {
            let port = service["port"].as_u64().unwrap_or(443);
            if !reached(text(&service["name"]), text(&service["namespace"]), port) {
                found.push(format!("{} wants {service}", id(object)));
            }
        }
    }
    let datasources = world.wiring.all(|it| &it.datasources).map(|it| it.url.clone());
    let outputs = world.wiring.all(|it| &it.log_outputs).map(|it| it.url.clone());
    let exposures = world.wiring.all(|it| &it.exposures);
    let exposures = exposures.map(|it| format!("http://{}.{}:{}", it.service, it.namespace, it.port));
    for url in datasources.chain(outputs).chain(exposures) {
        match urls(&url).first() {
            Some((name, namespace, port)) if reached(name, namespace, *port) => {}
            _ => found.push(format!("{url} is declared")),
        }
    }
    found
}

/// Services that the API server is told of: behind which there is an API, or somebody who checks objects.
fn references(object: &Value) -> Vec<&Value> {
    let webhooks = list(&object["webhooks"]).map(|it| &it["clientConfig"]["service"]);
    let api = (object["kind"] == "APIService").then(|| &object["spec"]["service"]);
    webhooks.chain(api).filter(|it| !it.is_null()).collect()
}

fn texts_of<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|it| texts_of(it, texts)),
        Value::Object(fields) => fields.values().for_each(|it| texts_of(it, texts)),
        _ => {}
    }
}

/// Services in a text, as `http://NAME.NAMESPACE:PORT`; other addresses are not in the cluster.
fn urls(text: &str) -> Vec<(String, String, u64)> {
    let mut urls = Vec::new();
    for (scheme, rest) in text.split("://").zip(text.split("://").skip(1)) {
        let host = rest.split(|it: char| !it.is_ascii_alphanumeric() && !".-:".contains(it)).next();
        let (host, port) = host.unwrap_or_default().split_once(':').unwrap_or((host.unwrap_or_default(), ""));
        let mut parts = host.split('.');
        let (Some(name), Some(namespace)) = (parts.next(), parts.next()) else { continue };
        let inside =
            parts.next().is_none_or(|it| it == "svc") && ["caos-system", "kube-system"].contains(&namespace);
        let port = port.parse().unwrap_or(if scheme.ends_with("https") { 443 } else { 80 });
        if inside {
            urls.push((name.to_owned(), namespace.to_owned(), port));
        }
    }
    urls
}
