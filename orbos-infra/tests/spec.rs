//! What a human writes is read, migrated and checked.

use orbos_infra::spec::{BalancerSpec, OrbFile, OrbSpec, StaticSpec};
use orbos_state::{Diagnostics, Document, Kind, Source, render, render_kind, schema};

fn file(name: &str) -> Document {
    let path = format!("{}/tests/data/spec/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the file is there");
    Document::parse(&Source::new(name, text)).expect("the file is YAML with kind and version")
}

fn balancer(text: &str) -> BalancerSpec {
    let text = format!("kind: orbiter.caos.ch/DynamicLoadBalancer\nversion: v2\n{text}");
    let document = Document::parse(&Source::new("balancer.yml", text)).expect("it is YAML");
    document.read().unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn providers(name: &str) -> Vec<(String, Document)> {
    OrbFile::read(&file(name)).unwrap_or_else(|wrong| panic!("{wrong}")).providers
}

#[test]
fn a_file_of_the_original_is_read() {
    let orb = OrbFile::read(&file("static.yml")).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(orb.clusters.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["k8s"]);
    let (id, document) = &orb.providers[0];
    assert_eq!((id.as_str(), document.path().to_string().as_str()), ("onprem", "providers.onprem"));
    let (spec, balancer) = StaticSpec::read(document).unwrap_or_else(|wrong| panic!("{wrong}"));
    let machines =
        spec.machines().map(|(pool, it)| format!("{pool}.{} {}", it.id, it.ip)).collect::<Vec<_>>();
    assert_eq!(
        machines,
        ["masters.rack-1-a 10.20.0.11", "workers.rack-1-b 10.20.0.21", "workers.rack-2-b 10.20.0.22"]
    );
    assert_eq!(spec.spec.user, "orbiter");
    assert!(!spec.spec.verbose && spec.spec.keys.lacks_maintenance_key());
    insta::assert_snapshot!(render(&balancer.endpoints("onprem")).expect("it has a form in YAML"));
}

#[test]
fn what_is_written_is_read_again() {
    let document = &providers("static.yml")[0].1;
    let (spec, balancer) = StaticSpec::read(document).unwrap_or_else(|wrong| panic!("{wrong}"));
    let again = |text: String| Document::parse(&Source::new("again.yml", text)).expect("it is YAML");
    let written = again(render_kind(&spec).expect("it has a form in YAML"));
    assert_eq!(written.version(), "v1");
    assert_eq!(StaticSpec::read(&written).unwrap_or_else(|wrong| panic!("{wrong}")), (spec, balancer));
}

#[test]
fn what_is_left_out_has_the_originals_defaults() {
    let text = "kind: orbiter.caos.ch/StaticProvider\nversion: v0\nspec:\n  pools:\nloadbalancing:\n  \
                kind: orbiter.caos.ch/DynamicLoadBalancer\n  version: v2\n  spec:\n";
    let document = Document::parse(&Source::new("orbiter.yml", text)).expect("it is YAML");
    let (spec, balancer) = StaticSpec::read(&document).unwrap_or_else(|wrong| panic!("{wrong}"));
    insta::assert_snapshot!(render_kind(&spec).expect("it has a form in YAML"), @"
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      verbose: false
      pools: {}
      keys: {}
      externalinterfaces: []
      privateinterface: eth0
      leaveosrepositories: false
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec: null
    ");
    assert!(balancer.spec.is_empty());
}

#[test]
fn the_kubernetes_api_is_always_checked_the_same_way() {
    let spec = balancer(
        "spec:\n  m:\n  - transport:\n    - name: kubeapi\n      frontendport: 6443\n      backendport: 6666\n      \
         backendpools: [m]\n      proxyprotocol: true\n      healthchecks: {protocol: tcp, path: nonsense, code: 200}\n",
    );
    let endpoint = &spec.endpoints("p")["kubeapi"];
    insta::assert_snapshot!(render(endpoint).expect("it has a form in YAML"));
}

#[test]
fn load_balancing_v1_has_the_first_destinations_port_and_the_pools_of_all() {
    let spec: BalancerSpec = file("balancer-v1.yml").read().unwrap_or_else(|wrong| panic!("{wrong}"));
    insta::assert_snapshot!(render_kind(&spec).expect("it has a form in YAML"));
}

#[test]
fn load_balancing_v0_has_one_white_list_for_all_transports_of_every_address() {
    let spec: BalancerSpec = file("balancer-v0.yml").read().unwrap_or_else(|wrong| panic!("{wrong}"));
    let lists = spec.endpoints("p").into_iter().map(|(name, it)| {
        let ranges = it.whitelist.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        format!("{name}: {ranges}")
    });
    assert_eq!(
        lists.collect::<Vec<_>>(),
        [
            "httpingress: 192.0.2.0/24",
            "httpsingress: 192.0.2.0/24",
            "mail: 198.51.100.0/24",
            "open: 0.0.0.0/0"
        ]
    );
}

#[test]
fn a_migration_is_written_to_the_file_and_needs_no_other() {
    let text = "kind: orbiter.caos.ch/DynamicLoadBalancer\nversion: v1\nspec:\n  m:\n  - transport:\n    \
                - name: web # ours\n      sourceport: 80\n      destinations:\n      - port: 30080\n        \
                pool: m\n        healthchecks:\n          protocol: tcp\n";
    let document = Document::parse(&Source::new("b.yml", text)).expect("it is YAML");
    let edits = document.migration::<BalancerSpec>().expect("v1 is known");
    let edited = orbos_state::edit::apply(text, &edits).expect("it can be edited");
    let after = Document::parse(&Source::new("b.yml", edited)).expect("it is YAML");
    assert!(after.migration::<BalancerSpec>().expect("v2 is the newest").is_empty());
    assert_eq!(after.read::<BalancerSpec>(), document.read::<BalancerSpec>());
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let document = file("wrong.yml");
    let mut wrong = Diagnostics::new();
    wrong.keep(OrbFile::read(&document));
    for (_, provider) in document.children("providers").expect("they have kind and version") {
        wrong.keep(StaticSpec::read(&provider));
    }
    let lines = wrong.iter().map(|it| {
        let hint = it.hint.as_deref().unwrap_or("-");
        format!("{}:{} {} {}\n    {}\n    help: {hint}\n", it.line, it.column, it.code, it.path, it.message)
    });
    insta::assert_snapshot!(lines.collect::<String>());
}

#[test]
fn an_orb_needs_a_provider_and_a_cluster() {
    let text = "kind: orbiter.caos.ch/Orb\nversion: v0\nclusters: {}\nproviders: {}\n";
    let document = Document::parse(&Source::new("orbiter.yml", text)).expect("it is YAML");
    let wrong = OrbFile::read(&document).expect_err("nothing is there");
    let messages = wrong.iter().map(|it| it.message.as_str()).collect::<Vec<_>>();
    assert_eq!(messages, ["there is no cluster", "there is no provider"]);
}

#[test]
fn the_schemas_are_up_to_date() {
    for (name, schema) in [
        ("Orb", schema::<OrbSpec>()),
        ("StaticProvider", schema::<StaticSpec>()),
        ("DynamicLoadBalancer", schema::<BalancerSpec>()),
    ] {
        let path = format!("{}/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = serde_json::to_string_pretty(&schema).expect("it is JSON") + "\n";
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).expect("the folder is there");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == text,
            "schemas/{name}.json is old; write it with UPDATE_SCHEMAS=1 cargo test -p orbos-infra"
        );
    }
    assert_eq!(OrbSpec::VERSION, "v0");
}
