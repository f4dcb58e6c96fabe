//! Emissary: how tools are reached from outside the cluster. The original called it Ambassador.

mod access;
mod ports;
mod routes;

use orbos_k8s::objects::Manifest;
use orbos_state::Mistake;
use serde_json::{Value, json};

use super::exposed;
use crate::{
    Declared, Error, LogFormat, PlatformTool, ToolContext, Wiring,
    crds::{CrdBundle, DefinedKind},
    parts::{Container, Parts, Placement, Port, Runs, Workload},
    spec::{ApiGateway as Settings, BoomSpec, Patch},
    versions::EMISSARY,
};

const APPLICATION: &str = "ambassador";
const COMPONENT: &str = "gateway";
const NAME: &str = "ambassador";
const ADMIN_NAME: &str = "ambassador-admin";
const ADMIN: Port = Port::new("admin", 8877);
/// Upstream's images are made for this user, in the group of the superuser.
const USER: u32 = 8888;
/// The only folder that Emissary writes to.
const HOME: &str = "/tmp/ambassador";

static DEFINITIONS: CrdBundle = CrdBundle {
    name: "emissary",
    version: EMISSARY.tag,
    url: "https://raw.githubusercontent.com/emissary-ingress/emissary/v4.1.0/pkg/api/getambassador.io/crds.yaml",
    sha256: None,
    kinds: &[
        kind("Host", "hosts"),
        kind("Listener", "listeners"),
        kind("Mapping", "mappings"),
        kind("Module", "modules"),
    ],
};

const fn kind(kind: &'static str, plural: &'static str) -> DefinedKind {
    DefinedKind { group: "getambassador.io", kind, plural, version: "v3alpha1", namespaced: true }
}

#[derive(Debug)]
struct Ambassador {
    settings: Settings,
    /// Whether a tool names an authority, and a human does not want cert-manager.
    without_certificates: bool,
}

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.api_gateway.clone().filter(|it| it.tool.deploy)?;
    let without_certificates =
        spec.certificates.as_ref().is_some_and(|it| !it.tool.deploy) && exposed::wants_authority(spec);
    Some(Box::new(Ambassador { settings, without_certificates }))
}

impl Ambassador {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        Parts::new(
            APPLICATION,
            self.settings.tool.overwrite_version.as_deref().unwrap_or(EMISSARY.tag),
            context,
        )
    }

    fn replicas(&self) -> u32 {
        self.settings.replica_count.unwrap_or(3)
    }

    fn container(&self, context: &ToolContext, ports: Vec<Value>) -> Container {
        let probe = |path: &str| {
            json!({
                "httpGet": { "path": path, "port": ADMIN.name },
                "initialDelaySeconds": 30,
                "periodSeconds": 3,
                "failureThreshold": 3,
            })
        };
        Container {
            name: NAME.to_owned(),
            image: context.images.overwritten(&EMISSARY, &self.settings.tool),
            env: vec![
                json!({ "name": "HOST_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.hostIP" } } }),
                json!({ "name": "AMBASSADOR_NAMESPACE", "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } } }),
                json!({ "name": "AMBASSADOR_CONFIG_BASE_DIR", "value": HOME }),
                json!({ "name": "AMBASSADOR_JSON_LOGGING", "value": "true" }),
                json!({ "name": "HOME", "value": HOME }),
                json!({ "name": "SCOUT_DISABLE", "value": "1" }),
            ],
            mounts: vec![("pod-info".to_owned(), "/tmp/ambassador-pod-info".to_owned())],
            needs: ["200m", "300Mi", "600Mi"],
            resources: self.settings.tool.resources.clone(),
            more: json!({
                "ports": ports,
                // Envoy's binary carries this capability: without it the kernel refuses to start it.
                "securityContext": { "capabilities": { "add": ["NET_BIND_SERVICE"], "drop": ["ALL"] } },
                "livenessProbe": probe("/ambassador/v0/check_alive"),
                "readinessProbe": probe("/ambassador/v0/check_ready"),
            }),
            ..Container::default()
        }
    }

    fn workload(&self, parts: &mut Parts<'_>, ports: Vec<Value>) {
        let labels = json!({ "path": "labels", "fieldRef": { "fieldPath": "metadata.labels" } });
        // With as many nodes as pods a new pod finds no place before an old one has gone.
        let strategy =
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 1 } });
        let mut more = json!({ "progressDeadlineSeconds": 600 });
        if self.replicas() > 1 {
            more["strategy"] = strategy;
        }
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::Deployment(self.replicas()),
            account: Some(NAME),
            token: true,
            user: USER,
            containers: vec![self.container(parts.context(), ports)],
            volumes: vec![json!({ "name": "pod-info", "downwardAPI": { "items": [labels] } })],
            placement: Placement {
                affinity: self.settings.affinity.clone().map(Value::Object),
                ..Placement::from(&self.settings.tool)
            },
            pod: json!({ "securityContext": { "runAsGroup": 0 } }),
            more,
            ..Workload::default()
        });
    }
}

