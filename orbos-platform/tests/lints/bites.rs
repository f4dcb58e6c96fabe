//! Each lint finds what it is there for.

use serde_json::{Value, json};

use crate::{
    access, images, large, pods, reached,
    world::{World, hits},
};

fn object(kind: &str, body: Value) -> Value {
    let mut object = json!({ "kind": kind, "metadata": { "name": "a", "namespace": "caos-system" } });
    for (key, value) in body.as_object().expect("it is a mapping") {
        object[key] = value.clone();
    }
    object
}

fn workload(pod: Value) -> Value {
    let labels = json!({ "app": "a" });
    object(
        "Deployment",
        json!({ "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod },
        } }),
    )
}

fn service(selector: Value, port: Value) -> Value {
    object(
        "Service",
        json!({ "metadata": { "name": "a", "namespace": "caos-system", "labels": { "app": "a" } },
        "spec": { "selector": selector, "ports": [port] } }),
    )
}

#[track_caller]
fn found(lint: fn(&World) -> Vec<String>, objects: Vec<Value>, expected: &[&str]) {
    assert_eq!(lint(&World::of(objects)), expected);
}

#[test]
fn images_that_float_or_are_unknown() {
    let pod = json!({ "containers": [{ "image": "busybox:1" }, { "args": ["--image=quay.io/prometheus/prometheus:latest"] }] });
    let expected = [
        "Deployment caos-system/a: quay.io/prometheus/prometheus:latest",
        "Deployment caos-system/a: busybox:1",
        "Deployment caos-system/a: ",
    ];
    found(images::found, vec![workload(pod)], &expected);
    let two = object(
        "Logging",
        json!({ "spec": { "image": { "repository": "ghcr.io/fluent/fluent-bit", "tag": "0" } } }),
    );
    found(images::found, vec![two], &["Logging caos-system/a: ghcr.io/fluent/fluent-bit:0"]);
}

#[test]
fn containers_without_a_baseline_and_without_needs() {
    let pod =
        json!({ "hostNetwork": true, "volumes": [{ "hostPath": {} }], "containers": [{ "name": "b" }] });
    let broken = [
        "allowPrivilegeEscalation",
        "capabilities",
        "hostNetwork",
        "hostPath",
        "readOnlyRootFilesystem",
        "runAsNonRoot",
        "seccompProfile",
    ];
    let broken = broken.map(|it| format!("Deployment caos-system/a: {it}"));
    found(pods::baseline, vec![workload(pod.clone())], &broken.each_ref().map(String::as_str));
    found(pods::needs, vec![workload(pod)], &["Deployment caos-system/a b: null"]);
    let some = json!({ "requests": { "cpu": 1, "memory": 1 } });
    let server = object("Prometheus", json!({ "spec": { "resources": some } }));
    let expected = format!("Prometheus caos-system/a /spec/resources: {some}");
    found(pods::needs, vec![server], &[&expected]);
}

#[test]
fn accounts_config_maps_and_secrets_that_are_not_there() {
    let pod = json!({
        "serviceAccountName": "b",
        "volumes": [{ "configMap": { "name": "c" } }, { "secret": { "secretName": "d", "optional": true } },
            { "projected": { "sources": [{ "secret": { "name": "e" } }] } }],
        "containers": [{ "env": [{ "valueFrom": { "secretKeyRef": { "name": "f", "key": "g" } } }] }],
    });
    let expected = [
        "ServiceAccount caos-system/b",
        "ConfigMap caos-system/c",
        "Secret caos-system/e",
        "Secret caos-system/f",
    ];
    let expected = expected.map(|it| format!("Deployment caos-system/a needs {it}"));
    found(pods::sources, vec![workload(pod)], &expected.each_ref().map(String::as_str));
}

#[test]
fn ports_that_nobody_has_or_that_have_no_protocol() {
    let pod = json!({ "containers": [{
        "ports": [{ "name": "http", "containerPort": 80 }],
        "readinessProbe": { "httpGet": { "port": "web" } },
    }] });
    let policy = json!({ "spec": {
        "podSelector": { "matchLabels": { "app": "a" } },
        "ingress": [{ "ports": [{ "port": 80 }, { "port": 81 }] }],
    } });
    let objects = vec![
        workload(pod),
        service(json!({ "app": "a" }), json!({ "name": "web", "port": 80, "targetPort": "web" })),
        object("NetworkPolicy", policy),
    ];
    let expected = [
        "Service caos-system/a: port 80 has no protocol",
        "Service caos-system/a: Deployment caos-system/a has no port \"web\"",
        "Deployment caos-system/a: a port has no protocol",
        "Deployment caos-system/a: readinessProbe has no port web",
        "NetworkPolicy caos-system/a: nobody has port 81",
    ];
    found(reached::ports, objects, &expected);
}

#[test]
fn selectors_that_hit_nothing() {
    let monitor = json!({ "spec": {
        "namespaceSelector": { "matchNames": ["caos-system"] },
        "selector": { "matchLabels": { "app": "a" } },
        "endpoints": [{ "port": "http" }, { "port": "web" }],
    } });
    let objects = vec![
        workload(json!({})),
        service(json!({ "app": "b" }), json!({ "name": "http", "port": 80 })),
        object("PodDisruptionBudget", json!({ "spec": { "selector": { "matchLabels": { "app": "a" } } } })),
        object("ServiceMonitor", monitor),
    ];
    let expected = [
        "Service caos-system/a hits no pod with {\"app\":\"b\"}",
        "ServiceMonitor caos-system/a finds no Service with a port web",
    ];
    found(reached::selectors, objects, &expected);
    assert!(hits(&json!({}), &json!({ "a": "b" })) && !hits(&json!({ "a": "b" }), &json!({})));
}

#[test]
fn addresses_behind_which_there_is_nothing() {
    let text =
        "http://a.caos-system:80 https://a.caos-system http://b.caos-system.svc:80/path https://example.com";
    let objects = vec![
        service(Value::Null, json!({ "port": 80 })),
        object("ConfigMap", json!({ "data": { "text": text } })),
        object(
            "APIService",
            json!({ "spec": { "service": { "name": "a", "namespace": "caos-system", "port": 81 } } }),
        ),
    ];
    let expected = [
        "ConfigMap caos-system/a wants a.caos-system:443",
        "ConfigMap caos-system/a wants b.caos-system:80",
        "APIService caos-system/a wants {\"name\":\"a\",\"namespace\":\"caos-system\",\"port\":81}",
    ];
    found(reached::addresses, objects, &expected);
}

#[test]
fn roles_for_everything_and_bindings_of_nothing() {
    let role = object("Role", json!({ "rules": [{ "verbs": ["get"] }, { "verbs": ["*"] }] }));
    found(access::rules, vec![role], &["Role caos-system/a: everything"]);
    let binding = json!({
        "roleRef": { "kind": "ClusterRole", "name": "b" },
        "subjects": [{ "kind": "ServiceAccount", "name": "c", "namespace": "caos-system" }],
    });
    let expected = [
        "RoleBinding caos-system/a binds ClusterRole b",
        "RoleBinding caos-system/a is for ServiceAccount caos-system/c",
    ];
    found(access::bindings, vec![object("RoleBinding", binding)], &expected);
}

#[test]
fn config_maps_that_are_too_large() {
    let map = object("ConfigMap", json!({ "data": { "text": "a".repeat(1 << 20) } }));
    found(large, vec![map], &["ConfigMap caos-system/a has more than a mebibyte"]);
}
