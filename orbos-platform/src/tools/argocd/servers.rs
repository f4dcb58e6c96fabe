//! What compares and applies, and the API and user interface.

use orbos_secrets::Existing;
use serde_json::{Value, json};

use super::{
    APPLICATION, Argo, Component, PART_OF, USER, access,
    config::{KNOWN_HOSTS, PARAMETERS, SETTINGS, TLS_CERTIFICATES},
    neighbours,
};
use crate::{
    parts::{Container, Parts, Placement, Port, Runs, Workload, merge},
    spec::{Resources, Sized},
};

/// Argo CD's program for each component, by its name.
pub(super) fn program(component: Component, more: Option<&Vec<String>>) -> Vec<String> {
    let program = format!("/usr/local/bin/{}", component.name());
    [program].into_iter().chain(more.into_iter().flatten().cloned()).collect()
}

/// A variable from a key of a ConfigMap, if it is there.
pub(super) fn parameter(name: &str, map: &str, key: &str) -> Value {
    let reference = json!({ "name": map, "key": key, "optional": true });
    json!({ "name": name, "valueFrom": { "configMapKeyRef": reference } })
}

pub(super) fn parameters(all: &[(&str, &str)]) -> Vec<Value> {
    all.iter().map(|(name, key)| parameter(name, PARAMETERS, key)).collect()
}

/// The cache's password, which its own pod makes.
pub(super) fn redis_password() -> Value {
    let Existing { name, key, .. } = redis_secret();
    json!({ "name": "REDIS_PASSWORD", "valueFrom": { "secretKeyRef": { "name": name, "key": key } } })
}

fn redis_secret() -> Existing {
    Existing { name: Component::Redis.name().to_owned(), key: "auth".to_owned(), internal_name: None }
}

/// A certificate that somebody may have put there instead of the one that a program makes for itself.
pub(super) fn certificate(secret: &str) -> Value {
    json!({ "name": secret, "secret": { "secretName": secret, "optional": true } })
}

pub(super) fn config_map(volume: &str, map: &str) -> Value {
    json!({ "name": volume, "configMap": { "name": map } })
}

pub(super) fn mount(name: &str, path: &str) -> (String, String) {
    (name.to_owned(), path.to_owned())
}

pub(super) fn resources(part: Option<&Sized>) -> Option<Resources> {
    part.and_then(|it| it.resources.clone())
}

