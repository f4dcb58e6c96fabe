use std::collections::BTreeMap;

use super::*;
use crate::{
    spec::{ApiGateway, Monitoring, Network},
    tools::exposed::tests::declared,
};

const AUTHORITY: Option<&str> = Some("https://acme.example.com/directory");

fn goal(wiring: &Wiring) -> BTreeMap<String, Value> {
    let goal = CertManager(Settings::default()).goal(&ToolContext::new(35), wiring).expect("it is right");
    goal.into_iter().map(|it| (it.object().to_string(), it.value().clone())).collect()
}

fn of_kind<'a>(goal: &'a BTreeMap<String, Value>, kind: &str) -> Vec<&'a Value> {
    goal.values().filter(|it| it["kind"] == kind).collect()
}

#[test]
fn domains_of_one_authority_and_address_share_an_issuer() {
    let wiring = Wiring::new(vec![
        ("apiGateway", Declared::default()),
        ("monitoring", declared("grafana", "grafana.example.com", AUTHORITY)),
        ("reconciling", declared("argocd", "argocd.example.com", AUTHORITY)),
        ("other", declared("other", "other.example.com", Some("https://other.example.com/directory"))),
    ]);
    let goal = goal(&wiring);
    let (issuers, certificates) = (of_kind(&goal, "ClusterIssuer"), of_kind(&goal, "Certificate"));
    let mut solvers: Vec<_> =
        issuers.iter().map(|it| it["spec"]["acme"]["solvers"].as_array().map_or(0, Vec::len)).collect();
    solvers.sort_unstable();
    assert_eq!((solvers, certificates.len()), (vec![1, 2], 3));
    for certificate in certificates {
        let spec = &certificate["spec"];
        assert_eq!(spec["secretName"], spec["dnsNames"][0]);
        assert!(issuers.iter().any(|it| it["metadata"]["name"] == spec["issuerRef"]["name"]));
    }
}

#[test]
fn the_gateway_finds_the_pods_that_answer_challenges() {
    let wiring = Wiring::new(vec![
        ("apiGateway", Declared::default()),
        ("monitoring", declared("grafana", "grafana.example.com", AUTHORITY)),
    ]);
    let goal = goal(&wiring);
    let issuer = of_kind(&goal, "ClusterIssuer")[0];
    let labels = issuer
        .pointer("/spec/acme/solvers/0/http01/ingress/podTemplate/metadata/labels")
        .and_then(Value::as_object)
        .expect("solvers have labels");
    let exposure = wiring.all(|it| &it.exposures).next().expect("there is one");
    let selector = exposed::challenge_selector(exposure);
    assert!(labels.iter().all(|(key, it)| selector.get(key) == Some(it)));
    assert!(selector.len() > labels.len(), "cert-manager's own label is selected too");
}

#[test]
fn without_an_authority_or_a_gateway_nobody_is_asked() {
    let gateway = ("apiGateway", Declared::default());
    let grafana = |authority| ("monitoring", declared("grafana", "grafana.example.com", authority));
    for tools in [vec![gateway, grafana(Some("none"))], vec![grafana(AUTHORITY)]] {
        let goal = goal(&Wiring::new(tools));
        assert!(of_kind(&goal, "ClusterIssuer").is_empty());
        assert!(of_kind(&goal, "Certificate").is_empty());
    }
}

#[test]
fn it_is_there_if_a_human_says_so_or_an_authority_is_named_behind_the_gateway() {
    let deploy = |deploy| ToolSettings { deploy, ..ToolSettings::default() };
    let spec = |certificates: Option<bool>, gateway, monitoring, authority: Option<&str>| BoomSpec {
        certificates: certificates.map(|it| Settings { tool: deploy(it), ..Settings::default() }),
        api_gateway: Some(ApiGateway { tool: deploy(gateway), ..ApiGateway::default() }),
        monitoring: Some(Monitoring {
            tool: deploy(monitoring),
            network: Some(Network {
                domain: "grafana.example.com".to_owned(),
                acme_authority: authority.map(str::to_owned),
                ..Network::default()
            }),
            ..Monitoring::default()
        }),
        ..BoomSpec::default()
    };
    for (spec, there) in [
        (spec(Some(true), false, false, None), true),
        (spec(Some(false), true, true, AUTHORITY), false),
        (spec(None, true, true, AUTHORITY), true),
        (spec(None, true, true, Some("none")), false),
        (spec(None, true, true, None), false),
        (spec(None, true, false, AUTHORITY), false),
        (spec(None, false, true, AUTHORITY), false),
    ] {
        assert_eq!(tool(&spec).is_some(), there, "{spec:?}");
    }
}

#[test]
fn another_version_is_that_of_all_parts_and_another_image_that_of_the_controller() {
    let settings = ToolSettings {
        overwrite_image: Some("registry.example.com/controller".to_owned()),
        overwrite_version: Some("v1.21.2".to_owned()),
        ..ToolSettings::default()
    };
    let tool = CertManager(Settings { tool: settings, ..Settings::default() });
    let context = ToolContext::new(35);
    let images = Part::ALL.map(|it| tool.image(it.image(), &context));
    assert_eq!(
        images,
        [
            "registry.example.com/controller:v1.21.2",
            "quay.io/jetstack/cert-manager-webhook:v1.21.2",
            "quay.io/jetstack/cert-manager-cainjector:v1.21.2",
        ],
    );
    assert!(tool.args(Part::Controller, &context).iter().any(|it| it.ends_with("acmesolver:v1.21.2")));
}
