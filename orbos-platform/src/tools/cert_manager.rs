//! cert-manager: certificates for the domains that tools are reached by, from an ACME authority.

mod access;
mod issuers;
mod webhook;

use orbos_k8s::objects::Manifest;
use serde_json::{Value, json};

use super::exposed;
use crate::{
    Declared, Error, Image, LogFormat, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    crds::{CrdBundle, DefinedKind},
    parts::{Container, Parts, Placement, Port, Runs, Workload},
    spec::{BoomSpec, Certificates as Settings, Patch, ToolSettings},
    versions::{
        CERT_MANAGER_ACMESOLVER, CERT_MANAGER_CAINJECTOR, CERT_MANAGER_CONTROLLER, CERT_MANAGER_WEBHOOK,
    },
};

const APPLICATION: &str = "cert-manager";
const METRICS: Port = Port::new("http-metrics", 9402);
/// The user that upstream's images are made for.
const USER: u32 = 1000;

static DEFINITIONS: CrdBundle = CrdBundle {
    name: "cert-manager",
    version: CERT_MANAGER_CONTROLLER.tag,
    url: "https://github.com/cert-manager/cert-manager/releases/download/v1.21.1/cert-manager.crds.yaml",
    sha256: None,
    kinds: &[
        kind("cert-manager.io", "Certificate", "certificates"),
        kind("cert-manager.io", "CertificateRequest", "certificaterequests"),
        DefinedKind { namespaced: false, ..kind("cert-manager.io", "ClusterIssuer", "clusterissuers") },
        kind("cert-manager.io", "Issuer", "issuers"),
        kind("acme.cert-manager.io", "Challenge", "challenges"),
        kind("acme.cert-manager.io", "Order", "orders"),
    ],
};

const fn kind(group: &'static str, kind: &'static str, plural: &'static str) -> DefinedKind {
    DefinedKind { group, kind, plural, version: "v1", namespaced: true }
}

/// One of the three parts that cert-manager consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Controller,
    Webhook,
    Injector,
}

impl Part {
    const ALL: [Self; 3] = [Self::Controller, Self::Webhook, Self::Injector];

    const fn name(self) -> &'static str {
        match self {
            Self::Controller => "cert-manager",
            Self::Webhook => "cert-manager-webhook",
            Self::Injector => "cert-manager-cainjector",
        }
    }

    const fn component(self) -> &'static str {
        match self {
            Self::Controller => "controller",
            Self::Webhook => "webhook",
            Self::Injector => "cainjector",
        }
    }

    const fn image(self) -> &'static Image {
        match self {
            Self::Controller => &CERT_MANAGER_CONTROLLER,
            Self::Webhook => &CERT_MANAGER_WEBHOOK,
            Self::Injector => &CERT_MANAGER_CAINJECTOR,
        }
    }

    fn ports(self) -> Vec<Port> {
        match self {
            Self::Controller => vec![METRICS, Port::new("http-healthz", 9403)],
            Self::Webhook => vec![webhook::HTTPS, Port::new("healthcheck", 6080), METRICS],
            Self::Injector => vec![METRICS],
        }
    }

    const fn needs(self) -> [&'static str; 3] {
        match self {
            Self::Controller => ["10m", "64Mi", "256Mi"],
            Self::Webhook => ["10m", "32Mi", "128Mi"],
            Self::Injector => ["10m", "64Mi", "256Mi"],
        }
    }

    fn probes(self) -> Value {
        let probe = |path: &str, port: &str, delay: u32, period: u32| {
            json!({
                "httpGet": { "path": path, "port": port },
                "initialDelaySeconds": delay,
                "periodSeconds": period,
                "timeoutSeconds": 15,
                "failureThreshold": 8,
            })
        };
        match self {
            Self::Controller => json!({ "livenessProbe": probe("/livez", "http-healthz", 10, 10) }),
            Self::Webhook => json!({
                "livenessProbe": probe("/livez", "healthcheck", 60, 10),
                "readinessProbe": probe("/healthz", "healthcheck", 5, 5),
            }),
            Self::Injector => json!({}),
        }
    }
}

