//! Prometheus: collects what other tools declare and keeps it, evaluates their rules, sends metrics on.

mod kubernetes;
mod monitors;
pub(super) mod pods;
mod remote;
mod server;

use orbos_k8s::objects::Manifest;
use orbos_state::Mistake;
use serde_json::json;

use crate::{
    Datasource, Declared, Error, LogFormat, PlatformTool, ToolContext, Wiring,
    parts::{Parts, Port},
    spec::{BoomSpec, MetricsPersisting as Settings, Patch},
    versions::PROMETHEUS,
};

const APPLICATION: &str = "prometheus";
const COMPONENT: &str = "server";
/// The name of the Prometheus object. The operator gives it to pods as `prometheus-caos-0`.
const NAME: &str = "caos";
/// The Service's name is the original's, since people have it in their own settings.
const SERVICE: &str = "caos-prometheus";
const ACCOUNT: &str = "prometheus";
const PORT: Port = Port::new("web", 9090);
/// What tells Prometheus of a new configuration; the operator adds it to the pods.
const RELOADER: Port = Port::new("reloader-web", 8080);
/// The label by which it finds monitors and rules, also those that people make themselves.
const SELECTED: (&str, &str) = ("boom.caos.ch/prometheus", "caos");
/// The tool that makes pods of the objects here.
const OPERATOR: &str = "metricCollection";
/// The tool that is told of alerts.
const ALERTING: &str = "alerting";

/// Switches of what is no part of ORBOS any more.
const GONE: [&str; 3] = ["zitadel", "database", "networking"];

#[derive(Debug)]
struct Prometheus(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.metrics_persisting.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(Prometheus(settings)))
}

/// Says that somebody has to make pods of a tool's objects.
///
/// # Errors
///
/// If Prometheus operator is not there.
pub(super) fn needs_operator(tool: &str, wiring: &Wiring) -> Result<(), Error> {
    if wiring.has(OPERATOR) {
        return Ok(());
    }
    let why = format!(
        "it needs Prometheus operator, which makes its pods; set `spec.{OPERATOR}.deploy` to true, or this to false"
    );
    Err(Error::invalid(format!("spec.{tool}.deploy"), why))
}

impl Prometheus {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(PROMETHEUS.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn collects(&self, switch: &str) -> bool {
        self.0.metrics.as_ref().is_none_or(|it| it.has(switch))
    }

    fn replicas(&self) -> u32 {
        self.0.replica_count.unwrap_or(1)
    }

    /// Who it is to the API server and to what it collects from.
    fn access(parts: &mut Parts<'_>) {
        parts.account(ACCOUNT, COMPONENT);
        let read = ["get", "list", "watch"];
        let rules = json!([
            { "apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"] },
            { "nonResourceURLs": ["/metrics", "/metrics/slis"], "verbs": ["get"] },
            { "apiGroups": [""], "resources": ["endpoints", "pods", "services"], "verbs": read },
            { "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read },
            { "apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": read },
        ]);
        parts.cluster_role("caos-prometheus", COMPONENT, ACCOUNT, rules);
    }

    /// What is collected: of other tools as they declare it, of Kubernetes and of the operators as it is known.
    fn collected(&self, parts: &mut Parts<'_>, wiring: &Wiring) {
        for endpoint in wiring.all(|it| &it.metrics).filter(|it| self.collects(it.switch)) {
            monitors::endpoint(parts, endpoint);
        }
        // Where BOOM replaces itself it declares its metrics like every tool.
        let declared = |name: &str| wiring.all(|it| &it.metrics).any(|it| it.name == name);
        let operators = kubernetes::operators(parts.context());
        for endpoint in operators.iter().filter(|it| self.collects(it.switch) && !declared(&it.name)) {
            monitors::endpoint(parts, endpoint);
        }
        if self.collects(kubernetes::SWITCH) {
            kubernetes::collected(parts);
        }
        for group in wiring.all(|it| &it.alerts).filter(|it| it.needs.iter().all(|it| self.collects(it))) {
            monitors::rules(parts, group);
        }
    }
}

impl PlatformTool for Prometheus {
    fn name(&self) -> &'static str {
        "metricsPersisting"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn warnings(&self) -> Vec<Mistake> {
        let on = |it: &&str| self.0.metrics.as_ref().is_some_and(|all| all.has(it));
        let gone = |it: &str| {
            let hint = format!(
                "remove it; a ServiceMonitor with the label `{}: {}` is collected",
                SELECTED.0, SELECTED.1
            );
            Mistake::new(&format!("spec.metricsPersisting.metrics.{it}"), "it does nothing any more")
                .hint(hint)
        };
        GONE.iter().copied().filter(on).map(gone).collect()
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        Declared {
            metrics: vec![
                parts.metrics("prometheus", COMPONENT, PORT),
                parts.metrics("prometheus-reloader", COMPONENT, RELOADER),
            ],
            logs: vec![parts.logs("flow-prometheus", COMPONENT, LogFormat::Logfmt)],
            datasources: vec![Datasource {
                name: "Prometheus".to_owned(),
                uid: "prometheus".to_owned(),
                kind: "prometheus".to_owned(),
                url: format!("http://{SERVICE}.{}:{}", context.namespace, PORT.port),
                is_default: true,
            }],
            alerts: Vec::new(),
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
        needs_operator(self.name(), wiring)?;
        let mut parts = self.parts(context);
        Self::access(&mut parts);
        parts.service(SERVICE, COMPONENT, &[PORT, RELOADER]);
        parts.allow(SERVICE, COMPONENT, &[json!({ "podSelector": {} })], &[PORT.target, RELOADER.target]);
        if self.replicas() > 1 {
            parts.budget(SERVICE, COMPONENT);
        }
        let server = server::spec(&self.0, self.replicas(), &parts, wiring)?;
        parts.object("monitoring.coreos.com/v1", "Prometheus", NAME, COMPONENT, json!({ "spec": server }));
        self.collected(&mut parts, wiring);
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests;
