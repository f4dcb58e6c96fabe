//! What runs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    known,
    world::{World, containers, id, list, namespace, template, text},
};

/// What breaks the baseline, but for what has a reason.
pub(crate) fn baseline(world: &World) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (object, pod) in workloads(world) {
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            if pod[host] == true {
                found.insert((id(object), host));
            }
        }
        if list(&pod["volumes"]).any(|it| it.get("hostPath").is_some()) {
            found.insert((id(object), "hostPath"));
        }
        let own = containers(pod).flat_map(|it| broken(&pod["securityContext"], &it["securityContext"]));
        found.extend(own.map(|it| (id(object), it)));
    }
    known::without_allowed(world, known::BASELINE, found.into_iter().collect())
}

fn broken(pod: &Value, container: &Value) -> Vec<&'static str> {
    let either = |field: &str| container.get(field).or(pod.get(field)).unwrap_or(&Value::Null);
    let drops = list(&container["capabilities"]["drop"]).any(|it| it == "ALL");
    let adds = list(&container["capabilities"]["add"]).count();
    let checks = [
        (either("runAsNonRoot") == true && either("runAsUser") != 0, "runAsNonRoot"),
        (container["allowPrivilegeEscalation"] == false, "allowPrivilegeEscalation"),
        (container["privileged"] != true, "privileged"),
        (drops && adds == 0, "capabilities"),
        (container["readOnlyRootFilesystem"] == true, "readOnlyRootFilesystem"),
        (either("seccompProfile")["type"] == "RuntimeDefault", "seccompProfile"),
        (either("appArmorProfile")["type"] != "Unconfined", "appArmorProfile"),
    ];
    checks.into_iter().filter(|(kept, _)| !kept).map(|(_, rule)| rule).collect()
}

/// Containers that do not say what is kept for them and what memory they may use at most.
pub(crate) fn needs(world: &World) -> Vec<String> {
    let own = workloads(world).flat_map(|(object, pod)| {
        containers(pod).map(move |it| (format!("{} {}", id(object), text(&it["name"])), &it["resources"]))
    });
    let made = known::RESOURCES.iter().flat_map(|(kind, path)| {
        world
            .of_kind(kind)
            .map(move |it| (format!("{} {path}", id(it)), it.pointer(path).unwrap_or(&Value::Null)))
    });
    let complete = |it: &Value| {
        ["/requests/cpu", "/requests/memory", "/limits/memory"].iter().all(|path| it.pointer(path).is_some())
    };
    own.chain(made).filter(|it| !complete(it.1)).map(|it| format!("{}: {}", it.0, it.1)).collect()
}

/// Accounts, ConfigMaps, Secrets and governing Services that are not there.
pub(crate) fn sources(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for (object, pod) in workloads(world) {
        let mut needed = Vec::new();
        if let Some(account) = pod["serviceAccountName"].as_str() {
            needed.push(("ServiceAccount", account));
        }
        if object["kind"] == "StatefulSet" {
            needed.push(("Service", text(&object["spec"]["serviceName"])));
        }
        for volume in list(&pod["volumes"]) {
            let projected = list(&volume["projected"]["sources"]);
            for source in projected.chain([volume]) {
                needed.extend(reference(&source["configMap"]).map(|it| ("ConfigMap", it)));
                needed.extend(reference(&source["secret"]).map(|it| ("Secret", it)));
            }
        }
        for container in containers(pod) {
            let sources =
                list(&container["env"]).map(|it| &it["valueFrom"]).chain(list(&container["envFrom"]));
            for source in sources {
                for (field, kind) in [
                    ("configMapKeyRef", "ConfigMap"),
                    ("configMapRef", "ConfigMap"),
                    ("secretKeyRef", "Secret"),
                    ("secretRef", "Secret"),
                ] {
                    needed.extend(reference(&source[field]).map(|it| (kind, it)));
                }
            }
        }
        let needed = needed.iter().map(|(kind, name)| format!("{kind} {}/{name}", namespace(object)));
        let missing = needed.filter(|it| !world.has(it) && !known::MADE.iter().any(|made| made.0 == it));
        found.extend(missing.map(|it| format!("{} needs {it}", id(object))));
    }
    found
}

fn reference(source: &Value) -> Option<&str> {
    let needed = source["optional"] != true;
    source["name"].as_str().or(source["secretName"].as_str()).filter(|_| needed)
}

fn workloads(world: &World) -> impl Iterator<Item = (&Value, &Value)> {
    world.objects.iter().filter_map(|it| template(it).map(|template| (it, &template["spec"])))
}
