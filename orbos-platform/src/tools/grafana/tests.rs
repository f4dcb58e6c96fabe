use orbos_secrets::{Existing, Secret};
use serde_json::{Value, json};

use super::*;
use crate::{Datasource, Secrets, dashboards::Dashboard, render, toolset::Toolset};

fn grafana(monitoring: Value) -> Box<dyn PlatformTool> {
    with_prometheus(monitoring, Value::Null)
}

fn with_prometheus(mut monitoring: Value, prometheus: Value) -> Box<dyn PlatformTool> {
    monitoring["deploy"] = json!(true);
    let spec = json!({ "monitoring": monitoring, "metricsPersisting": prometheus });
    tool(&serde_json::from_value(spec).expect("these are settings")).expect("it is deployed")
}

fn wiring() -> Wiring {
    let dashboard = |uid, needs| Dashboard {
        uid,
        title: uid,
        tool: "monitoring",
        needs,
        json: json!({ "uid": uid }).to_string().into(),
    };
    let prometheus = Datasource {
        name: "Prometheus".to_owned(),
        uid: "prometheus".to_owned(),
        kind: "prometheus".to_owned(),
        url: "http://caos-prometheus.caos-system:9090".to_owned(),
        is_default: true,
    };
    let declared = Declared {
        dashboards: vec![dashboard("nodes", &["prometheus-node-exporter"]), dashboard("kubelet", &[])],
        datasources: vec![prometheus],
        ..Declared::default()
    };
    Wiring::new(vec![("metricsPersisting", declared)])
}

fn objects(tool: &dyn PlatformTool) -> Vec<Manifest> {
    tool.goal(&ToolContext::new(35), &wiring()).expect("the settings make sense")
}

fn object(tool: &dyn PlatformTool, name: &str) -> Value {
    let all = objects(tool);
    let found = all.iter().find(|it| it.to_string() == name);
    found.unwrap_or_else(|| panic!("there is no {name} in {all:?}")).value().clone()
}

fn file(tool: &dyn PlatformTool, key: &str) -> String {
    object(tool, "ConfigMap caos-system/grafana")["data"][key].as_str().expect("it is a text").to_owned()
}

fn names(tool: &dyn PlatformTool) -> Vec<String> {
    objects(tool).iter().map(ToString::to_string).collect()
}

fn error(monitoring: Value) -> String {
    grafana(monitoring).goal(&ToolContext::new(35), &wiring()).expect_err("they make no sense").to_string()
}

fn sealed() -> Value {
    json!({ "encryption": "AES256", "encoding": "Base64", "value": "AA==" })
}

fn client(more: Value) -> Value {
    let mut client = json!({
        "clientID": sealed(),
        "existingClientSecretSecret": { "name": "oauth", "key": "secret" },
    });
    crate::parts::merge(&mut client, more);
    client
}

