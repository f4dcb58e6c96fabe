//! BOOM itself, when it is told to replace itself by a stated version.

use orbos_k8s::objects::Manifest;
use serde_json::json;

use crate::{
    Declared, Error, LogFormat, PlatformTool, ToolContext, Wiring,
    parts::{Container, Parts, Placement, Port, Runs, Workload},
    spec::{BoomSettings as Settings, BoomSpec},
};

const NAME: &str = "boom";
const COMPONENT: &str = "operator";
const PORT: Port = Port::new("metrics", 2112);
const REGISTRY: &str = "ghcr.io";
const REPOSITORY: &str = "caos/orbos";
/// Where the clone of the repository and pinned host keys are.
const HOME: &str = "/home/boom";
const ORBCONFIG: &str = "/home/boom/orbconfig";
/// On all addresses, or the kubelet could not ask.
const LISTEN: &str = "0.0.0.0:2112";
/// The Secret with the orbconfig, which `orbctl takeoff` makes.
const SECRET: &str = "caos";

#[derive(Debug)]
struct BoomItself {
    settings: Settings,
    version: String,
}

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.boom.clone().filter(|it| it.self_reconciling)?;
    let version = settings.version.clone().filter(|it| !it.is_empty())?;
    Some(Box::new(BoomItself { settings, version }))
}

impl BoomItself {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        Parts::new(NAME, self.version.clone(), context)
    }

    /// The version is an image's tag and a label's value; a branch with a `/` is neither.
    fn valid(&self) -> Result<(), Error> {
        let letter = |it: u8| it.is_ascii_alphanumeric();
        let bytes = self.version.as_bytes();
        let ends = bytes.first().copied().is_some_and(letter) && bytes.last().copied().is_some_and(letter);
        if ends && bytes.len() <= 63 && bytes.iter().all(|it| letter(*it) || b"._-".contains(it)) {
            return Ok(());
        }
        let why = format!(
            "it is `{}`, but can have up to 63 letters, digits, `.`, `_` and `-`, and begins and ends with one of the first two",
            self.version
        );
        Err(Error::invalid("spec.boom.version", why))
    }

    /// A registry that a human names is taken as it is written; else the mirror has it, if there is one.
    fn image(&self, context: &ToolContext) -> String {
        let named = self.settings.custom_image_registry.as_deref().filter(|it| !it.is_empty());
        let repository = match named {
            Some(registry) => format!("{}/{REPOSITORY}", registry.trim_end_matches('/')),
            None => context.images.repository(&format!("{REGISTRY}/{REPOSITORY}")),
        };
        format!("{repository}:{}", self.version)
    }

    fn container(&self, context: &ToolContext) -> Container {
        let probe = |path: &str| json!({ "httpGet": { "path": path, "port": PORT.name } });
        Container {
            name: NAME.to_owned(),
            image: self.image(context),
            command: ["/boom", "--orbconfig", ORBCONFIG, "--listen", LISTEN].map(str::to_owned).into(),
            ports: vec![PORT],
            needs: ["100m", "64Mi", "256Mi"],
            resources: self.settings.resources.clone(),
            more: json!({
                "livenessProbe": probe("/healthz"),
                "readinessProbe": probe("/readyz"),
                // The clone of the repository and pinned host keys are written beside the orbconfig.
                "volumeMounts": [
                    { "name": "tmp", "mountPath": "/tmp" },
                    { "name": "home", "mountPath": HOME },
                    { "name": "orbconfig", "mountPath": ORBCONFIG, "subPath": "orbconfig", "readOnly": true },
                ],
            }),
            ..Container::default()
        }
    }
}

impl PlatformTool for BoomItself {
    fn name(&self) -> &'static str {
        NAME
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        Declared {
            metrics: vec![parts.metrics(NAME, COMPONENT, PORT)],
            logs: vec![parts.logs("flow-boom", COMPONENT, LogFormat::Plain)],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        self.valid()?;
        let mut parts = self.parts(context);
        parts.account(NAME, COMPONENT);
        // It applies whatever a human puts into the folders of the repository, of any kind, and may give rights to others
        // only if it has them: there is nothing less that would do.
        let all = json!([
            { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
            { "nonResourceURLs": ["*"], "verbs": ["*"] },
        ]);
        parts.cluster_role(NAME, COMPONENT, NAME, all);
        let lead = json!([{
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["create", "get", "list", "patch", "update", "watch"],
        }]);
        parts.role(NAME, COMPONENT, NAME, lead);
        parts.service(NAME, COMPONENT, &[PORT]);
        parts.workload(Workload {
            name: NAME,
            component: COMPONENT,
            runs: Runs::Deployment(1),
            account: Some(NAME),
            token: true,
            containers: vec![self.container(context)],
            volumes: vec![
                json!({ "name": "home", "emptyDir": {} }),
                json!({
                    "name": "orbconfig",
                    "secret": { "secretName": SECRET, "items": [{ "key": "orbconfig", "path": "orbconfig" }] },
                }),
            ],
            placement: Placement {
                node_selector: Some(&self.settings.node_selector),
                tolerations: &self.settings.tolerations,
                affinity: None,
            },
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boom(settings: serde_json::Value) -> Option<Box<dyn PlatformTool>> {
        let boom = serde_json::from_value(settings).expect("they are settings");
        tool(&BoomSpec { boom: Some(boom), ..BoomSpec::default() })
    }

    #[test]
    fn it_is_a_tool_only_if_it_is_told_so_and_which_version() {
        assert!(boom(json!({ "version": "v1" })).is_none());
        assert!(boom(json!({ "selfReconciling": true })).is_none());
        assert!(boom(json!({ "selfReconciling": true, "version": "" })).is_none());
        assert!(boom(json!({ "selfReconciling": true, "version": "v1" })).is_some());
    }

    #[test]
    fn a_version_that_cannot_be_a_tag_is_an_error() {
        let context = ToolContext::new(35);
        for (version, valid) in
            [("v1.0.0-rc.1", true), ("main_dev", true), ("feature/x", false), ("v1.", false)]
        {
            let tool = boom(json!({ "selfReconciling": true, "version": version })).expect("it is told so");
            let error = tool.goal(&context, &Wiring::default()).err().map(|it| it.to_string());
            assert_eq!(error.is_none(), valid, "{version}");
            assert!(error.is_none_or(|it| it.starts_with(&format!("spec.boom.version: it is `{version}`"))));
        }
    }
}
