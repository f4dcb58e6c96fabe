//! What clusters and providers of one file have to agree on, with the lines of the file.
#![cfg(feature = "testing")]

use std::collections::BTreeMap;

use orbos_infra::{
    spec::{OrbFile, StaticSpec, agree},
    testing::Sketch,
};
use orbos_state::{Document, Source};

const FILE: &str = "\
kind: orbiter.caos.ch/Orb
version: v0
clusters:
  k8s:
    kind: example.com/Cluster
    version: v0
    spec:
      controlplane: {provider: lab, pool: masters, nodes: 1}
      workers:
      - {provider: lab, pool: workers, nodes: 1}
providers:
  lab:
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      pools:
        masters: [{id: m1, ip: 10.0.0.1}]
        workers: [{id: w1, ip: 10.0.0.2}]
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec:
        masters:
        - ip: 10.0.0.200
          transport:
          - {name: kubeapi, frontendport: 443, backendport: 6443, backendpools: [masters]}
";

/// What is said of the file, if the cluster asks for what the sketch says.
fn said(file: &str, masters: &str, workers: &str) -> String {
    let sketch: Sketch = serde_yaml::from_str(&format!(
        "{{version: v1.20.2, controlplane: {{pool: {masters}, nodes: 1}}, workers: [{{pool: {workers}, nodes: 1}}], \
         providers: {{lab: {{lists: {{}}, endpoints: {{kubeapi: masters}}}}}}}}"
    ))
    .expect("a valid sketch");
    let document = Document::parse(&Source::new("orbiter.yml", file)).expect("a document");
    let file = OrbFile::read(&document).expect("an orb");
    let (id, provider) = &file.providers[0];
    let (spec, balancer) = StaticSpec::read(provider).expect("a provider");
    let providers = BTreeMap::from([(id.clone(), spec.goal(id, balancer.endpoints(id)))]);
    let mut goal = sketch.goal().clusters.remove("k8s").expect("a cluster");
    goal.internal.insert("10.244.0.0/16".parse().expect("a range"));
    match agree(&[(file.clusters[0].1.clone(), goal)], &providers) {
        Ok(()) => "nothing".into(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn what_agrees_is_not_mentioned() {
    assert_eq!(said(FILE, "lab.masters", "lab.workers"), "nothing");
}

#[test]
fn a_pool_that_the_provider_lacks_is_named_where_it_stands() {
    let text = said(&FILE.replace("pool: workers", "pool: wrokers"), "lab.masters", "lab.wrokers");
    assert!(text.contains("provider `lab` has no pool `wrokers`"), "{text}");
    assert!(text.contains("orbiter.yml:10:") && text.contains("it has `masters`, `workers`"), "{text}");
}

#[test]
fn an_unknown_provider_is_named_where_it_stands() {
    let text = said(
        &FILE.replace("provider: lab, pool: workers", "provider: lap, pool: workers"),
        "lab.masters",
        "lap.workers",
    );
    assert!(text.contains("there is no provider `lap`") && text.contains("orbiter.yml:10:"), "{text}");
}

#[test]
fn a_cluster_without_its_endpoint_is_refused() {
    let text = said(
        &FILE.replace("{name: kubeapi,", "{name: other, healthchecks: {protocol: tcp},"),
        "lab.masters",
        "lab.workers",
    );
    assert!(text.contains("no transport named `kubeapi`"), "{text}");
}

#[test]
fn an_endpoint_in_the_range_of_the_pods_is_refused() {
    let text = said(&FILE.replace("ip: 10.0.0.200", "ip: 10.244.3.4"), "lab.masters", "lab.workers");
    assert!(text.contains("the range 10.244.0.0/16 holds 10.244.3.4"), "{text}");
}
