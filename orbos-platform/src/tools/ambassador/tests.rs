use std::collections::BTreeMap;

use super::*;
use crate::{
    spec::{Certificates, GatewayService, Monitoring, Network, ServicePort, ToolSettings},
    tools::exposed::tests::declared,
};

fn ambassador(settings: Settings) -> Ambassador {
    Ambassador { settings, without_certificates: false }
}

fn goal(settings: Settings, wiring: &Wiring) -> Result<BTreeMap<String, Value>, Error> {
    let goal = ambassador(settings).goal(&ToolContext::new(35), wiring)?;
    Ok(goal.into_iter().map(|it| (it.object().to_string(), it.value().clone())).collect())
}

fn service(service: GatewayService) -> Settings {
    Settings { service: Some(service), ..Settings::default() }
}

#[test]
fn a_domain_has_a_host_and_leads_to_its_service() {
    let wiring = Wiring::new(vec![("monitoring", declared("grafana", "grafana.example.com", None))]);
    let goal = goal(Settings::default(), &wiring).expect("it is right");
    let host = &goal["Host caos-system/grafana.example.com"];
    assert_eq!(host["spec"]["tlsSecret"]["name"], "grafana.example.com");
    assert_eq!(host["spec"]["requestPolicy"]["insecure"]["action"], "Redirect");
    let mapping = &goal["Mapping caos-system/grafana"];
    assert_eq!(mapping["spec"]["service"], "http://grafana.caos-system:80");
    assert!(!goal.keys().any(|it| it.contains("acme-challenge")), "nobody is asked for a certificate");
}

#[test]
fn challenges_find_the_pods_of_their_domain_only() {
    let authority = Some("https://acme.example.com/directory");
    let wiring = Wiring::new(vec![
        ("certificates", Declared::default()),
        ("monitoring", declared("grafana", "grafana.example.com", authority)),
        ("reconciling", declared("argocd", "argocd.example.com", authority)),
    ]);
    let goal = goal(Settings::default(), &wiring).expect("it is right");
    let mapping = &goal["Mapping caos-system/acme-challenge-grafana"];
    assert_eq!(mapping["spec"]["prefix"], "/.well-known/acme-challenge/");
    assert_eq!(mapping["spec"]["rewrite"], "", "otherwise the token of the challenge is cut off");
    assert_eq!(mapping["spec"]["service"], "http://acme-challenge-grafana.caos-system:8089");
    let selector =
        |name: &str| &goal[&format!("Service caos-system/acme-challenge-{name}")]["spec"]["selector"];
    assert_ne!(selector("grafana"), selector("argocd"));
}

#[test]
fn without_cert_manager_nobody_answers_challenges() {
    let grafana = declared("grafana", "grafana.example.com", Some("https://acme.example.com/directory"));
    let goal = goal(Settings::default(), &Wiring::new(vec![("monitoring", grafana)])).expect("it is right");
    assert!(!goal.keys().any(|it| it.contains("acme-challenge")));
}

#[test]
fn listeners_follow_the_ports_of_the_pods() {
    let port = |name: &str, port, target_port| ServicePort {
        name: name.to_owned(),
        port,
        target_port,
        node_port: None,
    };
    let ports = vec![port("http", 80, None), port("https", 443, None), port("old", 8443, Some(8443))];
    let settings = Settings {
        proxy_protocol: Some(false),
        ..service(GatewayService { kind: Some("ClusterIP".to_owned()), ports, ..GatewayService::default() })
    };
    let goal = goal(settings, &Wiring::default()).expect("it is right");
    let listeners: Vec<_> = goal
        .iter()
        .filter(|(name, _)| name.starts_with("Listener"))
        .map(|(_, it)| (it["spec"]["port"].as_u64(), it["spec"]["protocol"].as_str()))
        .collect();
    assert_eq!(listeners, [(Some(8080), Some("HTTP")), (Some(8443), Some("HTTPS"))]);
}

