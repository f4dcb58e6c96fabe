//! What runs, with the baseline that all of it keeps: no root, no capabilities, no way to get more, a file system that
//! cannot be written, and stated needs.

use serde_json::{Value, json};

use super::{Parts, Port, merge};
use crate::spec::{Resources, Toleration, ToolSettings};

/// How many pods there are, and how they follow each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Runs {
    /// So many, alike.
    Deployment(u32),
    /// So many, one after the other, each with its own volumes of these claims. The governing Service has the workload's name.
    StatefulSet(u32, Vec<Value>),
    /// One on every node.
    DaemonSet,
}

/// Where pods may run.
#[derive(Clone, Debug, Default)]
pub struct Placement<'a> {
    /// Labels of nodes.
    pub node_selector: Option<&'a std::collections::BTreeMap<String, String>>,
    /// Taints that a human wants to be tolerated.
    pub tolerations: &'a [Toleration],
    /// Affinity instead of the one that spreads pods over nodes.
    pub affinity: Option<Value>,
}

impl<'a> From<&'a ToolSettings> for Placement<'a> {
    fn from(tool: &'a ToolSettings) -> Self {
        Self { node_selector: Some(&tool.node_selector), tolerations: &tool.tolerations, affinity: None }
    }
}

/// One container.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// The whole name of its image.
    pub image: String,
    /// The program; empty: the image's own.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, as Kubernetes has it.
    pub env: Vec<Value>,
    /// The ports it listens on, by name.
    pub ports: Vec<Port>,
    /// Volumes: name and path, read-only unless `/`-path stands in `writes`.
    pub mounts: Vec<(String, String)>,
    /// Mounts that may be written, by their names.
    pub writes: Vec<String>,
    /// CPU and memory that are kept for it, and memory that it may use at most.
    pub needs: [&'static str; 3],
    /// What a human says about that instead.
    pub resources: Option<Resources>,
    /// Everything else: probes, another security context, …; merged over what is said above.
    pub more: Value,
}

/// A workload: pods that are alike.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    /// Its name.
    pub name: &'a str,
    /// The component, see [`Parts::selector`].
    pub component: &'a str,
    /// How many pods.
    pub runs: Runs,
    /// The account; `None`: the namespace's default one.
    pub account: Option<&'a str>,
    /// Whether pods get the account's token, to talk to the API server.
    pub token: bool,
    /// The number of user and group.
    pub user: u32,
    /// Containers that run before the others.
    pub init: Vec<Container>,
    /// The containers.
    pub containers: Vec<Container>,
    /// Volumes as Kubernetes has them. `/tmp` is there already.
    pub volumes: Vec<Value>,
    /// Where pods may run.
    pub placement: Placement<'a>,
    /// A text that restarts pods when it changes, see [`super::fingerprint`]; empty: none.
    pub fingerprint: String,
    /// Everything else of the pods' `spec`; merged over what is said above.
    pub pod: Value,
    /// Everything else of the workload's `spec`; merged over what is said above.
    pub more: Value,
}

impl Default for Workload<'_> {
    fn default() -> Self {
        Self {
            name: "",
            component: "",
            runs: Runs::Deployment(1),
            account: None,
            token: false,
            user: 65534,
            init: Vec::new(),
            containers: Vec::new(),
            volumes: Vec::new(),
            placement: Placement::default(),
            fingerprint: String::new(),
            pod: Value::Null,
            more: Value::Null,
        }
    }
}