#[test]
fn everybody_who_may_sign_in_stands_in_the_configuration_and_no_secret_does() {
    let tool = grafana(json!({
        "network": { "domain": "grafana.example.com" },
        "plugins": ["grafana-clock-panel@2.1.8", "grafana-polystat-panel"],
        "auth": {
            "google": client(json!({ "allowedDomains": ["example.com", "example.org"] })),
            "github": client(json!({ "allowedOrganizations": ["orbos"], "teamIDs": ["1", "2"] })),
            "gitlab": client(json!({ "allowedGroups": ["orbos/admins"] })),
            "genericOAuth": client(json!({
                "scopes": ["openid", "email"], "allowedDomains": ["example.com"],
                "authURL": "https://id.example.com/auth", "tokenURL": "https://id.example.com/token",
                "apiURL": "https://id.example.com/userinfo",
            })),
        },
    }));
    insta::assert_snapshot!(file(tool.as_ref(), "grafana.ini"), @r"
    [analytics]
    reporting_enabled = false
    check_for_updates = false
    check_for_plugin_updates = false
    feedback_links_enabled = false

    [news]
    news_feed_enabled = false

    [snapshots]
    external_enabled = false

    [security]
    disable_gravatar = true
    cookie_secure = true

    [log]
    mode = console

    [log.console]
    format = text

    [plugins]
    preinstall_auto_update = false
    preinstall_sync = grafana-clock-panel@2.1.8,grafana-polystat-panel

    [server]
    domain = grafana.example.com
    root_url = https://grafana.example.com/

    [auth.google]
    enabled = true
    allow_sign_up = true
    client_id = $__file{/etc/grafana/secrets/google.clientID}
    client_secret = $__file{/etc/grafana/secrets/google.clientSecret}
    allowed_domains = example.com,example.org

    [auth.github]
    enabled = true
    allow_sign_up = true
    client_id = $__file{/etc/grafana/secrets/github.clientID}
    client_secret = $__file{/etc/grafana/secrets/github.clientSecret}
    allowed_organizations = orbos
    team_ids = 1,2

    [auth.gitlab]
    enabled = true
    allow_sign_up = false
    client_id = $__file{/etc/grafana/secrets/gitlab.clientID}
    client_secret = $__file{/etc/grafana/secrets/gitlab.clientSecret}
    allowed_groups = orbos/admins

    [auth.generic_oauth]
    enabled = true
    allow_sign_up = true
    client_id = $__file{/etc/grafana/secrets/genericOAuth.clientID}
    client_secret = $__file{/etc/grafana/secrets/genericOAuth.clientSecret}
    auth_url = https://id.example.com/auth
    token_url = https://id.example.com/token
    api_url = https://id.example.com/userinfo
    scopes = openid,email
    allowed_domains = example.com
    ");
}

#[test]
fn alone_it_says_nothing_to_anybody_and_leaves_its_own_plugins_alone() {
    insta::assert_snapshot!(file(grafana(json!({})).as_ref(), "grafana.ini"), @r"
    [analytics]
    reporting_enabled = false
    check_for_updates = false
    check_for_plugin_updates = false
    feedback_links_enabled = false

    [news]
    news_feed_enabled = false

    [snapshots]
    external_enabled = false

    [security]
    disable_gravatar = true

    [log]
    mode = console

    [log.console]
    format = text

    [plugins]
    preinstall_disabled = true
    ");
}

#[test]
fn data_sources_of_tools_come_first_and_a_human_chooses_the_default() {
    let tool = grafana(json!({ "datasources": [
        { "name": "Long term", "type": "prometheus", "url": "https://mimir.example.com/$tenant", "isDefault": true },
    ] }));
    insta::assert_snapshot!(file(tool.as_ref(), "datasources.yaml"), @r"
    apiVersion: 1
    prune: true
    datasources:
    - name: Prometheus
      uid: prometheus
      type: prometheus
      access: proxy
      url: http://caos-prometheus.caos-system:9090
      isDefault: false
      editable: false
    - name: Long term
      type: prometheus
      access: proxy
      url: https://mimir.example.com/$$tenant
      isDefault: true
      editable: false
    ");
}

#[test]
fn dashboards_are_there_for_what_prometheus_collects() {
    let dashboards = |prometheus: Value| {
        let names = names(with_prometheus(json!({}), prometheus).as_ref());
        names.into_iter().filter(|it| it.contains("grafana-dashboard-")).collect::<Vec<_>>()
    };
    let (kubelet, nodes) =
        ("ConfigMap caos-system/grafana-dashboard-kubelet", "ConfigMap caos-system/grafana-dashboard-nodes");
    assert_eq!(dashboards(json!({ "deploy": true })), [nodes, kubelet]);
    assert_eq!(dashboards(json!({ "deploy": true, "metrics": { "argocd": true } })), [kubelet]);
    assert_eq!(dashboards(json!({ "deploy": false })), Vec::<String>::new());
    assert_eq!(dashboards(Value::Null), Vec::<String>::new());
}

#[test]
fn dashboards_of_a_human_are_in_their_folder_and_two_config_maps_can_have_the_same_key() {
    let tool = grafana(json!({ "dashboardproviders": [{ "configMaps": ["a", "b"], "folder": "Shop" }] }));
    insta::assert_snapshot!(file(tool.as_ref(), "dashboards.yaml"), @r"
    apiVersion: 1
    providers:
    - name: provided-0
      orgId: 1
      type: file
      folder: Shop
      disableDeletion: false
      allowUiUpdates: false
      updateIntervalSeconds: 30
      options:
        path: /var/lib/grafana-dashboards/provided-0
    ");
    let mounts = object(tool.as_ref(), "Deployment caos-system/grafana");
    let mounts = mounts.pointer("/spec/template/spec/containers/0/volumeMounts").expect("it has some");
    let paths: Vec<_> = mounts.as_array().into_iter().flatten().map(|it| &it["mountPath"]).collect();
    assert!(paths.contains(&&json!("/var/lib/grafana-dashboards/provided-0/a")), "{paths:?}");
    assert!(paths.contains(&&json!("/var/lib/grafana-dashboards/provided-0/b")), "{paths:?}");
}

#[test]
fn a_password_has_to_be_there_unless_one_only_looks() {
    let mut context = ToolContext::new(35);
    let tool = grafana(json!({}));
    assert!(tool.goal(&context, &wiring()).is_ok());
    context.secrets = Secrets::new();
    let error = tool.goal(&context, &wiring()).expect_err("there is none");
    assert_eq!(
        error.to_string(),
        "spec.monitoring.admin.password: there is none; `orbctl secrets generate` writes one into the file"
    );
}

#[test]
fn a_password_of_a_secret_is_read_by_the_pod() {
    let reference = json!({ "name": "people", "key": "admin" });
    let tool = grafana(json!({ "admin": { "existingPassword": reference } }));
    let deployment = object(tool.as_ref(), "Deployment caos-system/grafana");
    let env = &deployment.pointer("/spec/template/spec/containers/0/env").expect("it has some")[1];
    assert_eq!(env["valueFrom"]["secretKeyRef"], reference);
    assert!(!names(tool.as_ref()).contains(&"Secret caos-system/grafana-admin".to_owned()));
    assert_eq!(tool.references(), Vec::<Existing>::new());
}

#[test]
fn a_new_password_restarts_the_pod_and_the_pod_tells_nothing_of_it() {
    let annotations = |sealed: &str, password: &str| {
        let mut context = ToolContext::new(35);
        let sealed = json!({ "encryption": "AES256", "encoding": "Base64", "value": sealed });
        let tool = grafana(json!({ "admin": { "password": sealed } }));
        context.secrets = Secrets::new().with("spec.monitoring.admin.password", Secret::from_text(password));
        let toolset = Toolset::new([tool]).expect("it is one");
        let text = render(&toolset, &context).manifests.render(orbos_k8s::objects::Secrets::Shown);
        text.lines().find(|it| it.contains("boom.caos.ch/configuration")).map(str::to_owned)
    };
    assert!(annotations("AA==", "a").is_some());
    assert_ne!(annotations("AA==", "a"), annotations("AQ==", "b"));
    assert_eq!(annotations("AA==", "a"), annotations("AA==", "b"), "nobody can try passwords");
}

#[test]
fn a_volume_is_never_shared_by_two_pods() {
    for monitoring in [json!({ "storage": {} }), json!({})] {
        let deployment = object(grafana(monitoring).as_ref(), "Deployment caos-system/grafana");
        assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
    }
    let claim =
        object(grafana(json!({ "storage": {} })).as_ref(), "PersistentVolumeClaim caos-system/grafana");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "10Gi");
}

#[test]
fn sign_in_needs_a_domain_and_clients() {
    let google = |client: Value| json!({ "google": client });
    let network = json!({ "domain": "grafana.example.com" });
    assert_eq!(
        error(json!({ "auth": google(client(json!({}))) })),
        "spec.monitoring.auth.google: people cannot be sent back from there without `spec.monitoring.network.domain`"
    );
    assert_eq!(
        error(json!({ "network": network, "auth": google(json!({})) })),
        "spec.monitoring.auth.google.clientID: it is missing; `orbctl secrets set` writes it, or a Secret can be named instead"
    );
    assert_eq!(
        error(json!({ "network": network, "auth": google(json!({ "clientID": sealed() })) })),
        "spec.monitoring.auth.google.clientSecret: it is missing; `orbctl secrets set` writes it, or a Secret can be named instead"
    );
    assert_eq!(
        error(json!({ "network": network, "auth": { "genericOAuth": client(json!({})) } })),
        "spec.monitoring.auth.genericOAuth.authURL: it is missing, and has to be a URL"
    );
    assert_eq!(
        error(json!({ "network": network, "auth": google(client(json!({ "allowedDomains": ["a, b"] }))) })),
        "spec.monitoring.auth.google.allowedDomains: an entry is empty, or has a comma or a space in it"
    );
    assert!(grafana(json!({ "auth": {} })).goal(&ToolContext::new(35), &wiring()).is_ok());
}

#[test]
fn a_text_can_not_become_another_line_of_the_configuration() {
    for domain in ["a\n[auth.anonymous]", "a;b", "%(b)s", "$__env{HOME}", "${HOME}"] {
        let error = error(json!({ "network": { "domain": domain } }));
        assert!(error.starts_with("spec.monitoring.network.domain: it can have no line breaks"), "{error}");
    }
}

#[test]
fn what_is_shown_has_to_be_complete() {
    let source = |more: Value| {
        let mut source = json!({ "name": "a", "type": "loki", "url": "http://a" });
        crate::parts::merge(&mut source, more);
        source
    };
    let sources = |all: Value| error(json!({ "datasources": all }));
    assert_eq!(
        sources(json!([source(json!({ "url": "" }))])),
        "spec.monitoring.datasources.0.url: it is missing"
    );
    assert_eq!(
        sources(json!([source(json!({ "access": "server" }))])),
        "spec.monitoring.datasources.0.access: it is `server`, but can be `proxy` or `direct`"
    );
    assert_eq!(
        sources(json!([source(json!({ "name": "Prometheus" }))])),
        "spec.monitoring.datasources.0.name: there is another one that is called `Prometheus`"
    );
    let default = |name: &str| source(json!({ "name": name, "isDefault": true }));
    assert_eq!(
        sources(json!([default("a"), default("b")])),
        "spec.monitoring.datasources: only one of them can have `isDefault`"
    );
    assert_eq!(
        error(json!({ "dashboardproviders": [{ "folder": "Shop" }] })),
        "spec.monitoring.dashboardproviders.0.configMaps: it has to name one ConfigMap or more"
    );
    assert_eq!(
        error(json!({ "dashboardproviders": [{ "configMaps": ["a", "a"] }] })),
        "spec.monitoring.dashboardproviders.0.configMaps: a ConfigMap is named twice"
    );
    assert_eq!(
        error(json!({ "plugins": ["a b"] })),
        "spec.monitoring.plugins.0: it has to be one plugin, like `name` or `name@1.0.0`"
    );
}
