//! Rules and dashboards before the real Prometheus: its checks, its unit tests, and every expression on real data.

use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use orbos_platform::{
    ToolContext, Toolset,
    alerts::{AlertGroup, alerts},
    dashboards::dashboards,
    metrics, render, tools,
};
use serde_json::json;
use tempfile::TempDir;

use expressions::{Expression, of_dashboard};
use servers::Servers;

#[path = "promtool/cases.rs"]
mod cases;
#[path = "promtool/expressions.rs"]
mod expressions;
#[path = "promtool/fixture.rs"]
mod fixture;
#[path = "promtool/servers.rs"]
mod servers;

/// Why an expression of a dashboard shows nothing here, although it is right.
const EMPTY: &[(&str, &str)] = &[];

/// Why a metric is not exported here, although it is by what we install: it comes from the fixture then.
const ELSEWHERE: &[(&str, &str)] = &[
    ("node_pressure_", "kernels without pressure stall information do not have it"),
    ("node_md_", "only machines with a RAID have it"),
    ("node_nf_conntrack_", "only machines whose kernel follows connections have it"),
    ("prometheus_tsdb_wal_storage_size_bytes", "newer than the Prometheus of Debian 12"),
    ("node_disk_", "containers without disks of their own do not have it"),
];

fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(folder).output().unwrap_or_else(|error| {
        panic!("{program} is needed for this test and is not there ({error}): run `.ci/tools test`")
    });
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}\n{said}");
    said
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// A group as a file of rules. JSON is YAML too.
fn rule_file(group: &AlertGroup) -> String {
    json!({ "groups": [{ "name": group.name, "rules": group.rules }] }).to_string()
}

/// A whole `alertmanager.yaml` as the real Alertmanager reads it.
fn check_alertmanager_config(config: &str) {
    let folder = folder();
    fs::write(folder.path().join("alertmanager.yaml"), config).expect("the folder can be written to");
    run("amtool", &["check-config", "alertmanager.yaml"], folder.path());
}

#[test]
fn prometheus_accepts_all_rules() {
    let folder = folder();
    let mut names = Vec::new();
    for group in alerts() {
        let name = format!("{}.yml", group.name);
        fs::write(folder.path().join(&name), rule_file(&group)).expect("the folder can be written to");
        names.push(name);
    }
    let arguments: Vec<_> = ["check", "rules"].into_iter().chain(names.iter().map(String::as_str)).collect();
    run("promtool", &arguments, folder.path());
}

#[test]
fn alertmanager_accepts_what_it_is_started_with() {
    check_alertmanager_config(servers::ALERTMANAGER);
}

#[test]
fn alertmanager_accepts_what_it_has_unless_a_human_says_more() {
    let on = json!({ "deploy": true });
    let spec =
        serde_json::from_value(json!({ "metricCollection": on, "alerting": on })).expect("they are settings");
    let tools = Toolset::new(tools::builtin(&spec)).expect("there is one");
    let rendering = render(&tools, &ToolContext::new(35));
    let secret =
        rendering.manifests.iter().find(|it| it.to_string() == "Secret caos-system/alertmanager-config");
    let config = &secret.expect("it has one").value()["data"]["alertmanager.yaml"];
    let config = STANDARD.decode(config.as_str().expect("it is a text")).expect("it is Base64");
    check_alertmanager_config(&String::from_utf8(config).expect("it is text"));
}

/// The cases are in `tests/data/rules`, one for each alert.
#[test]
fn every_alert_fires_when_it_should_and_does_not_when_it_should_not() {
    let folder = folder();
    let groups = alerts();
    for group in &groups {
        let path = folder.path().join(format!("{}.yml", group.name));
        fs::write(path, rule_file(group)).expect("the folder can be written to");
    }
    let mut cases = cases::read();
    let mut files = Vec::new();
    for group in &groups {
        let tests = cases::tests(group, &groups, &mut cases);
        let name = format!("{}.test.yml", group.name);
        fs::write(folder.path().join(&name), tests.to_string()).expect("the folder can be written to");
        files.push(name);
    }
    assert!(cases.is_empty(), "cases without an alert: {:?}", cases.keys());
    let arguments: Vec<_> = ["test", "rules"].into_iter().chain(files.iter().map(String::as_str)).collect();
    run("promtool", &arguments, folder.path());
}

#[test]
fn every_expression_works_on_a_real_prometheus_and_every_panel_shows_something() {
    let folder = folder();
    let real = |name: &str, source: &str| {
        let elsewhere = ELSEWHERE.iter().any(|(prefix, _)| name.starts_with(prefix));
        let here = ["prometheus", "prometheus-node-exporter", "alertmanager"].contains(&source)
            || name.starts_with("etcd_");
        here && !elsewhere
    };
    fs::write(folder.path().join("fixture"), fixture::open_metrics(real))
        .expect("the folder can be written to");
    run(
        "promtool",
        &["tsdb", "create-blocks-from", "openmetrics", "--quiet", "fixture", "data"],
        folder.path(),
    );
    let groups: Vec<_> =
        alerts().iter().map(|it| json!({ "name": it.name, "interval": "1s", "rules": it.rules })).collect();
    fs::write(folder.path().join("rules.yml"), json!({ "groups": groups }).to_string())
        .expect("the folder can be written to");
    let servers = Servers::start(folder.path());
    servers.settle();

    let exported = servers.names();
    let missing = metrics::all()
        .filter(|it| real(it.name, it.source) && !exported.iter().any(|name| it.has_series(name)))
        .map(|it| it.name);
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "these are in the registry, and nobody exports them: {missing:?}");

    let mut wrong = Vec::new();
    for Expression { place, text, .. } in expressions::all() {
        if let Err(why) = servers.ask(&text) {
            wrong.push(format!("{place}: {why}\n{text}"));
        }
    }
    for Expression { place, text, legend } in dashboards().iter().flat_map(of_dashboard) {
        let empty = EMPTY.iter().any(|it| it.0 == place);
        if servers.ask(&text) == Ok(0) && !empty {
            wrong.push(format!("{place}: {legend} shows nothing:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let failed = servers.failed_rules();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