#[test]
fn a_port_that_cannot_be_used_is_said_with_its_field() {
    let port = |name: &str, port, target_port, node_port| ServicePort {
        name: name.to_owned(),
        port,
        target_port,
        node_port,
    };
    for (kind, ports, field) in [
        ("Nodeport", vec![], "type: `Nodeport` is no type"),
        ("NodePort", vec![port("", 80, None, None)], "ports[0].name"),
        ("NodePort", vec![port("admin", 80, None, None)], "ports[0].name"),
        ("NodePort", vec![port("http", 0, None, None)], "ports[0].port: it is 0"),
        ("NodePort", vec![port("http", 80, Some(80), None)], "ports[0].targetPort: it is 80"),
        ("NodePort", vec![port("http", 80, Some(8877), None)], "ports[0].targetPort: Emissary itself"),
        ("ClusterIP", vec![port("http", 80, None, Some(30080))], "ports[0].nodePort"),
        ("NodePort", vec![port("a", 80, None, None), port("a", 443, None, None)], "ports[1].name"),
        ("NodePort", vec![port("a", 80, None, None), port("b", 80, None, None)], "ports[1].port"),
        (
            "NodePort",
            vec![port("a", 80, None, Some(30080)), port("b", 81, Some(8081), Some(30080))],
            "ports[1].nodePort",
        ),
    ] {
        let settings =
            service(GatewayService { kind: Some(kind.to_owned()), ports, ..GatewayService::default() });
        let error = goal(settings, &Wiring::default()).expect_err(field).to_string();
        assert!(error.starts_with(&format!("spec.apiGateway.service.{field}")), "{error}");
    }
}

#[test]
fn one_pod_has_no_budget_and_follows_its_predecessor() {
    let settings = Settings { replica_count: Some(1), ..Settings::default() };
    let goal = goal(settings, &Wiring::default()).expect("it is right");
    assert!(!goal.keys().any(|it| it.contains("PodDisruptionBudget")));
    assert!(goal["Deployment caos-system/ambassador"]["spec"]["strategy"].is_null());
}

#[test]
fn what_lost_its_meaning_is_warned_about_with_what_replaces_it() {
    let settings = Settings {
        activate_dev_portal: true,
        caching: Some(Default::default()),
        existing_licence_key: Some(Default::default()),
        ..service(GatewayService {
            load_balancer_ip: Some("10.0.0.1".to_owned()),
            ..GatewayService::default()
        })
    };
    let warnings: Vec<_> = ambassador(settings).warnings();
    let fields: Vec<_> = warnings.iter().map(|it| it.path.to_string()).collect();
    assert_eq!(
        fields,
        [
            "spec.apiGateway.existingLicenceKey",
            "spec.apiGateway.activateDevPortal",
            "spec.apiGateway.caching",
            "spec.apiGateway.service.loadBalancerIP",
        ],
    );
    assert!(warnings.iter().all(|it| it.hint.is_some()));
    assert!(ambassador(Settings::default()).warnings().is_empty());
}

#[test]
fn an_authority_without_cert_manager_is_warned_about() {
    let deployed = ToolSettings { deploy: true, ..ToolSettings::default() };
    let network = Network {
        domain: "grafana.example.com".to_owned(),
        acme_authority: Some("https://acme.example.com/directory".to_owned()),
        ..Network::default()
    };
    let mut spec = BoomSpec {
        api_gateway: Some(Settings { tool: deployed.clone(), ..Settings::default() }),
        monitoring: Some(Monitoring { tool: deployed, network: Some(network), ..Monitoring::default() }),
        certificates: Some(Certificates::default()),
        ..BoomSpec::default()
    };
    let warnings = |spec: &BoomSpec| tool(spec).expect("it is deployed").warnings().len();
    assert_eq!(warnings(&spec), 1);
    spec.certificates = None;
    assert_eq!(warnings(&spec), 0);
}