impl PlatformTool for Ambassador {
    fn name(&self) -> &'static str {
        "apiGateway"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.settings.tool.patches
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        Declared {
            metrics: vec![parts.metrics(NAME, COMPONENT, ADMIN)],
            logs: vec![parts.logs("flow-ambassador", COMPONENT, LogFormat::Json)],
            definitions: vec![&DEFINITIONS],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
        let reached = ports::reached(self.settings.service.as_ref())?;
        let exposures = exposed::exposed(wiring)?;
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        access::access(&mut parts);
        parts.service_with(NAME, COMPONENT, &[], reached.service);
        parts.service(ADMIN_NAME, COMPONENT, &[ADMIN]);
        let admin = json!({ "name": ADMIN.name, "containerPort": ADMIN.target, "protocol": "TCP" });
        let ports = reached.listeners.iter().map(ports::Listener::container_port).chain([admin]).collect();
        self.workload(&mut parts, ports);
        if self.replicas() > 1 {
            parts.budget(NAME, COMPONENT);
        }
        let targets: Vec<_> = reached.listeners.iter().map(|it| it.port).collect();
        parts.allow(NAME, COMPONENT, &[], &targets);
        parts.allow(ADMIN_NAME, COMPONENT, &[json!({ "podSelector": {} })], &[ADMIN.target]);
        routes::module(&mut parts, self.settings.grpc_web);
        routes::listeners(&mut parts, &reached.listeners, self.settings.proxy_protocol.unwrap_or(true));
        for exposure in exposures {
            routes::exposure(&mut parts, exposure);
            if exposure.acme_authority.is_some() && wiring.has("certificates") {
                routes::challenge(&mut parts, exposure);
            }
        }
        parts.finish(self.name())
    }

    fn warnings(&self) -> Vec<Mistake> {
        let Settings { activate_dev_portal, caching, licence_key, existing_licence_key, service, .. } =
            &self.settings;
        let address = service
            .as_ref()
            .filter(|it| it.load_balancer_ip.is_some() && it.kind.as_deref() != Some("LoadBalancer"));
        let licence = "remove it: Emissary needs no licence";
        let nothing = "it does nothing any more";
        [
            (licence_key.is_some(), "licenceKey", nothing, licence),
            (existing_licence_key.is_some(), "existingLicenceKey", nothing, licence),
            (
                *activate_dev_portal,
                "activateDevPortal",
                nothing,
                "Emissary has no developer portal; a Mapping of your own in `spec.postApply` can lead to one",
            ),
            (
                caching.is_some(),
                "caching",
                nothing,
                "the Redis behind it belonged to the licensed edition; Emissary's rate limits want a RateLimitService of \
                 your own in `spec.postApply`",
            ),
            (
                address.is_some(),
                "service.loadBalancerIP",
                "it means something to type LoadBalancer only",
                "set `type: LoadBalancer`, or remove it",
            ),
            (
                self.without_certificates,
                "deploy",
                "a tool's `network.acmeAuthority` names an authority, but `spec.certificates.deploy` is false",
                "nobody asks it for a certificate; put one into a Secret with the domain's name, or deploy `certificates`",
            ),
        ]
        .into_iter()
        .filter(|it| it.0)
        .map(|(_, field, why, hint)| Mistake::new(&format!("spec.apiGateway.{field}"), why).hint(hint))
        .collect()
    }
}

#[cfg(test)]
mod tests;
