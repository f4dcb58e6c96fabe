//! Alertmanager: tells people what Prometheus found.

use orbos_k8s::objects::Manifest;
use orbos_secrets::Existing;
use serde_json::{Value, json};

use super::prometheus::{needs_operator, pods::Pods};
use crate::{
    Datasource, Declared, Error, LogFormat, PlatformTool, Supply, ToolContext, Wiring,
    parts::{Parts, Port, claim},
    spec::{Alerting as Settings, BoomSpec, Patch},
    versions::ALERTMANAGER,
};

const APPLICATION: &str = "alertmanager";
const COMPONENT: &str = "server";
/// The name of the Alertmanager object. The operator gives it to pods as `alertmanager-caos-0`.
const NAME: &str = "caos";
/// The Service that alerts are sent to.
pub(super) const SERVICE: &str = "caos-alertmanager";
/// The port that alerts are sent to.
pub(super) const PORT: Port = Port::new("web", 9093);
/// What tells Alertmanager of a new configuration; the operator adds it to the pods.
const RELOADER: Port = Port::new("reloader-web", 8080);
/// Where pods tell each other what was sent already, over TCP and UDP.
const MESH: u16 = 9094;
const CONFIG: &str = "alertmanager-config";
/// The only key of a Secret that the operator looks at.
const KEY: &str = "alertmanager.yaml";
const FIELD: &str = "spec.alerting.config";

/// Sends nothing to nobody, and shows what there would be.
const QUIET: &str = r#"route:
  receiver: "null"
  group_by: [namespace, alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 12h
receivers:
- name: "null"
inhibit_rules:
- source_matchers: [severity = critical]
  target_matchers: [severity =~ "warning|info"]
  equal: [namespace, alertname]
- source_matchers: [severity = warning]
  target_matchers: [severity = info]
  equal: [namespace, alertname]
"#;

#[derive(Debug)]
struct Alertmanager(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.alerting.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(Alertmanager(settings)))
}

impl Alertmanager {
    fn parts<'a>(&self, context: &'a ToolContext) -> Parts<'a> {
        let version = self.0.tool.overwrite_version.as_deref().unwrap_or(ALERTMANAGER.tag);
        Parts::new(APPLICATION, version, context)
    }

    fn replicas(&self) -> u32 {
        self.0.replica_count.unwrap_or(1)
    }

    /// The Secret with the configuration: a human's, if it has the right key; else one of our own, which is added.
    fn config(&self, parts: &mut Parts<'_>) -> Result<String, Error> {
        let context = parts.context();
        let existing = self.0.existing_config.as_ref();
        let text = match context.supply(FIELD, self.0.config.as_ref(), existing)? {
            Some(Supply::Existing(existing)) if existing.key == KEY => return Ok(existing.name),
            None => QUIET.to_owned(),
            Some(supply) => {
                let secret = context.secrets.value(FIELD, &supply)?;
                let why = |_| Error::Secret { field: FIELD.to_owned(), why: "it is no text".to_owned() };
                secret.expose_text().map_err(why)?.to_owned()
            }
        };
        parts.secret(CONFIG, COMPONENT, json!({ KEY: text }));
        Ok(CONFIG.to_owned())
    }

    fn server(&self, config: &str, parts: &Parts<'_>) -> Value {
        let pods = Pods {
            component: COMPONENT,
            image: &ALERTMANAGER,
            tool: &self.0.tool,
            replicas: self.replicas(),
            needs: ["10m", "100Mi", "200Mi"],
        };
        let mut spec = pods.spec(parts);
        spec["serviceAccountName"] = json!(APPLICATION);
        spec["automountServiceAccountToken"] = json!(false);
        spec["configSecret"] = json!(config);
        spec["portName"] = json!(PORT.name);
        spec["retention"] = json!("120h");
        if let Some(storage) = &self.0.storage {
            spec["storage"] = json!({ "volumeClaimTemplate": { "spec": claim(storage, "1Gi") } });
        }
        spec
    }
}

/// Whoever sends alerts or looks at them is in the tools' namespace, as are the other pods.
fn policy(parts: &mut Parts<'_>) {
    let port = |port: u16, protocol: &str| json!({ "port": port, "protocol": protocol });
    let ports =
        [port(PORT.target, "TCP"), port(RELOADER.target, "TCP"), port(MESH, "TCP"), port(MESH, "UDP")];
    let spec = json!({
        "podSelector": { "matchLabels": parts.selector(COMPONENT) },
        "policyTypes": ["Ingress"],
        "ingress": [{ "from": [{ "podSelector": {} }], "ports": ports }],
    });
    parts.object("networking.k8s.io/v1", "NetworkPolicy", SERVICE, COMPONENT, json!({ "spec": spec }));
}

