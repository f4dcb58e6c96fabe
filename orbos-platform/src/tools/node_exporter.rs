//! node-exporter: what a machine's kernel knows of itself.

use orbos_k8s::objects::Manifest;
use serde_json::json;

use crate::{
    Declared, Error, LogFormat, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Port, Runs, Workload},
    spec::{BoomSpec, NodeExporter as Settings, Patch},
    versions::NODE_EXPORTER,
};

const APPLICATION: &str = "prometheus-node-exporter";
const COMPONENT: &str = "exporter";
const NAME: &str = "node-exporter";
const PORT: Port = Port::new("metrics", 9100);

#[derive(Debug)]
struct NodeExporter(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.node_metrics_exporter.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(NodeExporter(settings)))
}

impl NodeExporter {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        Parts::new(
            APPLICATION,
            self.0.tool.overwrite_version.as_deref().unwrap_or(NODE_EXPORTER.tag),
            context,
        )
    }

    fn container(&self, context: &ToolContext) -> Container {
        // Mounts that come and go with pods, which nobody but root may look into, and the pods' ends of networks, would be
        // new series for each pod.
        let args = [
            "--path.procfs=/host/root/proc",
            "--path.sysfs=/host/root/sys",
            "--path.rootfs=/host/root",
            "--path.udev.data=/host/root/run/udev/data",
            "--no-collector.wifi",
            "--no-collector.hwmon",
            "--no-collector.btrfs",
            "--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run/(containerd|credentials|k3s/containerd|user)/.+|var/lib/(docker|kubelet/pods)/.+)($|/)",
            "--collector.netclass.ignored-devices=^(veth.*|cali.*|lxc.*|[a-f0-9]{15})$",
            "--collector.netdev.device-exclude=^(veth.*|cali.*|lxc.*|[a-f0-9]{15})$",
        ];
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&NODE_EXPORTER, &self.0.tool),
            args: args.map(str::to_owned).into(),
            ports: vec![PORT],
            needs: ["50m", "64Mi", "128Mi"],
            resources: self.0.tool.resources.clone(),
            more: json!({
                "volumeMounts": [
                    { "name": "root", "mountPath": "/host/root", "mountPropagation": "HostToContainer", "readOnly": true },
                ],
                "livenessProbe": { "httpGet": { "path": "/", "port": PORT.name } },
                "readinessProbe": { "httpGet": { "path": "/", "port": PORT.name } },
            }),
            ..Container::default()
        }
    }
}

impl PlatformTool for NodeExporter {
    fn name(&self) -> &'static str {
        "nodeMetricsExporter"
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
            logs: vec![parts.logs("flow-prometheus-node-exporter", COMPONENT, LogFormat::Logfmt)],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        parts.headless_service(NAME, COMPONENT, &[PORT]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::DaemonSet,
            account: Some(NAME),
            containers: vec![self.container(context)],
            volumes: vec![json!({ "name": "root", "hostPath": { "path": "/" } })],
            placement: (&self.0.tool).into(),
            pod: json!({
                "hostNetwork": true,
                "hostPID": true,
                "priorityClassName": "system-node-critical",
                "tolerations": [{ "operator": "Exists" }],
            }),
            more: json!({ "updateStrategy": { "rollingUpdate": { "maxUnavailable": "10%" } } }),
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}
