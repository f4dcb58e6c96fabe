//! logging-operator with fluent-bit and fluentd: logs of all tools go where they are kept.

mod access;
mod definitions;
mod flows;
mod stack;

use std::collections::{BTreeMap, BTreeSet};

use orbos_k8s::objects::Manifest;
use serde_json::json;

use crate::{
    Declared, Error, LogFormat, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Placement, Port, Runs, Workload},
    spec::{BoomSpec, LogCollection as Settings, Patch, ToolSettings},
    versions::LOGGING_OPERATOR,
};

const APPLICATION: &str = "logging-operator";
const COMPONENT: &str = "operator";
const NAME: &str = "logging-operator";
const PORT: Port = Port::new("metrics", 8080);
/// The name of the Logging and of the FluentbitAgent; what is made of them is called `logging-fluentd` and so on.
const NAME_OF_STACK: &str = "logging";
/// The port's name at the Services that the operator makes.
const PORT_OF_STACK: &str = "http-metrics";
const PATH_FLUENT_BIT: &str = "/api/v1/metrics/prometheus";
/// What the operator writes at fluentd's pods and Services.
const LABELS_FLUENTD: [(&str, &str); 2] =
    [("app.kubernetes.io/name", "fluentd"), ("app.kubernetes.io/component", "fluentd")];
/// What the operator writes at fluent-bit's pods and Services.
const LABELS_FLUENT_BIT: [(&str, &str); 1] = [("app.kubernetes.io/name", "fluentbit")];

#[derive(Debug)]
struct LoggingOperator {
    settings: Settings,
    operator: ToolSettings,
}

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.log_collection.clone().filter(|it| it.deploy)?;
    let placed = settings.operator.clone().unwrap_or_default();
    let operator = ToolSettings {
        deploy: true,
        overwrite_image: settings.overwrite_image.clone(),
        overwrite_version: settings.overwrite_version.clone(),
        node_selector: placed.node_selector,
        tolerations: placed.tolerations,
        resources: placed.resources,
        patches: Vec::new(),
    };
    Some(Box::new(LoggingOperator { settings, operator }))
}

impl LoggingOperator {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.operator.overwrite_version.as_deref().unwrap_or(LOGGING_OPERATOR.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn container(&self, context: &ToolContext) -> Container {
        // There is no other address to ask; metrics are there before somebody leads.
        let probe = json!({ "httpGet": { "path": "/metrics", "port": PORT.name }, "periodSeconds": 20 });
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&LOGGING_OPERATOR, &self.operator),
            args: vec!["-enable-leader-election=true".to_owned()],
            ports: vec![PORT],
            needs: ["50m", "128Mi", "256Mi"],
            resources: self.operator.resources.clone(),
            more: json!({ "livenessProbe": probe, "readinessProbe": probe }),
            ..Container::default()
        }
    }

    /// Whose flows count: those of the namespaces that a human names, and ours. Empty: everybody's.
    fn namespaces(&self, ours: BTreeSet<String>) -> Vec<String> {
        match self.settings.watch_namespaces.as_slice() {
            [] => Vec::new(),
            named => {
                let all: BTreeSet<_> = named.iter().cloned().chain(ours).collect();
                all.into_iter().collect()
            }
        }
    }
}

impl PlatformTool for LoggingOperator {
    fn name(&self) -> &'static str {
        "logCollection"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.settings.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        let of_stack = |name: &str, selector, path: &str| MetricsEndpoint {
            selector,
            port: PORT_OF_STACK.to_owned(),
            path: path.to_owned(),
            ..parts.metrics(name, COMPONENT, PORT)
        };
        Declared {
            metrics: vec![
                parts.metrics("logging-operator", COMPONENT, PORT),
                of_stack("logging-operator-fluentd", labels(&LABELS_FLUENTD), ""),
                of_stack("logging-operator-fluentbit", labels(&LABELS_FLUENT_BIT), PATH_FLUENT_BIT),
            ],
            logs: vec![parts.logs("flow-logging-operator", COMPONENT, LogFormat::Json)],
            definitions: vec![&definitions::DEFINITIONS],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        parts.cluster_role(NAME, COMPONENT, NAME, access::everywhere());
        parts.role(NAME, COMPONENT, NAME, access::at_home());
        parts.service(NAME, COMPONENT, &[PORT]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::Deployment(1),
            account: Some(NAME),
            token: true,
            containers: vec![self.container(context)],
            placement: Placement::from(&self.operator),
            ..Workload::default()
        });
        let ours = flows::render(&mut parts, &self.settings, wiring);
        stack::render(&mut parts, &self.settings, &self.namespaces(ours));
        parts.finish(self.name())
    }
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(key, it)| ((*key).to_owned(), (*it).to_owned())).collect()
}

#[cfg(test)]
mod tests;
