//! systemd-exporter: the states of units on every machine.

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use crate::{
    Declared, Error, LogFormat, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Port, Runs, Workload},
    spec::{BoomSpec, NodeExporter as Settings, Patch},
    versions::SYSTEMD_EXPORTER,
};

const APPLICATION: &str = "prometheus-systemd-exporter";
const COMPONENT: &str = "exporter";
const NAME: &str = "systemd-exporter";
const PORT: Port = Port::new("metrics", 9558);
/// Units of ORBITER and of the original, without their ending.
const UNITS: [&str; 11] = [
    "containerd",
    "docker",
    "firewalld",
    "haproxy",
    "keepalived",
    "kubelet",
    "nftables",
    "nginx",
    "node-agentd",
    "ssh",
    "sshd",
];
/// Where systemd is asked. The folder and not the socket, which is another one after a restart of D-Bus.
const BUS: &str = "/run/dbus";
/// The first minor version of Kubernetes that has profiles of AppArmor as a field.
const FIRST_WITH_APP_ARMOR: u32 = 30;

#[derive(Debug)]
struct SystemdExporter(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.systemd_metrics_exporter.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(SystemdExporter(settings)))
}

impl SystemdExporter {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(SYSTEMD_EXPORTER.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn container(&self, context: &ToolContext) -> Container {
        let mut more = json!({
            "livenessProbe": { "httpGet": { "path": "/", "port": PORT.name } },
            "readinessProbe": { "httpGet": { "path": "/", "port": PORT.name } },
        });
        if context.minor >= FIRST_WITH_APP_ARMOR {
            more["securityContext"] = json!({ "appArmorProfile": { "type": "Unconfined" } });
        }
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&SYSTEMD_EXPORTER, &self.0.tool),
            args: vec![
                format!("--systemd.collector.unit-include=({})\\.service", UNITS.join("|")),
                "--systemd.collector.enable-restart-count".to_owned(),
            ],
            env: vec![json!({
                "name": "DBUS_SYSTEM_BUS_ADDRESS",
                "value": format!("unix:path=/host{BUS}/system_bus_socket"),
            })],
            ports: vec![PORT],
            mounts: vec![("bus".to_owned(), format!("/host{BUS}"))],
            needs: ["50m", "64Mi", "256Mi"],
            resources: self.0.tool.resources.clone(),
            more,
            ..Container::default()
        }
    }
}

/// D-Bus asks AppArmor about its clients, and the profile that containers have by default may not talk to it at all.
fn unconfined(context: &ToolContext) -> Value {
    if context.minor >= FIRST_WITH_APP_ARMOR {
        return Value::Null;
    }
    let key = format!("container.apparmor.security.beta.kubernetes.io/{NAME}");
    json!({ "metadata": { "annotations": { key: "unconfined" } } })
}

impl PlatformTool for SystemdExporter {
    fn name(&self) -> &'static str {
        "systemdMetricsExporter"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        let node = json!({ "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance" });
        Declared {
            metrics: vec![MetricsEndpoint {
                relabelings: vec![node],
                ..parts.metrics(NAME, COMPONENT, PORT)
            }],
            logs: vec![parts.logs("flow-prometheus-systemd-exporter", COMPONENT, LogFormat::Logfmt)],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        parts.headless_service(NAME, COMPONENT, &[PORT]);
        parts.allow(NAME, COMPONENT, &[json!({ "podSelector": {} })], &[PORT.target]);
        let mut more = json!({ "updateStrategy": { "rollingUpdate": { "maxUnavailable": "10%" } } });
        let template = unconfined(context);
        if !template.is_null() {
            more["template"] = template;
        }
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::DaemonSet,
            account: Some(NAME),
            containers: vec![self.container(context)],
            volumes: vec![json!({ "name": "bus", "hostPath": { "path": BUS, "type": "Directory" } })],
            placement: (&self.0.tool).into(),
            pod: json!({
                // Memory and open files of units are read in their processes' folders.
                "hostPID": true,
                "priorityClassName": "system-node-critical",
                "tolerations": [{ "operator": "Exists" }],
            }),
            more,
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_clusters_are_told_by_an_annotation_to_let_it_talk_to_the_bus() {
        let objects = |minor| {
            let context = ToolContext::new(minor);
            let goal = SystemdExporter(Settings::default()).goal(&context, &Wiring::default());
            let goal = goal.expect("it can be rendered");
            goal.last().expect("the workload is the last").value()["spec"]["template"].clone()
        };
        let key = "container.apparmor.security.beta.kubernetes.io/systemd-exporter";
        assert_eq!(objects(29)["metadata"]["annotations"][key], "unconfined");
        assert_eq!(objects(30)["metadata"]["annotations"], Value::Null);
        let context = &objects(30)["spec"]["containers"][0]["securityContext"];
        assert_eq!(context["appArmorProfile"]["type"], "Unconfined");
        assert_eq!(context["readOnlyRootFilesystem"], true, "the baseline is kept beside it");
    }
}
