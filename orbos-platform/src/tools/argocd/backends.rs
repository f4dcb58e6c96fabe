//! What renders manifests, the cache, and Dex.

use serde_json::{Value, json};

use super::{
    Argo, Component, access,
    config::{GPG_KEYS, KNOWN_HOSTS, SETTINGS, TLS_CERTIFICATES},
    neighbours,
    servers::{certificate, config_map, mount, parameter, parameters, redis_password, resources},
    sso::ACCOUNT_FILE,
};
use crate::{
    parts::{Container, Parts, Port, fingerprint},
    versions::{DEX, REDIS},
};

/// The user of Dex's image.
const DEX_USER: u32 = 1001;

impl Argo<'_> {
    /// What one needs to get at a repository: mounts and volumes, but for the volume `gpg-keyring`.
    pub(super) fn repository_files(&self, certificates: &str) -> (Vec<(String, String)>, Vec<Value>) {
        let mounts = vec![
            mount("ssh-known-hosts", "/app/config/ssh"),
            mount("tls-certificates", "/app/config/tls"),
            mount("gpg-keys", "/app/config/gpg/source"),
            mount("gpg-keyring", "/app/config/gpg/keys"),
            mount("argocd-repo-server-tls", certificates),
        ];
        let volumes = vec![
            config_map("ssh-known-hosts", KNOWN_HOSTS),
            config_map("tls-certificates", TLS_CERTIFICATES),
            config_map("gpg-keys", GPG_KEYS),
            certificate("argocd-repo-server-tls"),
        ];
        (mounts, volumes)
    }

    pub(super) fn repo_server(&self) -> Parts<'_> {
        let component = Component::RepoServer;
        let (name, label) = (component.name(), component.label());
        let mut container = self.container(component, ["100m", "256Mi", "1Gi"]);
        container.env = parameters(&[
            ("ARGOCD_REPO_SERVER_LOGFORMAT", "reposerver.log.format"),
            ("ARGOCD_REPO_SERVER_LOGLEVEL", "reposerver.log.level"),
            ("ARGOCD_REPO_SERVER_PARALLELISM_LIMIT", "reposerver.parallelism.limit"),
            ("REDIS_SERVER", "redis.server"),
        ]);
        container.env.extend([
            parameter("ARGOCD_RECONCILIATION_TIMEOUT", SETTINGS, "timeout.reconciliation"),
            redis_password(),
        ]);
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            container.env.push(json!({ "name": variable, "value": "/helm-working-dir" }));
        }
        let (api, metrics) = (Port::new("api", 8081), Port::new(super::METRICS_NAME, 8084));
        container.ports = vec![api, metrics];
        let (mut mounts, mut volumes) = self.repository_files("/app/config/reposerver/tls");
        mounts.extend([
            mount("helm", "/helm-working-dir"),
            // Where it looks for plugins: each that runs beside it has its socket there.
            mount("plugins", "/home/argocd/cmp-server/plugins"),
        ]);
        container.mounts = mounts;
        container.writes = ["gpg-keyring", "helm", "plugins"].map(str::to_owned).into();
        container.resources = resources(self.settings.repo_server.as_ref());
        let probe = |path: &str| json!({ "path": path, "port": metrics.name });
        container.more = json!({
            "livenessProbe": { "httpGet": probe("/healthz?full=true"), "initialDelaySeconds": 30, "periodSeconds": 30, "timeoutSeconds": 5 },
            "readinessProbe": { "httpGet": probe("/healthz"), "initialDelaySeconds": 5 },
        });
        let empty = ["gpg-keyring", "helm", "plugins", "var-files"];
        volumes.extend(empty.map(|it| json!({ "name": it, "emptyDir": {} })));

        let mut parts = self.parts(component);
        parts.account(name, label);
        let mut containers = vec![container];
        let mut restart = self.fingerprint.clone();
        if let Some(plugin) = &self.plugin {
            plugin.objects(&mut parts, label);
            volumes.extend(plugin.volumes());
            containers.push(plugin.container());
            restart = fingerprint(&json!([restart, plugin.fingerprint(), self.settings.custom_image]));
        }
        parts.service(name, label, &[api, metrics]);
        let callers = [Component::Controller, Component::ApplicationSets, Component::Server];
        parts.allow(name, label, &callers.map(Component::pods), &[api.target]);
        parts.allow("argocd-repo-server-metrics", label, &[neighbours()], &[metrics.target]);
        if self.replicas() > 1 {
            parts.budget(name, label);
        }
        let mut workload = self.workload(component, self.replicas(), containers, volumes);
        workload.init = vec![self.copied_program()];
        workload.fingerprint = restart;
        parts.workload(workload);
        parts
    }

    /// Puts Argo CD's program where plugins find it, whose images do not have it.
    fn copied_program(&self) -> Container {
        let copy = "cp /usr/local/bin/argocd /var/run/argocd/argocd && ln -sf argocd /var/run/argocd/argocd-cmp-server";
        Container {
            name: "copyutil".to_owned(),
            image: self.image(),
            command: ["sh", "-c", copy].map(str::to_owned).into(),
            mounts: vec![mount("var-files", "/var/run/argocd")],
            writes: vec!["var-files".to_owned()],
            needs: ["10m", "64Mi", "512Mi"],
            ..Container::default()
        }
    }

    pub(super) fn redis(&self) -> Parts<'_> {
        let component = Component::Redis;
        let (name, label) = (component.name(), component.label());
        let port = Port::new("redis", 6379);
        let container = Container {
            name: label.to_owned(),
            image: self.context.image(&REDIS),
            // Nothing is written to disk: what is lost is fetched again.
            args: ["--save", "", "--appendonly", "no", "--requirepass", "$(REDIS_PASSWORD)"]
                .map(str::to_owned)
                .into(),
            env: vec![redis_password()],
            ports: vec![port],
            needs: ["50m", "64Mi", "512Mi"],
            resources: resources(self.settings.redis.as_ref()),
            more: json!({
                "livenessProbe": { "tcpSocket": { "port": port.name } },
                "readinessProbe": { "tcpSocket": { "port": port.name } },
            }),
            ..Container::default()
        };
        // Makes the Secret with the password, unless it is there. It alone gets a token: Redis asks nobody for anything.
        let password = Container {
            name: "secret-init".to_owned(),
            image: self.image(),
            command: ["argocd", "admin", "redis-initial-password"].map(str::to_owned).into(),
            mounts: vec![mount("token", "/var/run/secrets/kubernetes.io/serviceaccount")],
            needs: ["10m", "64Mi", "256Mi"],
            ..Container::default()
        };

        let mut parts = self.parts(component);
        parts.account(name, label);
        parts.role(name, label, name, access::redis());
        parts.service(name, label, &[port]);
        let callers = [Component::Controller, Component::RepoServer, Component::Server];
        parts.allow(name, label, &callers.map(Component::pods), &[port.target]);
        let mut workload = self.workload(component, 1, vec![container], vec![token()]);
        workload.init = vec![password];
        workload.fingerprint = String::new();
        parts.workload(workload);
        parts
    }

    pub(super) fn dex(&self) -> Parts<'_> {
        let component = Component::Dex;
        let (name, label) = (component.name(), component.label());
        let (http, grpc, health) =
            (Port::new("http", 5556), Port::new("grpc", 5557), Port::new("telemetry", 5558));
        let mut mounts = vec![
            json!({ "name": "program", "mountPath": "/shared", "readOnly": true }),
            json!({ "name": "argocd-dex-server-tls", "mountPath": "/tls", "readOnly": true }),
            json!({ "name": "tmp", "mountPath": "/tmp" }),
        ];
        let mut volumes =
            vec![json!({ "name": "program", "emptyDir": {} }), certificate("argocd-dex-server-tls")];
        let mut parts = self.parts(component);
        parts.account(name, label);
        let mut restart = self.fingerprint.clone();
        if let Some((files, path)) = &self.sign_in.account {
            parts.secret_files(files, label);
            mounts.push(
                json!({ "name": "google", "mountPath": path, "subPath": ACCOUNT_FILE, "readOnly": true }),
            );
            volumes.push(json!({ "name": "google", "projected": { "sources": files.sources("") } }));
            // As it is sealed: whoever may see the pods must not be able to try secrets.
            restart = fingerprint(&json!([restart, self.settings.auth]));
        }
        let container = Container {
            name: label.to_owned(),
            image: self.context.image(&DEX),
            command: ["/shared/argocd-dex", "rundex"].map(str::to_owned).into(),
            env: parameters(&[
                ("ARGOCD_DEX_SERVER_LOGFORMAT", "dexserver.log.format"),
                ("ARGOCD_DEX_SERVER_LOGLEVEL", "dexserver.log.level"),
            ]),
            ports: vec![http, grpc, health],
            needs: ["10m", "64Mi", "256Mi"],
            resources: resources(self.settings.dex.as_ref()),
            more: json!({
                "volumeMounts": mounts,
                "livenessProbe": { "httpGet": { "path": "/healthz/live", "port": health.name } },
                "readinessProbe": { "httpGet": { "path": "/healthz/ready", "port": health.name } },
            }),
            ..Container::default()
        };
        let copy = Container {
            name: "copyutil".to_owned(),
            image: self.image(),
            command: ["cp", "/usr/local/bin/argocd", "/shared/argocd-dex"].map(str::to_owned).into(),
            mounts: vec![mount("program", "/shared")],
            writes: vec!["program".to_owned()],
            needs: ["10m", "64Mi", "512Mi"],
            ..Container::default()
        };

        parts.role(name, label, name, access::dex());
        parts.service(name, label, &[http, grpc, health]);
        parts.allow(name, label, &[Component::Server.pods()], &[http.target, grpc.target]);
        let mut workload = self.workload(component, 1, vec![container], volumes);
        workload.init = vec![copy];
        workload.token = true;
        workload.user = DEX_USER;
        workload.fingerprint = restart;
        parts.workload(workload);
        parts
    }
}

/// The token of the pod's account, as all containers would have it.
fn token() -> Value {
    let namespace = json!({ "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } });
    json!({ "name": "token", "projected": { "sources": [
        { "serviceAccountToken": { "path": "token" } },
        { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
        { "downwardAPI": { "items": [namespace] } },
    ] } })
}
