//! Files that are right, in all the ways YAML can be.

use orbos_state::{Kind, render_kind, schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::{Health, Orb, Protocol, Provider, parse};

fn provider(text: &str) -> Provider {
    let text = format!("kind: example.com/Provider\nversion: v1\n{text}");
    parse(&text).and_then(|it| it.read()).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn texts_are_read_as_they_are_written() {
    let read = provider(
        "spec:\n  pools: {}\n  labels: {a: 1.20, b: no, c: 014, d: \"x\", e: v1, f: 1_000, g: 0x1f, h: true}\n",
    );
    let labels: Vec<&str> = read.spec.labels.values().map(String::as_str).collect();
    assert_eq!(labels, ["1.20", "no", "014", "x", "v1", "1_000", "0x1f", "true"]);
}

#[test]
fn booleans_of_the_original_are_booleans() {
    for (text, value) in
        [("yes", true), ("on", true), ("True", true), ("no", false), ("off", false), ("false", false)]
    {
        assert_eq!(provider(&format!("spec: {{pools: {{}}, active: {text}}}")).spec.active, value, "{text}");
    }
}

#[test]
fn a_key_without_value_is_no_key() {
    let read = provider(
        "spec:\n  pools:\n  port:\n  protocol:\n  labels:\n  health: ~\n  token: null\nloadBalancing:\n",
    );
    assert_eq!(read.spec.pools.len(), 0);
    assert_eq!((read.spec.port, read.spec.protocol, read.load_balancing), (None, Protocol::Tcp, None));
}

#[test]
fn aliases_and_merges_are_followed() {
    let read = provider(
        "spec:\n  pools:\n    a:\n    - &base {id: one, ip: 10.0.0.1}\n    b:\n    - <<: *base\n      id: two\n      ip: 10.0.0.2\n    - <<: [*base]\n      ip: 10.0.0.3\n",
    );
    let ids: Vec<String> = read.spec.pools["b"].iter().map(|it| it.id.to_string()).collect();
    assert_eq!(ids, ["two", "one"]);
}

#[test]
fn variants_are_told_apart_by_their_tag() {
    let read = provider("spec: {pools: {}, health: {type: exec, command: [true, 1]}}");
    assert_eq!(read.spec.health, Some(Health::Exec { command: vec!["true".into(), "1".into()] }));
}

#[test]
fn what_is_rendered_is_read_again() {
    let text = "kind: example.com/Orb\nversion: v0\nspec:\n  verbose: true\nproviders:\n  a:\n    kind: x\n    version: v7\n    list:\n    - 1\n";
    let orb = parse(text).and_then(|it| it.read::<Orb>()).expect("nothing is wrong");
    let rendered = render_kind(&orb).expect("it has a form");
    assert_eq!(rendered, text);
    assert_eq!(parse(&rendered).and_then(|it| it.read::<Orb>()).expect("nothing is wrong"), orb);
}

/// Like the manifests of Kubernetes.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Boom {
    metadata: Metadata,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Metadata {
    name: String,
}

impl Kind for Boom {
    const KIND: &'static str = "Boom";
    const VERSION: &'static str = "caos.ch/v1";
    const VERSION_KEY: &'static str = "apiVersion";
}

#[test]
fn the_version_of_manifests_is_their_api_version() {
    let text = "apiVersion: caos.ch/v1\nkind: Boom\nmetadata:\n  name: caos\n";
    let boom = parse(text).and_then(|it| it.read::<Boom>()).expect("nothing is wrong");
    assert_eq!(render_kind(&boom).expect("it has a form"), text);
}

#[test]
fn schemas_say_everything() {
    insta::assert_snapshot!(
        "schema_of_provider",
        serde_json::to_string_pretty(&schema::<Provider>()).expect("plain")
    );
}
