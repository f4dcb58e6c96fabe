//! Loki, which keeps logs: one process with one disk.

mod config;

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use crate::{
    Datasource, Declared, Error, LogFormat, LogOutput, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Port, Runs, Workload, claim, fingerprint},
    spec::{BoomSpec, LogsPersisting as Settings, Patch},
    versions::LOKI,
};

const APPLICATION: &str = "loki";
const COMPONENT: &str = "single-binary";
const NAME: &str = "loki";
/// The Service that gives each pod a name.
const NAME_OF_PODS: &str = "loki-headless";
const HTTP: Port = Port::new("http-metrics", 3100);
const GRPC: Port = Port::new("grpc", 9095);
const USER: u32 = 10001;
const RETENTION: &str = "336h";
const SIZE: &str = "10Gi";
/// Not `storage`, as the original called it: what is kept there is of no use for this Loki.
const VOLUME: &str = "data";
const FILE: &str = "loki.yaml";
/// Who may talk to it, by the label `app.kubernetes.io/name` of their pods.
const GUESTS: [&str; 3] = ["fluentd", "grafana", "prometheus"];

#[derive(Debug)]
struct Loki(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.logs_persisting.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(Loki(settings)))
}

impl Loki {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        Parts::new(APPLICATION, self.0.tool.overwrite_version.as_deref().unwrap_or(LOKI.tag), context)
    }

    fn config(&self) -> Result<String, Error> {
        let retention = self.0.retention.as_deref().unwrap_or(RETENTION);
        config::Config::new(HTTP.port, GRPC.port, config::hours(retention)?).text()
    }

    fn container(&self, context: &ToolContext) -> Container {
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&LOKI, &self.0.tool),
            args: vec!["-target=all".to_owned(), format!("-config.file=/etc/loki/{FILE}")],
            ports: vec![HTTP, GRPC],
            mounts: vec![
                ("config".to_owned(), "/etc/loki".to_owned()),
                (VOLUME.to_owned(), config::FOLDER.to_owned()),
            ],
            writes: vec![VOLUME.to_owned()],
            needs: ["100m", "256Mi", "1Gi"],
            resources: self.0.tool.resources.clone(),
            more: json!({
                "readinessProbe": {
                    "httpGet": { "path": "/ready", "port": HTTP.name },
                    "initialDelaySeconds": 15,
                    "timeoutSeconds": 3,
                },
                "livenessProbe": {
                    "httpGet": { "path": "/loki/api/v1/status/buildinfo", "port": HTTP.name },
                    "periodSeconds": 30,
                    "timeoutSeconds": 3,
                    "failureThreshold": 10,
                },
            }),
            ..Container::default()
        }
    }

    /// Claims and volumes: one of them has what is kept.
    fn disk(&self) -> (Vec<Value>, Vec<Value>) {
        let config = json!({ "name": "config", "configMap": { "name": NAME } });
        match &self.0.storage {
            Some(storage) => {
                let spec = claim(storage, SIZE);
                (vec![json!({ "metadata": { "name": VOLUME }, "spec": spec })], vec![config])
            }
            None => (Vec::new(), vec![config, json!({ "name": VOLUME, "emptyDir": {} })]),
        }
    }
}

impl PlatformTool for Loki {
    fn name(&self) -> &'static str {
        "logsPersisting"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        let namespace = &context.namespace;
        let url = format!("http://{NAME}.{namespace}:{}", HTTP.port);
        Declared {
            metrics: vec![parts.metrics("loki", COMPONENT, HTTP)],
            logs: vec![parts.logs("flow-loki", COMPONENT, LogFormat::Logfmt)],
            log_outputs: vec![LogOutput {
                name: "output-loki".to_owned(),
                cluster: self.0.cluster_output,
                url: url.clone(),
                logs: self.0.logs.clone(),
            }],
            datasources: vec![Datasource {
                name: "Loki".to_owned(),
                uid: "loki".to_owned(),
                kind: "loki".to_owned(),
                url,
                is_default: false,
            }],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let config = json!({ FILE: self.config()? });
        let (claims, volumes) = self.disk();
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        parts.config_map(NAME, COMPONENT, config.clone());
        parts.service(NAME, COMPONENT, &[HTTP, GRPC]);
        // Without the port that metrics are at, or they would be collected twice.
        parts.headless_service(NAME_OF_PODS, COMPONENT, &[GRPC]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::StatefulSet(1, claims),
            account: Some(NAME),
            user: USER,
            containers: vec![self.container(context)],
            volumes,
            placement: (&self.0.tool).into(),
            fingerprint: fingerprint(&config),
            // It writes down what it has in memory before it goes.
            pod: json!({
                "terminationGracePeriodSeconds": 300,
                "securityContext": { "fsGroupChangePolicy": "OnRootMismatch" },
            }),
            more: json!({ "serviceName": NAME_OF_PODS }),
            ..Workload::default()
        });
        let guest = |it| json!({ "podSelector": { "matchLabels": { "app.kubernetes.io/name": it } } });
        parts.allow(NAME, COMPONENT, &GUESTS.map(guest), &[HTTP.port]);
        parts.finish(self.name())
    }
}