#[derive(Debug)]
struct CertManager(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = match &spec.certificates {
        Some(settings) => Some(settings.clone()).filter(|it| it.tool.deploy),
        None => {
            let gateway = spec.api_gateway.as_ref().is_some_and(|it| it.tool.deploy);
            (gateway && exposed::wants_authority(spec)).then(Settings::default)
        }
    };
    settings.map(|it| Box::new(CertManager(it)) as Box<dyn PlatformTool>)
}

impl CertManager {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(CERT_MANAGER_CONTROLLER.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn replicas(&self) -> u32 {
        self.0.replica_count.unwrap_or(1)
    }

    /// All parts have to be of one version; another image is the controller's only.
    fn image(&self, image: &Image, context: &ToolContext) -> String {
        let tool = match *image == CERT_MANAGER_CONTROLLER {
            true => self.0.tool.clone(),
            false => ToolSettings { overwrite_image: None, ..self.0.tool.clone() },
        };
        context.images.overwritten(image, &tool)
    }

    fn args(&self, part: Part, context: &ToolContext) -> Vec<String> {
        let mut args = vec!["--v=2".to_owned(), "--logging-format=json".to_owned()];
        match part {
            Part::Controller => args.extend([
                "--cluster-resource-namespace=$(POD_NAMESPACE)".to_owned(),
                "--leader-election-namespace=$(POD_NAMESPACE)".to_owned(),
                format!("--acme-http01-solver-image={}", self.image(&CERT_MANAGER_ACMESOLVER, context)),
                "--max-concurrent-challenges=60".to_owned(),
            ]),
            Part::Webhook => args.extend(webhook::args()),
            Part::Injector => args.push("--leader-election-namespace=$(POD_NAMESPACE)".to_owned()),
        }
        args
    }

    fn part(&self, part: Part, parts: &mut Parts<'_>) {
        let (name, component) = (part.name(), part.component());
        parts.account(name, component);
        access::access(part, parts);
        match part {
            Part::Webhook => parts.service(name, component, &[webhook::SERVICE, METRICS]),
            Part::Controller | Part::Injector => parts.service(name, component, &[METRICS]),
        }
        let namespace = json!({ "name": "POD_NAMESPACE", "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } } });
        let container = Container {
            name: name.to_owned(),
            image: self.image(part.image(), parts.context()),
            args: self.args(part, parts.context()),
            env: vec![namespace],
            ports: part.ports(),
            needs: part.needs(),
            resources: self.0.tool.resources.clone().filter(|_| part == Part::Controller),
            more: part.probes(),
            ..Container::default()
        };
        let mut more = json!({});
        if self.replicas() > 1 {
            parts.budget(name, component);
            // With as many nodes as pods a new pod finds no place before an old one has gone.
            more = json!({ "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 1 } } });
        }
        parts.workload(Workload {
            name,
            component,
            runs: Runs::Deployment(self.replicas()),
            account: Some(name),
            token: true,
            user: USER,
            containers: vec![container],
            placement: Placement::from(&self.0.tool),
            more,
            ..Workload::default()
        });
    }
}

impl PlatformTool for CertManager {
    fn name(&self) -> &'static str {
        "certificates"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        let metrics = Part::ALL.map(|part| MetricsEndpoint {
            // What a certificate is about is a label of the metric, and no target.
            honor_labels: true,
            ..parts.metrics(part.name(), part.component(), METRICS)
        });
        let logs = Part::ALL
            .map(|part| parts.logs(&format!("flow-{}", part.name()), part.component(), LogFormat::Json));
        Declared {
            metrics: metrics.into(),
            logs: logs.into(),
            definitions: vec![&DEFINITIONS],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
        let exposures = exposed::exposed(wiring)?;
        let mut parts = self.parts(context);
        for part in Part::ALL {
            self.part(part, &mut parts);
        }
        webhook::configurations(&mut parts);
        // Without the gateway nobody would find who answers challenges.
        if wiring.has("apiGateway") {
            let wanted: Vec<_> = exposures.into_iter().filter(|it| it.acme_authority.is_some()).collect();
            issuers::issuers(&mut parts, &wanted, &self.0.tool);
        }
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests;