impl Parts<'_> {
    /// Adds a workload.
    pub fn workload(&mut self, workload: Workload<'_>) {
        let pod = self.pod(&workload);
        let Workload { name, component, runs, fingerprint, more, .. } = workload;
        let mut metadata = json!({ "labels": self.labels(component) });
        if !fingerprint.is_empty() {
            metadata["annotations"] = json!({ "boom.caos.ch/configuration": fingerprint });
        }
        let mut spec = json!({
            "revisionHistoryLimit": 3,
            "selector": { "matchLabels": self.selector(component) },
            "template": { "metadata": metadata, "spec": pod },
        });
        let kind = match runs {
            Runs::Deployment(replicas) => {
                spec["replicas"] = json!(replicas);
                "Deployment"
            }
            Runs::StatefulSet(replicas, claims) => {
                spec["replicas"] = json!(replicas);
                spec["serviceName"] = json!(name);
                if !claims.is_empty() {
                    spec["volumeClaimTemplates"] = json!(claims);
                }
                "StatefulSet"
            }
            Runs::DaemonSet => "DaemonSet",
        };
        if !more.is_null() {
            merge(&mut spec, more);
        }
        self.object("apps/v1", kind, name, component, json!({ "spec": spec }));
    }

    fn pod(&self, workload: &Workload<'_>) -> Value {
        let Workload { component, account, token, user, init, containers, placement, .. } = workload;
        let volumes = workload.volumes.iter().cloned().chain([json!({ "name": "tmp", "emptyDir": {} })]);
        let mut selector = json!({ "kubernetes.io/os": "linux" });
        if let Some(labels) = placement.node_selector {
            merge(&mut selector, json!(labels));
        }
        let mut pod = json!({
            "automountServiceAccountToken": token,
            "containers": containers.iter().map(container).collect::<Vec<_>>(),
            "nodeSelector": selector,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": user,
                "runAsGroup": user,
                "fsGroup": user,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "volumes": volumes.collect::<Vec<_>>(),
        });
        if let Some(account) = account {
            pod["serviceAccountName"] = json!(account);
        }
        if !init.is_empty() {
            pod["initContainers"] = init.iter().map(container).collect();
        }
        if !placement.tolerations.is_empty() {
            pod["tolerations"] = json!(placement.tolerations);
        }
        let many = matches!(workload.runs, Runs::Deployment(2..) | Runs::StatefulSet(2.., _));
        match &placement.affinity {
            Some(affinity) => pod["affinity"] = affinity.clone(),
            None if many => pod["affinity"] = self.apart(component),
            None => {}
        }
        let secrets = &self.context().images.pull_secrets;
        if !secrets.is_empty() {
            pod["imagePullSecrets"] = secrets.iter().map(|it| json!({ "name": it })).collect();
        }
        if !workload.pod.is_null() {
            merge(&mut pod, workload.pod.clone());
        }
        pod
    }

    /// Pods of a component keep away from each other: another node has to be, another zone would be better.
    pub fn apart(&self, component: &str) -> Value {
        let pods = json!({ "matchLabels": self.selector(component) });
        json!({ "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution":
                [{ "topologyKey": "kubernetes.io/hostname", "labelSelector": pods }],
            "preferredDuringSchedulingIgnoredDuringExecution":
                [{ "weight": 100, "podAffinityTerm": { "topologyKey": "topology.kubernetes.io/zone", "labelSelector": pods } }],
        } })
    }
}

fn container(it: &Container) -> Value {
    let [cpu, memory, most] = it.needs;
    let resources = it.resources.as_ref().map_or_else(
        || json!({ "requests": { "cpu": cpu, "memory": memory }, "limits": { "memory": most } }),
        |it| json!(it),
    );
    let ports =
        it.ports.iter().map(|it| json!({ "name": it.name, "containerPort": it.target, "protocol": "TCP" }));
    let mounts = it.mounts.iter().map(|(name, path)| match it.writes.contains(name) {
        true => json!({ "name": name, "mountPath": path }),
        false => json!({ "name": name, "mountPath": path, "readOnly": true }),
    });
    let tmp = json!({ "name": "tmp", "mountPath": "/tmp" });
    let mut container = json!({
        "name": it.name,
        "image": it.image,
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
        "volumeMounts": mounts.chain([tmp]).collect::<Vec<_>>(),
    });
    for (key, list) in [("command", &it.command), ("args", &it.args)] {
        if !list.is_empty() {
            container[key] = json!(list);
        }
    }
    if !it.ports.is_empty() {
        container["ports"] = ports.collect();
    }
    if !it.env.is_empty() {
        container["env"] = json!(it.env);
    }
    if !it.more.is_null() {
        merge(&mut container, it.more.clone());
    }
    container
}
