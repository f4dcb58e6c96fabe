//! Grafana: dashboards over what Prometheus and Loki keep.

mod auth;
mod content;
mod ini;

use std::collections::BTreeMap;

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use self::{auth::SignIn, content::Content};
use crate::{
    Declared, Error, Exposure, LogFormat, PlatformTool, Supply, ToolContext, Wiring,
    parts::{Container, Parts, Port, Runs, SecretFiles, Workload, claim, fingerprint},
    spec::{BoomSpec, Metrics, Monitoring, Patch},
    versions::GRAFANA,
};

const APPLICATION: &str = "grafana";
const COMPONENT: &str = "grafana";
const NAME: &str = "grafana";
const ADMIN: &str = "grafana-admin";
const OAUTH: &str = "grafana-oauth";
/// Where the image's Grafana looks for its configuration.
const CONFIGURATION: &str = "/etc/grafana";
const SECRETS: &str = "/etc/grafana/secrets";
const DATA: &str = "/var/lib/grafana";
/// The user and group of the image.
const USER: u32 = 472;
const PORT: Port = Port { name: "http", port: 80, target: 3000 };

#[derive(Debug)]
struct Grafana {
    settings: Monitoring,
    /// Whose metrics there are; `None`: there is no Prometheus.
    metrics: Option<Collected>,
}

/// Whose metrics a Prometheus collects.
#[derive(Debug)]
enum Collected {
    All,
    Some(Metrics),
}

impl Collected {
    fn has(&self, switch: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(metrics) => metrics.has(switch),
        }
    }
}

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.monitoring.clone().filter(|it| it.tool.deploy)?;
    let prometheus = spec.metrics_persisting.as_ref().filter(|it| it.tool.deploy);
    let metrics = prometheus.map(|it| it.metrics.clone().map_or(Collected::All, Collected::Some));
    Some(Box::new(Grafana { settings, metrics }))
}

/// The first user: its environment, and what is put into a Secret.
struct Admin {
    env: Vec<Value>,
    given: BTreeMap<&'static str, String>,
}

impl Grafana {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.settings.tool.overwrite_version.as_deref().unwrap_or(GRAFANA.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn domain(&self) -> Option<&str> {
        self.settings.network.as_ref().map(|it| it.domain.trim()).filter(|it| !it.is_empty())
    }

    fn admin(&self, context: &ToolContext) -> Result<Admin, Error> {
        let settings = self.settings.admin.clone().unwrap_or_default();
        let field = "spec.monitoring.admin.username";
        let username =
            context.supply(field, settings.username.as_ref(), settings.existing_username.as_ref())?;
        let mut admin = Admin { env: Vec::new(), given: BTreeMap::new() };
        match username {
            Some(supply) => admin.add("GF_SECURITY_ADMIN_USER", "username", field, supply)?,
            None => admin.env.push(json!({ "name": "GF_SECURITY_ADMIN_USER", "value": "admin" })),
        }
        let field = "spec.monitoring.admin.password";
        let password =
            context.supply(field, settings.password.as_ref(), settings.existing_password.as_ref())?;
        let why = "there is none; `orbctl secrets generate` writes one into the file";
        let password = context.secrets.generated(field, password, why)?;
        admin.add("GF_SECURITY_ADMIN_PASSWORD", "password", field, password)?;
        Ok(admin)
    }

    fn container(
        &self,
        context: &ToolContext,
        admin: &Admin,
        secrets: &SecretFiles,
        content: &Content,
    ) -> Container {
        let file = |file: &str, path: &str| {
            let path = format!("{CONFIGURATION}/{path}");
            json!({ "name": "configuration", "mountPath": path, "subPath": file, "readOnly": true })
        };
        // Each file by itself, since the image has more in these folders.
        let mut mounts = vec![
            file("grafana.ini", "grafana.ini"),
            file("datasources.yaml", "provisioning/datasources/boom.yaml"),
            file("dashboards.yaml", "provisioning/dashboards/boom.yaml"),
            json!({ "name": "data", "mountPath": DATA }),
            json!({ "name": "tmp", "mountPath": "/tmp" }),
        ];
        let more = content.mounts.iter().map(|(name, path)| (name.as_str(), path.as_str()));
        let secrets = (!secrets.is_empty()).then_some(("secrets", SECRETS));
        mounts.extend(
            secrets
                .into_iter()
                .chain(more)
                .map(|(name, path)| json!({ "name": name, "mountPath": path, "readOnly": true })),
        );
        let health = json!({ "path": "/api/health", "port": PORT.name });
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&GRAFANA, &self.settings.tool),
            env: admin.env.clone(),
            ports: vec![PORT],
            needs: ["100m", "256Mi", "1Gi"],
            resources: self.settings.tool.resources.clone(),
            more: json!({
                "volumeMounts": mounts,
                // Ten minutes: plugins are downloaded, and the database is brought up to date, before it answers.
                "startupProbe": { "httpGet": health, "periodSeconds": 5, "failureThreshold": 120 },
                "livenessProbe": { "httpGet": health, "timeoutSeconds": 10 },
                "readinessProbe": { "httpGet": health },
            }),
            ..Container::default()
        }
    }

    fn volumes(&self, secrets: &SecretFiles, content: &Content) -> Vec<Value> {
        let data = match &self.settings.storage {
            Some(_) => json!({ "name": "data", "persistentVolumeClaim": { "claimName": NAME } }),
            None => json!({ "name": "data", "emptyDir": {} }),
        };
        let mut volumes = vec![json!({ "name": "configuration", "configMap": { "name": NAME } }), data];
        if !secrets.is_empty() {
            volumes.push(json!({ "name": "secrets", "projected": { "sources": secrets.sources("") } }));
        }
        volumes.extend(content.volumes.iter().cloned());
        volumes
    }
}