impl Argo<'_> {
    /// Everything of the workload that is the same in all components.
    pub(super) fn workload<'w>(
        &'w self,
        component: Component,
        replicas: u32,
        containers: Vec<Container>,
        volumes: Vec<Value>,
    ) -> Workload<'w> {
        let mut more = json!({});
        if component != Component::Redis {
            more["template"] = json!({ "metadata": { "labels": { PART_OF: APPLICATION } } });
        }
        if replicas > 1 {
            // With as many nodes as pods a new pod finds no place before an old one has gone.
            more["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1 } });
        }
        Workload {
            name: component.name(),
            component: component.label(),
            runs: Runs::Deployment(replicas),
            account: Some(component.name()),
            user: USER,
            containers,
            volumes,
            placement: Placement::from(&self.settings.tool),
            fingerprint: self.fingerprint.clone(),
            more,
            ..Workload::default()
        }
    }

    /// How many pods servers have.
    pub(super) fn replicas(&self) -> u32 {
        if self.settings.high_availability { 2 } else { 1 }
    }

    fn more_arguments(&self, component: Component) -> Option<&Vec<String>> {
        let all = self.settings.additional_parameters.as_ref()?;
        match component {
            Component::Controller => Some(&all.application_controller),
            Component::Server => Some(&all.server),
            Component::RepoServer => Some(&all.repo_server),
            Component::ApplicationSets | Component::Redis | Component::Dex => None,
        }
    }

    /// A container of Argo CD's own image.
    pub(super) fn container(&self, component: Component, needs: [&'static str; 3]) -> Container {
        Container {
            name: component.label().to_owned(),
            image: self.image(),
            args: program(component, self.more_arguments(component)),
            needs,
            ..Container::default()
        }
    }

    pub(super) fn controller(&self) -> Parts<'_> {
        let component = Component::Controller;
        let (name, label) = (component.name(), component.label());
        let mut container = self.container(component, ["250m", "512Mi", "2Gi"]);
        container.env = parameters(&[
            ("ARGOCD_APPLICATION_CONTROLLER_REPO_SERVER", "repo.server"),
            ("ARGOCD_APPLICATION_CONTROLLER_LOGFORMAT", "controller.log.format"),
            ("ARGOCD_APPLICATION_CONTROLLER_LOGLEVEL", "controller.log.level"),
            ("ARGOCD_APPLICATION_CONTROLLER_STATUS_PROCESSORS", "controller.status.processors"),
            ("ARGOCD_APPLICATION_CONTROLLER_OPERATION_PROCESSORS", "controller.operation.processors"),
            ("REDIS_SERVER", "redis.server"),
        ]);
        container.env.extend([
            parameter("ARGOCD_RECONCILIATION_TIMEOUT", SETTINGS, "timeout.reconciliation"),
            json!({ "name": "ARGOCD_CONTROLLER_REPLICAS", "value": "1" }),
            redis_password(),
        ]);
        let metrics = Port::new(super::METRICS_NAME, 8082);
        container.ports = vec![metrics];
        container.mounts = vec![
            mount("home", "/home/argocd"),
            mount("argocd-repo-server-tls", "/app/config/controller/tls"),
        ];
        container.writes = vec!["home".to_owned()];
        container.resources =
            resources(self.settings.controller.as_ref()).or_else(|| self.settings.tool.resources.clone());
        container.more = json!({
            "workingDir": "/home/argocd",
            "readinessProbe": { "httpGet": { "path": "/healthz", "port": metrics.name } },
        });
        let volumes = vec![json!({ "name": "home", "emptyDir": {} }), certificate("argocd-repo-server-tls")];

        let mut parts = self.parts(component);
        parts.account(name, label);
        parts.role(name, label, name, access::controller());
        parts.cluster_role(name, label, name, access::controller_everywhere());
        parts.headless_service("argocd-metrics", label, &[metrics]);
        parts.allow(name, label, &[neighbours()], &[metrics.target]);
        let mut workload = self.workload(component, 1, vec![container], volumes);
        workload.runs = Runs::StatefulSet(1, Vec::new());
        workload.token = true;
        merge(&mut workload.more, json!({ "serviceName": "argocd-metrics" }));
        parts.workload(workload);
        parts
    }

    pub(super) fn application_sets(&self) -> Parts<'_> {
        let component = Component::ApplicationSets;
        let (name, label) = (component.name(), component.label());
        let mut container = self.container(component, ["50m", "128Mi", "512Mi"]);
        let namespace = json!({ "fieldRef": { "fieldPath": "metadata.namespace" } });
        container.env = parameters(&[
            ("ARGOCD_APPLICATIONSET_CONTROLLER_REPO_SERVER", "repo.server"),
            ("ARGOCD_APPLICATIONSET_CONTROLLER_LOGFORMAT", "applicationsetcontroller.log.format"),
            ("ARGOCD_APPLICATIONSET_CONTROLLER_LOGLEVEL", "applicationsetcontroller.log.level"),
            ("ARGOCD_APPLICATIONSET_CONTROLLER_POLICY", "applicationsetcontroller.policy"),
        ]);
        container.env.push(json!({ "name": "NAMESPACE", "valueFrom": namespace }));
        let ports = [Port::new("webhook", 7000), Port::new(super::METRICS_NAME, 8080)];
        container.ports = ports.into();
        let (mounts, mut volumes) = self.repository_files("/app/config/reposerver/tls");
        container.mounts = mounts;
        container.writes = vec!["gpg-keyring".to_owned()];
        volumes.push(json!({ "name": "gpg-keyring", "emptyDir": {} }));

        let mut parts = self.parts(component);
        parts.account(name, label);
        parts.role(name, label, name, access::application_sets());
        parts.service(name, label, &ports);
        parts.allow(name, label, &[neighbours()], &ports.map(|it| it.target));
        let mut workload = self.workload(component, 1, vec![container], volumes);
        workload.token = true;
        parts.workload(workload);
        parts
    }

    pub(super) fn server(&self) -> Parts<'_> {
        let component = Component::Server;
        let (name, label) = (component.name(), component.label());
        let mut container = self.container(component, ["50m", "128Mi", "512Mi"]);
        container.env = parameters(&[
            ("ARGOCD_SERVER_REPO_SERVER", "repo.server"),
            ("ARGOCD_SERVER_DEX_SERVER", "server.dex.server"),
            ("ARGOCD_SERVER_INSECURE", "server.insecure"),
            ("ARGOCD_SERVER_LOGFORMAT", "server.log.format"),
            ("ARGOCD_SERVER_LOG_LEVEL", "server.log.level"),
            ("REDIS_SERVER", "redis.server"),
        ]);
        let replicas = self.replicas();
        container.env.extend([
            json!({ "name": "ARGOCD_API_SERVER_REPLICAS", "value": replicas.to_string() }),
            redis_password(),
        ]);
        let api = Port { name: "api", port: 443, target: 8080 };
        let metrics = Port::new(super::METRICS_NAME, 8083);
        container.ports = vec![api, metrics];
        container.mounts = vec![
            mount("home", "/home/argocd"),
            mount("ssh-known-hosts", "/app/config/ssh"),
            mount("tls-certificates", "/app/config/tls"),
            mount("argocd-repo-server-tls", "/app/config/server/tls"),
            mount("argocd-dex-server-tls", "/app/config/dex/tls"),
        ];
        container.writes = vec!["home".to_owned()];
        container.resources = resources(self.settings.server.as_ref());
        // It answers by sending to itself by TLS, which Kubernetes follows without a look at the certificate.
        let probe = |path: &str| json!({ "httpGet": { "path": path, "port": api.name }, "initialDelaySeconds": 3, "periodSeconds": 30, "timeoutSeconds": 5 });
        container.more =
            json!({ "livenessProbe": probe("/healthz?full=true"), "readinessProbe": probe("/healthz") });
        let volumes = vec![
            json!({ "name": "home", "emptyDir": {} }),
            config_map("ssh-known-hosts", KNOWN_HOSTS),
            config_map("tls-certificates", TLS_CERTIFICATES),
            certificate("argocd-repo-server-tls"),
            certificate("argocd-dex-server-tls"),
        ];

        let mut parts = self.parts(component);
        parts.account(name, label);
        parts.role(name, label, name, access::server());
        parts.cluster_role(name, label, name, access::server_everywhere());
        let port = |name: &str, port: u16| json!({ "name": name, "port": port, "targetPort": api.name, "protocol": "TCP" });
        // On port 80 it only sends people to the other one.
        let ports = json!({ "ports": [port("http", 80), port("https", 443)] });
        parts.service_with(name, label, &[], ports);
        parts.service("argocd-server-metrics", label, &[metrics]);
        // Whoever may ask the API is the API's business; the metrics are for the neighbours.
        parts.allow(name, label, &[], &[api.target]);
        parts.allow("argocd-server-metrics", label, &[neighbours()], &[metrics.target]);
        if replicas > 1 {
            parts.budget(name, label);
        }
        let mut workload = self.workload(component, replicas, vec![container], volumes);
        workload.token = true;
        parts.workload(workload);
        parts
    }
}
