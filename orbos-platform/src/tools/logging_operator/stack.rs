//! What logging-operator runs: fluent-bit, which reads logs on every node, and fluentd, which sends them on.

use serde_json::{Value, json};

use super::{LABELS_FLUENTD, NAME_OF_STACK, definitions::GROUP};
use crate::{
    Image, ToolContext,
    parts::{Parts, claim, merge},
    spec::{Collector, Forwarder, LogCollection},
    versions::{FLUENT_BIT, FLUENTD, FLUENTD_DRAIN_WATCH, FLUENTD_NODE_EXPORTER, FLUENTD_RELOADER, PAUSE},
};

/// The port that fluentd takes logs on.
const FORWARD: u16 = 24240;
/// How much fluentd may keep if a human does not say it.
const BUFFER: &str = "20Gi";

/// Adds both. `namespaces` is whose flows count; empty: everybody's.
pub(super) fn render(parts: &mut Parts<'_>, settings: &LogCollection, namespaces: &[String]) {
    let context = parts.context();
    let mut logging = json!({
        "controlNamespace": context.namespace,
        "enableRecreateWorkloadOnImmutableFieldChange": true,
        "flowConfigCheckDisabled": false,
        // A mistake in somebody's flow must not keep everybody's logs from being sent.
        "skipInvalidResources": true,
        "fluentd": fluentd(context, &settings.fluentd.clone().unwrap_or_default()),
    });
    if !namespaces.is_empty() {
        logging["watchNamespaces"] = json!(namespaces);
    }
    let version = format!("{GROUP}/v1beta1");
    parts.cluster_object(&version, "Logging", NAME_OF_STACK, "fluentd", json!({ "spec": logging }));
    let agent = fluent_bit(context, &settings.fluentbit.clone().unwrap_or_default());
    parts.cluster_object(&version, "FluentbitAgent", NAME_OF_STACK, "fluent-bit", json!({ "spec": agent }));
}

fn fluentd(context: &ToolContext, settings: &Forwarder) -> Value {
    let Forwarder { node_selector, tolerations, resources, pvc, replicas } = settings;
    let replicas = replicas.unwrap_or(1);
    let open = json!({ "tcpSocket": { "port": FORWARD }, "periodSeconds": 20, "timeoutSeconds": 5 });
    let mut alive = open.clone();
    merge(&mut alive, json!({ "initialDelaySeconds": 120, "failureThreshold": 6 }));
    let mut fluentd = json!({
        "image": image(context, &FLUENTD),
        "configReloaderImage": image(context, &FLUENTD_RELOADER),
        "bufferVolumeImage": image(context, &FLUENTD_NODE_EXPORTER),
        "scaling": {
            "replicas": replicas,
            "drain": {
                "enabled": pvc.is_some(),
                "image": image(context, &FLUENTD_DRAIN_WATCH),
                "pauseImage": image(context, &PAUSE),
            },
        },
        "nodeSelector": linux(json!(node_selector)),
        "resources": resources.as_ref().map_or_else(|| needs("200m", "256Mi", "512Mi"), |it| json!(it)),
        "configReloaderResources": needs("10m", "16Mi", "64Mi"),
        "configCheckResources": needs("100m", "128Mi", "512Mi"),
        "metrics": { "port": 24231, "path": "/metrics" },
        "port": FORWARD,
        "readinessProbe": open,
        "livenessProbe": alive,
        "security": {
            "podSecurityContext": {
                "runAsNonRoot": true,
                "runAsUser": 100,
                "runAsGroup": 101,
                "fsGroup": 101,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "securityContext": locked(json!({ "runAsNonRoot": true, "runAsUser": 100, "runAsGroup": 101 })),
        },
    });
    if !tolerations.is_empty() {
        fluentd["tolerations"] = json!(tolerations);
    }
    match pvc {
        Some(storage) => {
            fluentd["bufferStorageVolume"] = json!({ "pvc": { "spec": claim(storage, BUFFER) } });
        }
        None => {
            fluentd["disablePvc"] = json!(true);
            fluentd["bufferStorageVolume"] = json!({ "emptyDir": {} });
        }
    }
    if replicas > 1 {
        fluentd["affinity"] = apart();
        fluentd["pdb"] = json!({ "maxUnavailable": 1 });
    }
    fluentd
}

/// Not more than a wish: pods that check configurations and pods that empty buffers get the same affinity, and there may
/// be no node left for them.
fn apart() -> Value {
    let pods = json!({ "matchLabels": json!(super::labels(&LABELS_FLUENTD)) });
    let away = |key: &str, weight: u8| json!({ "weight": weight, "podAffinityTerm": { "topologyKey": key, "labelSelector": pods } });
    json!({ "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution":
        [away("kubernetes.io/hostname", 100), away("topology.kubernetes.io/zone", 50)] } })
}

fn fluent_bit(context: &ToolContext, settings: &Collector) -> Value {
    let Collector { node_selector, tolerations, resources } = settings;
    let tolerations = match tolerations.is_empty() {
        true => json!([{ "operator": "Exists", "effect": "NoSchedule" }]),
        false => json!(tolerations),
    };
    json!({
        "image": image(context, &FLUENT_BIT),
        "nodeSelector": linux(json!(node_selector)),
        "tolerations": tolerations,
        "resources": resources.as_ref().map_or_else(|| needs("50m", "64Mi", "256Mi"), |it| json!(it)),
        "metrics": { "port": 2020, "path": super::PATH_FLUENT_BIT },
        "livenessDefaultCheck": true,
        "podPriorityClassName": "system-node-critical",
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": "10%" } },
        "security": {
            // Only root may read what containers wrote.
            "podSecurityContext": { "runAsUser": 0, "runAsGroup": 0 },
            "securityContext": locked(json!({ "seccompProfile": { "type": "RuntimeDefault" } })),
        },
    })
}

/// An image as these kinds have it, in two fields.
fn image(context: &ToolContext, image: &Image) -> Value {
    let tag = image.digest.map_or_else(|| image.tag.to_owned(), |it| format!("{}@{it}", image.tag));
    let mut value = json!({
        "repository": context.images.repository(image.repository),
        "tag": tag,
        "pullPolicy": "IfNotPresent",
    });
    let secrets = &context.images.pull_secrets;
    if !secrets.is_empty() {
        value["imagePullSecrets"] = secrets.iter().map(|it| json!({ "name": it })).collect();
    }
    value
}

fn linux(labels: Value) -> Value {
    let mut all = json!({ "kubernetes.io/os": "linux" });
    merge(&mut all, labels);
    all
}

fn needs(cpu: &str, memory: &str, most: &str) -> Value {
    json!({ "requests": { "cpu": cpu, "memory": memory }, "limits": { "memory": most } })
}

fn locked(more: Value) -> Value {
    let mut context = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "readOnlyRootFilesystem": true,
    });
    merge(&mut context, more);
    context
}