impl Admin {
    fn add(&mut self, variable: &str, key: &'static str, field: &str, supply: Supply) -> Result<(), Error> {
        let mut reference = json!({ "name": ADMIN, "key": key });
        match supply {
            Supply::Existing(it) => reference = json!({ "name": it.name, "key": it.key }),
            Supply::Given(it) => {
                let no_text = |_| Error::Secret { field: field.to_owned(), why: "it is no text".to_owned() };
                self.given.insert(key, it.expose_text().map_err(no_text)?.to_owned());
            }
        }
        self.env.push(json!({ "name": variable, "valueFrom": { "secretKeyRef": reference } }));
        Ok(())
    }
}

impl PlatformTool for Grafana {
    fn name(&self) -> &'static str {
        "monitoring"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.settings.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        let network = self.settings.network.as_ref();
        let exposure =
            network.and_then(|it| Exposure::of(NAME, it, &context.namespace, NAME, PORT.port, false));
        Declared {
            metrics: vec![parts.metrics("grafana", COMPONENT, PORT)],
            logs: vec![parts.logs("flow-grafana", COMPONENT, LogFormat::Logfmt)],
            exposures: exposure.into_iter().collect(),
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut secrets = SecretFiles::new(OAUTH);
        let sign_in = SignIn::new(&self.settings, self.domain(), context, &mut secrets)?;
        let configuration = json!({
            "grafana.ini": ini::configuration(&self.settings, self.domain(), &sign_in)?,
            "datasources.yaml": content::datasources(&self.settings, wiring)?,
        });
        let dashboards = wiring.all(|it| &it.dashboards).filter(|it| {
            self.metrics.as_ref().is_some_and(|metrics| it.needs.iter().all(|it| metrics.has(it)))
        });
        let content = Content::new(&self.settings, dashboards)?;
        let admin = self.admin(context)?;

        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        // Of secrets as they are sealed: whoever may see the pods must not be able to try passwords.
        let changes =
            fingerprint(&json!([configuration, content.providers, self.settings.admin, self.settings.auth]));
        let mut files = configuration;
        files["dashboards.yaml"] = json!(content.providers);
        parts.config_map(NAME, COMPONENT, files);
        if !admin.given.is_empty() {
            parts.secret(ADMIN, COMPONENT, json!(admin.given));
        }
        parts.secret_files(&secrets, COMPONENT);
        for (name, file, text) in &content.dashboards {
            parts.config_map(name, COMPONENT, json!({ file: text }));
        }
        if let Some(storage) = &self.settings.storage {
            parts.object(
                "v1",
                "PersistentVolumeClaim",
                NAME,
                COMPONENT,
                json!({ "spec": claim(storage, "10Gi") }),
            );
        }
        parts.service(NAME, COMPONENT, &[PORT]);
        // Pods of this namespace only: the gateway and Prometheus.
        parts.allow(NAME, COMPONENT, &[json!({ "podSelector": {} })], &[PORT.target]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::Deployment(1),
            account: Some(NAME),
            user: USER,
            containers: vec![self.container(context, &admin, &secrets, &content)],
            volumes: self.volumes(&secrets, &content),
            placement: (&self.settings.tool).into(),
            fingerprint: changes,
            // Two pods can neither share a volume nor a database in a file. Without a volume too: a Deployment that was
            // rolled once keeps what the API server added for that, and could not get a volume later.
            more: json!({ "strategy": { "type": "Recreate" } }),
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests;
