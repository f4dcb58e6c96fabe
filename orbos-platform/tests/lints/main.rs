//! What holds for every object of every tool, whoever writes it. A new tool is looked at as soon as it is in
//! `tests/data/all.yml`; exceptions stand in `known.rs`, each with its reason, and what operators make of objects in `made.rs`.

mod access;
mod bites;
mod images;
mod known;
mod made;
mod pods;
mod reached;
mod world;

use std::collections::BTreeSet;

use orbos_platform::spec::{Logs, Metrics};
use serde_json::{Value, json};
use world::{WORLDS, World, id};

/// Shows all that a lint finds, in all worlds.
#[track_caller]
fn clean(lint: impl Fn(&World) -> Vec<String>) {
    let found: BTreeSet<_> = WORLDS
        .iter()
        .flat_map(|world| {
            let name = world.name;
            lint(world).into_iter().map(move |it| format!("{name}: {it}"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_tool_can_be_rendered_and_no_object_is_there_twice() {
    clean(|world| world.failed.clone());
}

#[test]
fn every_tool_of_the_file_is_on() {
    let text = include_str!("../data/all.yml");
    let file: Value = serde_yaml::from_str(text).expect("it is YAML");
    let schema = json!(schemars::schema_for!(orbos_platform::spec::BoomSpec));
    let deployed =
        |it: &Value| it["properties"].get("deploy").is_some() && it["properties"].get("folder").is_none();
    for (name, property) in schema["properties"].as_object().expect("it has fields") {
        let references = property.to_string();
        let mut kinds = schema["$defs"].as_object().expect("it has types").iter();
        let tool =
            kinds.any(|(kind, it)| references.contains(&format!("\"#/$defs/{kind}\"")) && deployed(it));
        assert!(!tool || file["spec"][name]["deploy"] == true, "{name} is not on in tests/data/all.yml");
    }
}

#[test]
fn images_are_pinned_and_come_from_the_mirror() {
    images::pinned();
    clean(images::found);
}

#[test]
fn containers_keep_the_baseline_or_have_a_reason() {
    clean(pods::baseline);
}

#[test]
fn containers_say_what_they_need() {
    clean(pods::needs);
}

#[test]
fn accounts_and_what_pods_read_is_there() {
    clean(pods::sources);
}

#[test]
fn ports_have_a_protocol_and_their_names_exist() {
    clean(reached::ports);
}

#[test]
fn every_selector_hits() {
    clean(reached::selectors);
}

#[test]
fn every_address_is_a_service_and_a_port() {
    clean(reached::addresses);
}

#[test]
fn nobody_may_do_everything_without_a_reason() {
    clean(access::rules);
}

#[test]
fn bindings_bind_what_is_there() {
    clean(access::bindings);
}

#[test]
fn switches_that_tools_name_are_switches_of_the_file() {
    let on = |it: Value| -> Value {
        it.as_object()
            .expect("it is a mapping")
            .keys()
            .map(|it| (it.clone(), json!(true)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let metrics: Metrics = serde_json::from_value(on(json!(Metrics::default()))).expect("they are switches");
    let logs: Logs = serde_json::from_value(on(json!(Logs::default()))).expect("they are switches");
    clean(|world| {
        let endpoints = world.wiring.all(|it| &it.metrics).map(|it| it.switch);
        let alerts = world.wiring.all(|it| &it.alerts).flat_map(|it| it.needs).copied();
        let dashboards = world.wiring.all(|it| &it.dashboards).flat_map(|it| it.needs).copied();
        let of_metrics = endpoints.chain(alerts).chain(dashboards).filter(|it| !metrics.has(it));
        let of_logs = world.wiring.all(|it| &it.logs).map(|it| it.switch).filter(|it| !logs.has(it));
        of_metrics.chain(of_logs).map(|it| format!("there is no switch `{it}`")).collect()
    });
}

#[test]
fn config_maps_fit_into_the_cluster() {
    clean(large);
}

fn large(world: &World) -> Vec<String> {
    const MOST: usize = 1 << 20;
    let size = |it: &Value| it["data"].to_string().len() + it["binaryData"].to_string().len();
    let maps = world.of_kind("ConfigMap").filter(|it| size(it) >= MOST);
    maps.map(|it| format!("{} has more than a mebibyte", id(it))).collect()
}