impl PlatformTool for Alertmanager {
    fn name(&self) -> &'static str {
        "alerting"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn references(&self) -> Vec<Existing> {
        let existing = self.0.existing_config.iter().filter(|it| !it.name.is_empty() && it.key != KEY);
        existing.cloned().collect()
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let parts = self.parts(context);
        Declared {
            metrics: vec![
                parts.metrics("alertmanager", COMPONENT, PORT),
                parts.metrics("alertmanager-reloader", COMPONENT, RELOADER),
            ],
            logs: vec![parts.logs("flow-alertmanager", COMPONENT, LogFormat::Logfmt)],
            datasources: vec![Datasource {
                name: "Alertmanager".to_owned(),
                uid: "alertmanager".to_owned(),
                kind: "alertmanager".to_owned(),
                url: format!("http://{SERVICE}.{}:{}", context.namespace, PORT.port),
                is_default: false,
            }],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
        needs_operator(self.name(), wiring)?;
        let mut parts = self.parts(context);
        parts.account(APPLICATION, COMPONENT);
        let config = self.config(&mut parts)?;
        parts.service(SERVICE, COMPONENT, &[PORT, RELOADER]);
        policy(&mut parts);
        if self.replicas() > 1 {
            parts.budget(SERVICE, COMPONENT);
        }
        let server = self.server(&config, &parts);
        parts.object("monitoring.coreos.com/v1", "Alertmanager", NAME, COMPONENT, json!({ "spec": server }));
        parts.finish(self.name())
    }
}

#[cfg(test)]
mod tests {
    use orbos_secrets::Secret;

    use super::*;
    use crate::Secrets;

    fn wiring() -> Wiring {
        Wiring::new(vec![("metricCollection", Declared::default())])
    }

    fn existing(key: &str) -> Settings {
        let existing = Existing { name: "mine".into(), key: key.into(), internal_name: None };
        Settings { existing_config: Some(existing), ..Settings::default() }
    }

    /// The Secret that the operator is told of, and the configuration in ours if we make one.
    fn config(settings: Settings, context: &ToolContext) -> Result<(String, Option<String>), Error> {
        let goal = Alertmanager(settings).goal(context, &wiring())?;
        let find = |kind: &str| goal.iter().find(|it| it.value()["kind"] == kind).map(Manifest::value);
        let text = |it: &Value| it.as_str().expect("it is a text").to_owned();
        let named = text(&find("Alertmanager").expect("it is there")["spec"]["configSecret"]);
        Ok((named, find("Secret").map(|it| text(&it["data"][KEY]))))
    }

    #[test]
    fn a_secret_with_the_right_key_is_used_as_it_is_and_not_read() {
        let found = config(existing(KEY), &ToolContext::new(35));
        assert_eq!(found, Ok(("mine".into(), None)));
        assert!(Alertmanager(existing(KEY)).references().is_empty());
    }

    #[test]
    fn a_secret_with_another_key_is_read_and_copied() {
        let settings = existing("config");
        let references = Alertmanager(settings.clone()).references();
        assert_eq!(references.len(), 1);
        let mut context = ToolContext::new(35);
        context.secrets = Secrets::new().with_read(&references[0], Secret::from_text("a"));
        assert_eq!(config(settings.clone(), &context), Ok((CONFIG.into(), Some("YQ==".into()))));
        context.secrets = Secrets::new();
        let error = config(settings, &context).unwrap_err().to_string();
        assert_eq!(error, "spec.alerting.config: there is no key `config` in a Secret `mine`");
    }

    #[test]
    fn without_the_operator_nobody_would_make_its_pods() {
        let goal = Alertmanager(Settings::default()).goal(&ToolContext::new(35), &Wiring::default());
        let error = goal.unwrap_err().to_string();
        assert!(error.starts_with("spec.alerting.deploy: it needs Prometheus operator"), "{error}");
    }

    #[test]
    fn what_sends_nothing_is_yaml_with_a_receiver_that_exists() {
        let quiet: Value = serde_yaml::from_str(QUIET).expect("it is YAML");
        assert_eq!(quiet["route"]["receiver"], quiet["receivers"][0]["name"]);
        assert_eq!(quiet["receivers"], json!([{ "name": "null" }]), "a receiver without a way to send");
    }
}
