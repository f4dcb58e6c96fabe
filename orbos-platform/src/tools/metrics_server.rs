//! metrics-server: how much CPU and memory pods and nodes use right now, for `kubectl top` and for autoscaling.

use orbos_k8s::objects::Manifest;
use serde_json::json;

use crate::{
    Declared, Error, Image, LogFormat, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Port, Runs, Workload},
    spec::{BoomSpec, MetricsServer as Settings, Patch},
    versions::{METRICS_SERVER, METRICS_SERVER_BELOW_34},
};

const APPLICATION: &str = "metrics-server";
const COMPONENT: &str = "server";
const NAME: &str = "metrics-server";
/// The API server's own role for it is bound in this namespace, and tools of the cluster expect it there.
const NAMESPACE: &str = "kube-system";
const PORT: Port = Port { name: "https", port: 443, target: 10250 };
const READER: &str = "system:aggregated-metrics-reader";
const RBAC: &str = "rbac.authorization.k8s.io/v1";

#[derive(Debug)]
struct MetricsServer(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.metrics_server.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(MetricsServer(settings)))
}

/// The newest image that works with a cluster.
fn image(context: &ToolContext) -> Image {
    if context.minor < 34 { METRICS_SERVER_BELOW_34 } else { METRICS_SERVER }
}

impl MetricsServer {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(image(context).tag);
        Parts::new(APPLICATION, version, context).in_namespace(NAMESPACE)
    }

    fn replicas(&self) -> u32 {
        self.0.replica_count.unwrap_or(1)
    }

    fn container(&self, context: &ToolContext) -> Container {
        let mut args = vec![
            "--cert-dir=/tmp".to_owned(),
            format!("--secure-port={}", PORT.target),
            "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname".to_owned(),
            "--kubelet-use-node-status-port".to_owned(),
            "--metric-resolution=15s".to_owned(),
        ];
        if !self.0.verify_kubelets {
            args.push("--kubelet-insecure-tls".to_owned());
        }
        let probe = |path: &str| json!({ "httpGet": { "path": path, "port": PORT.name, "scheme": "HTTPS" } });
        let mut ready = probe("/readyz");
        // It is not ready before it has seen all nodes twice.
        ready["initialDelaySeconds"] = json!(20);
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&image(context), &self.0.tool),
            args,
            ports: vec![PORT],
            needs: ["100m", "200Mi", "400Mi"],
            resources: self.0.tool.resources.clone(),
            more: json!({ "livenessProbe": probe("/livez"), "readinessProbe": ready }),
            ..Container::default()
        }
    }

    /// Who it is to the API server, and who may ask it.
    fn access(parts: &mut Parts<'_>) {
        parts.account(NAME, COMPONENT);
        let read = ["get", "list", "watch"];
        parts.cluster_role(
            "system:metrics-server",
            COMPONENT,
            NAME,
            json!([
                { "apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"] },
                { "apiGroups": [""], "resources": ["pods", "nodes"], "verbs": read },
            ]),
        );
        let aggregate =
            |role: &str| (format!("rbac.authorization.k8s.io/aggregate-to-{role}"), json!("true"));
        let labels: serde_json::Map<_, _> = ["admin", "edit", "view"].map(aggregate).into_iter().collect();
        parts.cluster_object(
            RBAC,
            "ClusterRole",
            READER,
            COMPONENT,
            json!({
                "metadata": { "labels": labels },
                "rules": [{ "apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": read }],
            }),
        );
        let delegator = "system:auth-delegator";
        parts.cluster_binding(
            "metrics-server:system:auth-delegator",
            COMPONENT,
            "ClusterRole",
            delegator,
            NAME,
        );
        parts.object(
            RBAC,
            "RoleBinding",
            "metrics-server-auth-reader",
            COMPONENT,
            json!({
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Role",
                    "name": "extension-apiserver-authentication-reader",
                },
                "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE }],
            }),
        );
    }
}

impl PlatformTool for MetricsServer {
    fn name(&self) -> &'static str {
        "metricsServer"
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
            metrics: vec![MetricsEndpoint { guarded: true, ..parts.metrics(NAME, COMPONENT, PORT) }],
            logs: vec![parts.logs("flow-metrics-server", COMPONENT, LogFormat::Plain)],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        if context.minor < 22 {
            // Their aggregator has no field manager: applying the APIService ends in a panic and a closed connection.
            let why =
                "API servers below Kubernetes 1.22 cannot apply the APIService that it needs; leave it out";
            return Err(Error::invalid("spec.metricsServer", why));
        }
        let mut parts = self.parts(context);
        Self::access(&mut parts);
        parts.service(NAME, COMPONENT, &[PORT]);
        // Everybody: API servers are no pods that a policy could name.
        parts.allow(NAME, COMPONENT, &[], &[PORT.target]);
        let many = self.replicas() > 1;
        if many {
            parts.budget(NAME, COMPONENT);
        }
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::Deployment(self.replicas()),
            account: Some(NAME),
            token: true,
            user: 1000,
            containers: vec![self.container(context)],
            placement: (&self.0.tool).into(),
            pod: json!({ "priorityClassName": "system-cluster-critical" }),
            // One pod is never away for a new one. Several have a node each, and the new one might find no other.
            more: json!({ "strategy": { "rollingUpdate": { "maxUnavailable": u32::from(many) } } }),
            ..Workload::default()
        });
        let service = json!({ "name": NAME, "namespace": NAMESPACE, "port": PORT.port });
        parts.cluster_object(
            "apiregistration.k8s.io/v1",
            "APIService",
            "v1beta1.metrics.k8s.io",
            COMPONENT,
            json!({ "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                // Its certificate is of its own making, at every start.
                "insecureSkipTLSVerify": true,
                "service": service,
            } }),
        );
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_cannot_apply_its_service_are_named() {
        let goal =
            |minor| MetricsServer(Settings::default()).goal(&ToolContext::new(minor), &Wiring::default());
        assert!(goal(22).is_ok());
        let why = goal(21).unwrap_err().to_string();
        assert!(why.starts_with("spec.metricsServer: API servers below Kubernetes 1.22 cannot"), "{why}");
    }

    fn container(settings: Settings, minor: u32) -> Container {
        MetricsServer(settings).container(&ToolContext::new(minor))
    }

    #[test]
    fn older_clusters_get_the_last_image_that_works_with_them() {
        assert!(container(Settings::default(), 33).image.contains("v0.8.1"));
        assert!(container(Settings::default(), 34).image.contains("v0.9.0"));
    }

    #[test]
    fn certificates_of_kubelets_are_checked_only_on_demand() {
        let insecure = "--kubelet-insecure-tls".to_owned();
        assert!(container(Settings::default(), 35).args.contains(&insecure));
        let verify = Settings { verify_kubelets: true, ..Settings::default() };
        assert!(!container(verify, 35).args.contains(&insecure));
    }
}
