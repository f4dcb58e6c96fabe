use serde_json::Value;

use super::*;
use crate::{
    MetricsEndpoint,
    alerts::AlertGroup,
    spec::{BasicAuth, KeyRef, Metrics, Modulus, Relabel, RemoteWrite, Storage},
};

fn rule(name: &'static str, needs: &'static [&'static str]) -> AlertGroup {
    AlertGroup {
        name,
        tool: "metricsPersisting",
        needs,
        rules: vec![json!({ "alert": name, "expr": "vector(1)" })],
    }
}

/// Prometheus operator, a tool with two endpoints and rules, and whatever else.
fn wiring(others: &[&'static str]) -> Wiring {
    let endpoint = |name: &str, switch| MetricsEndpoint {
        name: name.to_owned(),
        switch,
        namespace: "elsewhere".to_owned(),
        selector: [("app.kubernetes.io/name".to_owned(), name.to_owned())].into(),
        port: "metrics".to_owned(),
        ..MetricsEndpoint::default()
    };
    let declared = Declared {
        metrics: vec![endpoint("loki", "loki"), endpoint("gateway", "ambassador")],
        alerts: vec![rule("logs", &["loki"]), rule("both", &["loki", "ambassador"]), rule("always", &[])],
        ..Declared::default()
    };
    let others = others.iter().map(|it| (*it, Declared::default()));
    Wiring::new([("tool", declared)].into_iter().chain(others).collect())
}

fn goal_with(settings: Settings, wiring: &Wiring) -> Result<Vec<Manifest>, Error> {
    Prometheus(settings).goal(&ToolContext::new(35), wiring)
}

fn goal(settings: Settings) -> Vec<Manifest> {
    goal_with(settings, &wiring(&["metricCollection"])).expect("it can be rendered")
}

fn wrong(settings: Settings) -> String {
    goal_with(settings, &wiring(&["metricCollection"])).expect_err("it makes no sense").to_string()
}

fn named(goal: &[Manifest], kind: &str) -> Vec<String> {
    let of_kind = goal.iter().filter(|it| it.value()["kind"] == kind);
    of_kind.map(|it| it.value()["metadata"]["name"].as_str().expect("it has a name").to_owned()).collect()
}

fn server(goal: &[Manifest]) -> &Value {
    let server = goal.iter().find(|it| it.value()["kind"] == "Prometheus").expect("there is a server");
    &server.value()["spec"]
}

fn sent(write: RemoteWrite) -> Settings {
    Settings {
        remote_write: Some(RemoteWrite { url: "https://example.com".into(), ..write }),
        ..Settings::default()
    }
}

#[test]
fn without_the_operator_nobody_would_make_its_pods() {
    let error = goal_with(Settings::default(), &wiring(&[])).unwrap_err().to_string();
    assert!(error.starts_with("spec.metricsPersisting.deploy: it needs Prometheus operator"), "{error}");
    assert!(error.contains("spec.metricCollection.deploy"), "{error}");
}

#[test]
fn without_switches_everything_is_collected() {
    let goal = goal(Settings::default());
    let monitors = named(&goal, "ServiceMonitor");
    let expected = [
        "loki",
        "gateway",
        "boom",
        "orbiter",
        "kubernetes-apiservers",
        "kubelet",
        "coredns",
        "kube-controller-manager",
        "kube-scheduler",
        "etcd",
        "kube-proxy",
    ];
    assert_eq!(monitors, expected.map(|it| format!("{it}-servicemonitor")));
    assert_eq!(named(&goal, "PrometheusRule"), ["logs", "both", "always"]);
}

#[test]
fn with_switches_only_what_is_on_is_collected_and_evaluated() {
    let metrics = Some(Metrics { loki: true, boom: true, ..Metrics::default() });
    let goal = goal(Settings { metrics, ..Settings::default() });
    assert_eq!(named(&goal, "ServiceMonitor"), ["loki-servicemonitor", "boom-servicemonitor"]);
    assert_eq!(named(&goal, "PrometheusRule"), ["logs", "always"]);
    assert_eq!(named(&goal, "Service"), ["caos-prometheus"], "components of Kubernetes are not collected");
}

#[test]
fn a_boom_that_is_a_tool_has_one_monitor() {
    let boom = MetricsEndpoint { name: "boom".into(), switch: "boom", ..MetricsEndpoint::default() };
    let boom = Declared { metrics: vec![boom], ..Declared::default() };
    let goal = goal_with(
        Settings::default(),
        &Wiring::new(vec![("metricCollection", Declared::default()), ("boom", boom)]),
    );
    let monitors = named(&goal.expect("it can be rendered"), "ServiceMonitor");
    assert_eq!(monitors.iter().filter(|it| *it == "boom-servicemonitor").count(), 1);
}

#[test]
fn switches_without_a_meaning_are_named() {
    let metrics = Some(Metrics { database: true, loki: true, ..Metrics::default() });
    let warnings = Prometheus(Settings { metrics, ..Settings::default() }).warnings();
    let fields: Vec<_> = warnings.iter().map(|it| it.path.to_string()).collect();
    assert_eq!(fields, ["spec.metricsPersisting.metrics.database"]);
}

#[test]
fn a_monitor_has_what_the_tool_declares_and_the_label_it_is_found_by() {
    let goal = goal(Settings::default());
    let monitor = goal.iter().find(|it| it.object().to_string().ends_with("/loki-servicemonitor"));
    let monitor = monitor.expect("it is declared").value();
    assert_eq!(monitor["metadata"]["namespace"], "caos-system");
    assert_eq!(monitor["metadata"]["labels"]["boom.caos.ch/prometheus"], "caos");
    assert_eq!(monitor["spec"]["namespaceSelector"]["matchNames"], json!(["elsewhere"]));
    assert_eq!(monitor["spec"]["selector"]["matchLabels"], json!({ "app.kubernetes.io/name": "loki" }));
    assert_eq!(monitor["spec"]["endpoints"], json!([{ "port": "metrics" }]));
}

#[test]
fn the_label_orb_is_the_orbs() {
    let labels =
        |key: &str| Settings { external_labels: [(key.into(), "mine".into())].into(), ..Settings::default() };
    let error = wrong(labels("orb"));
    assert!(error.starts_with("spec.metricsPersisting.externalLabels.orb: "), "{error}");
    assert_eq!(server(&goal(labels("site")))["externalLabels"], json!({ "site": "mine", "orb": "orb" }));
}

#[test]
fn alerts_go_to_alertmanager_if_it_is_there() {
    assert!(server(&goal(Settings::default())).get("alerting").is_none());
    let goal = goal_with(Settings::default(), &wiring(&["metricCollection", "alerting"]))
        .expect("it can be rendered");
    let alertmanager = &server(&goal)["alerting"]["alertmanagers"][0];
    assert_eq!(alertmanager["name"], "caos-alertmanager");
    assert_eq!(alertmanager["port"], "web");
}

#[test]
fn only_a_volume_limits_how_much_is_kept() {
    assert!(server(&goal(Settings::default())).get("retentionSize").is_none());
    let storage = Some(Storage { size: Some("10Gi".into()), ..Storage::default() });
    let goal = goal(Settings { storage, ..Settings::default() });
    assert_eq!(server(&goal)["retentionSize"], "8192MiB");
    assert_eq!(server(&goal)["retention"], "10d");
}

#[test]
fn a_modulus_is_a_number_also_where_it_is_written_as_a_text() {
    let step = |modulus| Relabel {
        action: Some("hashmod".into()),
        target_label: Some("shard".into()),
        modulus,
        ..Relabel::default()
    };
    let settings =
        |modulus| sent(RemoteWrite { relabel_configs: vec![step(modulus)], ..RemoteWrite::default() });
    for right in [Modulus::Text("8".into()), Modulus::Number(8)] {
        let goal = goal(settings(Some(right)));
        assert_eq!(server(&goal)["remoteWrite"][0]["writeRelabelConfigs"][0]["modulus"], 8);
    }
    let field = "spec.metricsPersisting.remoteWrite.relabelConfigs[0].modulus: ";
    for bad in [
        Some(Modulus::Text("eight".into())),
        Some(Modulus::Text("-1".into())),
        Some(Modulus::Number(0)),
        None,
    ] {
        let error = wrong(settings(bad));
        assert!(error.starts_with(field), "{error}");
    }
}

#[test]
fn what_is_sent_elsewhere_names_a_place_and_whole_keys() {
    let nowhere = Settings { remote_write: Some(RemoteWrite::default()), ..Settings::default() };
    assert!(wrong(nowhere).starts_with("spec.metricsPersisting.remoteWrite.url: "));
    let username = KeyRef { name: "remote".into(), key: "username".into() };
    let basic_auth = Some(BasicAuth { username, password: KeyRef::default() });
    let error = wrong(sent(RemoteWrite { basic_auth, ..RemoteWrite::default() }));
    assert!(error.starts_with("spec.metricsPersisting.remoteWrite.basicAuth.password: "), "{error}");
    let unknown = Relabel { action: Some("keeep".into()), ..Relabel::default() };
    let error = wrong(sent(RemoteWrite { relabel_configs: vec![unknown], ..RemoteWrite::default() }));
    assert!(error.contains("relabelConfigs[0].action: there is no `keeep`"), "{error}");
}

#[test]
fn without_basic_auth_metrics_are_sent_without_a_name() {
    let goal = goal(sent(RemoteWrite::default()));
    assert_eq!(server(&goal)["remoteWrite"], json!([{ "url": "https://example.com" }]));
}
