//! kube-state-metrics: what the API server knows of objects, as metrics.

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use crate::{
    Declared, Error, LogFormat, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Placement, Port, Runs, Workload},
    spec::{BoomSpec, KubeMetricsExporter as Settings, Patch},
    versions::KUBE_STATE_METRICS,
};

const APPLICATION: &str = "kube-state-metrics";
const COMPONENT: &str = "exporter";
const NAME: &str = "kube-state-metrics";
/// The metrics of objects.
const METRICS: Port = Port::new("http", 8080);
/// The metrics of the exporter itself.
const TELEMETRY: Port = Port::new("telemetry", 8081);

/// What is exported, by API group; also all that may be read. Not Secrets and ConfigMaps, so that it may not read them.
/// Leases tell whether there is a scheduler, whose own metrics kubeadm offers on loopback only.
const RESOURCES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "limitranges",
            "namespaces",
            "nodes",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "resourcequotas",
            "services",
        ],
    ),
    ("admissionregistration.k8s.io", &["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]),
    ("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("certificates.k8s.io", &["certificatesigningrequests"]),
    ("coordination.k8s.io", &["leases"]),
    ("networking.k8s.io", &["ingresses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
    ("storage.k8s.io", &["storageclasses", "volumeattachments"]),
];

#[derive(Debug)]
struct KubeStateMetrics(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.kube_metrics_exporter.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(KubeStateMetrics(settings)))
}

impl KubeStateMetrics {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(KUBE_STATE_METRICS.tag);
        Parts::new(APPLICATION, version, context)
    }

    /// Whether each pod exports a share of all objects. Two that export everything would be counted twice by every query.
    fn shared(&self) -> bool {
        self.replicas() > 1
    }

    fn replicas(&self) -> u32 {
        self.0.replica_count.unwrap_or(1)
    }

    fn container(&self, context: &ToolContext) -> Container {
        let resources: Vec<_> = RESOURCES.iter().flat_map(|it| it.1).copied().collect();
        let mut args = vec![format!("--resources={}", resources.join(","))];
        let mut env = Vec::new();
        if self.shared() {
            args.extend(["--pod=$(POD_NAME)".to_owned(), "--pod-namespace=$(POD_NAMESPACE)".to_owned()]);
            let field =
                |name, path| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
            env = vec![field("POD_NAME", "metadata.name"), field("POD_NAMESPACE", "metadata.namespace")];
        }
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&KUBE_STATE_METRICS, &self.0.tool),
            args,
            env,
            ports: vec![METRICS, TELEMETRY],
            needs: ["10m", "128Mi", "256Mi"],
            resources: self.0.tool.resources.clone(),
            more: json!({
                "livenessProbe": { "httpGet": { "path": "/livez", "port": METRICS.name }, "initialDelaySeconds": 5 },
                "readinessProbe": { "httpGet": { "path": "/readyz", "port": TELEMETRY.name } },
            }),
            ..Container::default()
        }
    }

    fn placement(&self) -> Placement<'_> {
        let mut placement = Placement::from(&self.0.tool);
        placement.affinity = self.0.affinity.clone().filter(|it| !it.is_empty()).map(Value::Object);
        placement
    }
}

impl PlatformTool for KubeStateMetrics {
    fn name(&self) -> &'static str {
        "kubeMetricsExporter"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        // The labels of the metrics say which pod is meant; those of the target would say that it is always the exporter.
        let without = json!({ "action": "labeldrop", "regex": "pod|service|endpoint|namespace|container" });
        Declared {
            metrics: vec![
                MetricsEndpoint {
                    honor_labels: true,
                    relabelings: vec![without],
                    ..parts.metrics("kube-state-metrics", COMPONENT, METRICS)
                },
                parts.metrics("kube-state-metrics-telemetry", COMPONENT, TELEMETRY),
            ],
            logs: vec![parts.logs("flow-kube-state-metrics", COMPONENT, LogFormat::Plain)],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        let rule = |(group, resources): &(&str, &[&str])| json!({ "apiGroups": [group], "resources": resources, "verbs": ["list", "watch"] });
        parts.cluster_role("caos-kube-state-metrics", COMPONENT, NAME, RESOURCES.iter().map(rule).collect());
        if self.shared() {
            // Each pod looks how many there are, and which of them it is.
            let rules = json!([
                { "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] },
                { "apiGroups": ["apps"], "resources": ["statefulsets"], "resourceNames": [NAME], "verbs": ["get", "list", "watch"] },
            ]);
            parts.role(NAME, COMPONENT, NAME, rules);
            parts.budget(NAME, COMPONENT);
        }
        parts.headless_service(NAME, COMPONENT, &[METRICS, TELEMETRY]);
        parts.allow(NAME, COMPONENT, &[json!({ "podSelector": {} })], &[METRICS.target, TELEMETRY.target]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: match self.replicas() {
                replicas if self.shared() => Runs::StatefulSet(replicas, Vec::new()),
                replicas => Runs::Deployment(replicas),
            },
            account: Some(NAME),
            token: true,
            containers: vec![self.container(context)],
            placement: self.placement(),
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}
