//! Prometheus operator: makes pods of Prometheus and Alertmanager, and tells them what to collect.

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use crate::{
    Declared, Error, LogFormat, PlatformTool, ToolContext, Wiring,
    crds::{CrdBundle, DefinedKind},
    parts::{Container, Parts, Port, Runs, Workload},
    spec::{BoomSpec, MetricCollection as Settings, Patch},
    versions::{PROMETHEUS_OPERATOR, PROMETHEUS_RELOADER},
};

const APPLICATION: &str = "prometheus-operator";
const COMPONENT: &str = "operator";
const NAME: &str = "prometheus-operator";
const PORT: Port = Port::new("http", 8080);
/// The group of all kinds that it brings.
const GROUP: &str = "monitoring.coreos.com";
/// The first minor version of Kubernetes with EndpointSlices as they are today.
const FIRST_WITH_SLICES: u32 = 21;

/// The kinds that the operator brings. It watches all of them, also those that no tool of ours makes: whoever defines
/// only some keeps it from starting.
pub(super) const DEFINITIONS: CrdBundle = CrdBundle {
    name: "prometheus-operator",
    version: "0.93.1",
    url: "https://github.com/prometheus-operator/prometheus-operator/releases/download/v0.93.1/stripped-down-crds.yaml",
    sha256: None,
    kinds: &[
        kind("Alertmanager", "alertmanagers", "v1"),
        kind("AlertmanagerConfig", "alertmanagerconfigs", "v1alpha1"),
        kind("PodMonitor", "podmonitors", "v1"),
        kind("Probe", "probes", "v1"),
        kind("Prometheus", "prometheuses", "v1"),
        kind("PrometheusAgent", "prometheusagents", "v1alpha1"),
        kind("PrometheusRule", "prometheusrules", "v1"),
        kind("ScrapeConfig", "scrapeconfigs", "v1alpha1"),
        kind("ServiceMonitor", "servicemonitors", "v1"),
        kind("ThanosRuler", "thanosrulers", "v1"),
    ],
};

const fn kind(kind: &'static str, plural: &'static str, version: &'static str) -> DefinedKind {
    DefinedKind { group: GROUP, kind, plural, version, namespaced: true }
}

/// Whether pods of Services are known by EndpointSlices; by Endpoints otherwise.
pub(super) fn slices(context: &ToolContext) -> bool {
    context.minor >= FIRST_WITH_SLICES
}

#[derive(Debug)]
struct PrometheusOperator(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.metric_collection.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(PrometheusOperator(settings)))
}

impl PrometheusOperator {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(PROMETHEUS_OPERATOR.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn container(&self, context: &ToolContext) -> Container {
        let slices = slices(context);
        let args = vec![
            // A Service that it keeps up to date with all nodes: kubelets have none of their own.
            "--kubelet-service=kube-system/kubelet".to_owned(),
            format!("--kubelet-endpoints={}", !slices),
            format!("--kubelet-endpointslice={slices}"),
            format!("--prometheus-config-reloader={}", context.image(&PROMETHEUS_RELOADER)),
            // A reloader that is throttled reports a new configuration minutes late.
            "--config-reloader-cpu-limit=0".to_owned(),
            "--enable-config-reloader-probes=true".to_owned(),
            "--watch-referenced-objects-in-all-namespaces=true".to_owned(),
            "--disable-unmanaged-prometheus-configuration=true".to_owned(),
        ];
        let probe = json!({ "httpGet": { "path": "/healthz", "port": PORT.name } });
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&PROMETHEUS_OPERATOR, &self.0.tool),
            args,
            ports: vec![PORT],
            needs: ["100m", "100Mi", "200Mi"],
            resources: self.0.tool.resources.clone(),
            more: json!({ "livenessProbe": probe, "readinessProbe": probe }),
            ..Container::default()
        }
    }
}

/// What it does with whose objects. Upstream's role has `*` for most verbs; these are the ones that it uses.
fn rules() -> Value {
    let read = ["get", "list", "watch"];
    let own = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let plurals = |ending: &str| {
        DEFINITIONS.kinds.iter().map(|it| format!("{}{ending}", it.plural)).collect::<Vec<_>>()
    };
    json!([
        { "apiGroups": [GROUP], "resources": plurals(""), "verbs": ["get", "list", "watch", "update", "patch"] },
        { "apiGroups": [GROUP], "resources": plurals("/finalizers"), "verbs": ["update"] },
        { "apiGroups": [GROUP], "resources": plurals("/status"), "verbs": ["get", "update", "patch"] },
        { "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": own },
        { "apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": own },
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["list", "delete"] },
        { "apiGroups": [""], "resources": ["services", "services/finalizers"], "verbs": ["get", "create", "update", "delete"] },
        { "apiGroups": [""], "resources": ["endpoints"], "verbs": ["get", "create", "update", "delete"] },
        { "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": own },
        { "apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"] },
        { "apiGroups": [""], "resources": ["namespaces"], "verbs": read },
        { "apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"] },
        { "apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": read },
        { "apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get"] },
    ])
}

impl PlatformTool for PrometheusOperator {
    fn name(&self) -> &'static str {
        "metricCollection"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        Declared {
            metrics: vec![parts.metrics(NAME, COMPONENT, PORT)],
            logs: vec![parts.logs("flow-prometheus-operator", COMPONENT, LogFormat::Logfmt)],
            definitions: vec![&DEFINITIONS],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        parts.cluster_role("caos-prometheus-operator", COMPONENT, NAME, rules());
        parts.headless_service(NAME, COMPONENT, &[PORT]);
        parts.allow(NAME, COMPONENT, &[json!({ "podSelector": {} })], &[PORT.target]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::Deployment(1),
            account: Some(NAME),
            token: true,
            containers: vec![self.container(context)],
            placement: (&self.0.tool).into(),
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}
