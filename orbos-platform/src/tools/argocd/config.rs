//! What Argo CD reads: ConfigMaps, and the Secret that it keeps for itself.

use serde_json::{Map, Value, json};

use super::{APPLICATION, Argo, Component, PART_OF, domain};
use crate::{
    Error,
    parts::{self, Parts},
    spec::RbacConfig,
};

pub(super) const PARAMETERS: &str = "argocd-cmd-params-cm";
pub(super) const SETTINGS: &str = "argocd-cm";
pub(super) const KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";
pub(super) const TLS_CERTIFICATES: &str = "argocd-tls-certs-cm";
pub(super) const GPG_KEYS: &str = "argocd-gpg-keys-cm";
/// The public keys that GitHub, GitLab, Bitbucket and Azure publish for their servers.
const WELL_KNOWN: &str = include_str!("known_hosts");
const COMPONENT: &str = "config";

/// Changes when pods have to start again, since they read these parameters only then.
pub(super) fn fingerprint() -> String {
    parts::fingerprint(&parameters())
}

pub(super) fn objects(argo: &Argo<'_>, parts: &mut Parts<'_>) -> Result<(), Error> {
    map(parts, SETTINGS, settings(argo));
    map(parts, PARAMETERS, parameters());
    map(parts, "argocd-rbac-cm", rbac(argo.settings.rbac_config.as_ref())?);
    map(parts, KNOWN_HOSTS, json!({ "ssh_known_hosts": known_hosts(&argo.settings.known_hosts)? }));
    // Filled in by people who use Argo CD.
    map(parts, TLS_CERTIFICATES, Value::Null);
    map(parts, GPG_KEYS, Value::Null);
    // Argo CD fills it in when it starts for the first time; what is in it is not ours.
    secret(parts, "argocd-secret", &Map::new(), &Map::new());
    if !argo.sign_in.secrets.is_empty() {
        secret(parts, super::sso::SECRET, &argo.sign_in.secrets, &Map::new());
    }
    Ok(())
}

fn map(parts: &mut Parts<'_>, name: &str, data: Value) {
    let labels = json!({ PART_OF: APPLICATION });
    let body = json!({ "metadata": { "labels": labels }, "data": data });
    parts.object("v1", "ConfigMap", name, COMPONENT, body);
}

/// A Secret that Argo CD looks at.
pub(super) fn secret(
    parts: &mut Parts<'_>,
    name: &str,
    texts: &Map<String, Value>,
    labels: &Map<String, Value>,
) {
    let mut all = json!({ PART_OF: APPLICATION });
    parts::merge(&mut all, Value::Object(labels.clone()));
    let mut body = json!({ "metadata": { "labels": all }, "type": "Opaque" });
    if !texts.is_empty() {
        body["stringData"] = json!(texts);
    }
    parts.object("v1", "Secret", name, COMPONENT, body);
}

fn settings(argo: &Argo<'_>) -> Value {
    let mut data = json!({ "resource.exclusions": exclusions() });
    if let Some(domain) = domain(argo.settings) {
        data["url"] = json!(format!("https://{domain}"));
    }
    if !argo.sign_in.connectors.is_empty() {
        data["dex.config"] = json!(yaml(&json!({ "connectors": argo.sign_in.connectors })));
    }
    if let Some(oidc) = &argo.sign_in.oidc {
        data["oidc.config"] = json!(yaml(oidc));
    }
    data
}

/// What changes all the time, is made by controllers, and never stands in Git.
fn exclusions() -> String {
    let all: &[(&[&str], &[&str])] = &[
        (&["", "discovery.k8s.io"], &["Endpoints", "EndpointSlice"]),
        (&["coordination.k8s.io"], &["Lease"]),
        (
            &["authentication.k8s.io", "authorization.k8s.io"],
            &[
                "TokenReview",
                "SelfSubjectReview",
                "SubjectAccessReview",
                "LocalSubjectAccessReview",
                "SelfSubjectAccessReview",
                "SelfSubjectRulesReview",
            ],
        ),
        (&["certificates.k8s.io"], &["CertificateSigningRequest"]),
        (&["cert-manager.io"], &["CertificateRequest"]),
        (&["acme.cert-manager.io"], &["Challenge", "Order"]),
        (&["cilium.io"], &["CiliumEndpoint", "CiliumEndpointSlice", "CiliumIdentity"]),
    ];
    let all: Vec<_> =
        all.iter().map(|(groups, kinds)| json!({ "apiGroups": groups, "kinds": kinds })).collect();
    yaml(&json!(all))
}

/// `text` is what Argo CD calls `key=value`.
fn parameters() -> Value {
    json!({
        "redis.server": format!("{}:6379", Component::Redis.name()),
        "repo.server": format!("{}:8081", Component::RepoServer.name()),
        "server.dex.server": format!("{}:5556", Component::Dex.name()),
        "controller.log.format": "text",
        "applicationsetcontroller.log.format": "text",
        "server.log.format": "text",
        "reposerver.log.format": "text",
        "dexserver.log.format": "text",
    })
}

fn rbac(config: Option<&RbacConfig>) -> Result<Value, Error> {
    let RbacConfig { csv, default, scopes } = config.cloned().unwrap_or_default();
    let odd = |it: &String| it.trim().is_empty() || it.contains(['[', ']', ',', '\n']);
    if scopes.iter().any(odd) {
        let why = "an entry is empty, or has a comma, a bracket or a line break in it";
        return Err(Error::invalid("spec.reconciling.rbacConfig.scopes", why));
    }
    let mut data = json!({ "policy.csv": csv, "policy.default": default });
    if !scopes.is_empty() {
        data["scopes"] = json!(format!("[{}]", scopes.join(", ")));
    }
    Ok(data)
}

fn known_hosts(more: &[String]) -> Result<String, Error> {
    let mut all = WELL_KNOWN.to_owned();
    for (position, line) in more.iter().enumerate() {
        let line = line.trim();
        if line.lines().count() != 1 || line.split_whitespace().count() < 3 {
            let field = format!("spec.reconciling.knownHosts.{position}");
            return Err(Error::invalid(
                field,
                "it has to be one line: names, the kind of the key, and the key",
            ));
        }
        all.push_str(line);
        all.push('\n');
    }
    Ok(all)
}

fn yaml(value: &Value) -> String {
    serde_yaml::to_string(value).expect("JSON can always be written as YAML")
}
