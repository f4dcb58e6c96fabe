//! What spans several files of the driver.

use std::collections::BTreeMap;

use orbos_infra::{
    ClusteredSoftware, Inventory, Machine, MachineId, Membership, Origin, PoolRef, Ready, Tier, Version,
};
use orbos_state::{Document, Source};

use super::{
    Kubernetes, KubernetesCluster, Sources, host, observe,
    probe::{self, Traces},
    sources::Stock,
};

fn cluster(spec: &str) -> Result<KubernetesCluster, String> {
    let text = format!("kind: orbiter.caos.ch/KubernetesCluster\nversion: v0\nspec:\n{spec}");
    let document = Document::parse(&Source::new("cluster.yml", text)).map_err(|it| it.to_string())?;
    document.read().map_err(|it| it.to_string())
}

fn valid(spec: &str) -> KubernetesCluster {
    cluster(spec).unwrap_or_else(|it| panic!("{it}"))
}

const SMALL: &str = "  controlplane: { provider: p, pool: masters, nodes: 1, taints: [{ key: b, value: x, effect: NoSchedule }, { key: a, effect: NoExecute }] }
  workers: [{ provider: p, pool: workers, nodes: 2 }]
  versions: { kubernetes: v1.20.2 }
";

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

#[test]
fn defaults_are_set_when_the_file_is_read() {
    let spec = valid(SMALL).spec;
    assert_eq!(spec.networking.dnsdomain, "cluster.local");
    assert_eq!(spec.networking.podcidr.to_string(), "10.244.0.0/16");
    assert!(spec.workers[0].taints.is_none() && !spec.workers[0].updatesdisabled);
}

#[test]
fn the_originals_example_is_read() {
    let spec = valid(
        "  verbose: false
  controlplane:
    updatesdisabled: false
    provider: providerundertest
    nodes: 3
    pool: management
    taints:
    - key: node-role.kubernetes.io/master
      effect: NoSchedule
  networking:
    dnsdomain: cluster.orbitertest
    network: calico
    servicecidr: 100.126.4.0/22
    podcidr: 100.127.224.0/20
  versions:
    kubernetes: v1.21.0
    orbiter: \"\"
  customimageregistry: \"\"
  workers:
  - updatesdisabled: false
    provider: providerundertest
    nodes: 1
    pool: application
    taints: []
",
    )
    .spec;
    assert_eq!(spec.controlplane.nodes.get(), 3);
    assert_eq!(spec.workers[0].taints.as_deref(), Some(&[][..]));
}

#[test]
fn every_broken_rule_is_told_with_what_would_be_right() {
    let broken = cluster(
        "  controlplane: { provider: p, pool: masters, nodes: 1 }
  workers: [{ provider: p, pool: masters, nodes: 2 }]
  networking: { podcidr: 10.96.0.0/16 }
  versions: { kubernetes: v1.20.99 }
",
    );
    insta::assert_snapshot!(broken.expect_err("four rules are broken"));
    let even = SMALL.replace("nodes: 1", "nodes: 2");
    insta::assert_snapshot!(cluster(&even).expect_err("two is no size"));
    let zeros = format!("{SMALL}  networking: {{ podcidr: 010.0.0.0/8 }}\n");
    insta::assert_snapshot!(cluster(&zeros).expect_err("leading zeros are no range"));
    let network = format!("{SMALL}  networking: {{ network: calcio }}\n");
    insta::assert_snapshot!(cluster(&network).expect_err("neither a name nor a path"));
}

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let schema =
        serde_json::to_string_pretty(&orbos_state::schema::<KubernetesCluster>()).expect("it is JSON") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/KubernetesCluster.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &schema).expect("the folder is there");
    }
    let there = std::fs::read_to_string(path).expect("the schema is checked in");
    assert_eq!(there, schema, "run the test with UPDATE_SCHEMA=1");
}

fn kubernetes(spec: &str, sources: Sources) -> orbos_state::Result<Kubernetes> {
    Kubernetes::new("k8s", valid(spec).spec, sources)
}

#[test]
fn the_goal_says_what_is_set_on_members() {
    let goal = kubernetes(SMALL, Sources::default()).expect("complete").goal();
    let settings = |pool: &str| goal.settings[&PoolRef::new("p", pool)].clone();
    assert_eq!(settings("masters")["taints"], "a=:NoExecute,b=x:NoSchedule");
    assert_eq!(settings("workers").get("taints"), None);
    assert_eq!(settings("workers")["label orbos.ch/tier"], "workers");
    assert!(goal.routed && goal.components.is_empty() && !goal.founded_before);
}

#[test]
fn a_manifest_has_to_be_in_the_repository() {
    let spec = format!("{SMALL}  networking: {{ network: net/own.yml }}\n");
    let missing = kubernetes(&spec, Sources::default()).expect_err("it is not there");
    assert_eq!(
        missing.to_string(),
        "clusters.k8s.spec.networking.network is invalid: there is no file `net/own.yml` in the repository"
    );
    let fingerprint = |text: &str| {
        let sources = Sources { files: [("net/own.yml".into(), text.into())].into(), ..Sources::default() };
        kubernetes(&spec, sources).map(|it| it.goal().components["network"].clone())
    };
    assert!(fingerprint(" \n").is_err());
    assert_ne!(fingerprint("a: 1").expect("a manifest"), fingerprint("a: 2").expect("a manifest"));
}

#[test]
fn machines_download_what_no_bundle_has() {
    let spec = valid(SMALL).spec;
    let goal = host::goal(&spec, 6443, None, Tier::Workers, version("v1.28.3"));
    let Origin::Url { url, checksum_url } = &goal.artifacts["/usr/local/bin/kubelet"].origin else {
        panic!("a URL")
    };
    assert_eq!(url, "https://dl.k8s.io/release/v1.28.3/bin/linux/amd64/kubelet");
    assert_eq!(checksum_url, "https://dl.k8s.io/release/v1.28.3/bin/linux/amd64/kubelet.sha256");
    assert!(goal.images.is_empty());
    assert!(goal.files["/etc/containerd/config.toml"].contents.contains("registry.k8s.io/pause:3.9\""));

    let mirrored = valid(&format!("{SMALL}  artifacts: {{ mirror: \"http://mirror/k8s\" }}\n")).spec;
    let goal = host::goal(&mirrored, 6443, None, Tier::Workers, version("v1.28.3"));
    let Origin::Url { url, .. } = &goal.artifacts["/var/lib/orbos/crictl.tar.gz"].origin else {
        panic!("a URL")
    };
    assert_eq!(url, "http://mirror/k8s/cri-tools/v1.28.0/crictl-v1.28.0-linux-amd64.tar.gz");
}

fn stock() -> Stock {
    let origin = |path: &str| Origin::Bundle { path: path.into(), sha256: String::new() };
    let images = [
        "kube-apiserver:v1.20.2",
        "kube-apiserver:v1.20.4",
        "kube-proxy:v1.20.2",
        "pause:3.2",
        "etcd:3.4.13-0",
    ];
    let image = |text: &str| {
        let (name, tag) = text.split_once(':').expect("a tag");
        ((format!("k8s.gcr.io/{name}"), tag.to_owned()), origin(text))
    };
    let mut images: BTreeMap<_, _> = images.into_iter().map(image).collect();
    images.insert(("docker.io/own/net".into(), "1".into()), origin("net"));
    let binaries = [("kubelet", "v1.20.2"), ("crictl", "v1.20.0"), ("crictl", "v1.30.0")];
    let binaries = binaries.map(|(name, version)| ((name.into(), version.into()), origin(name)));
    Stock { binaries: binaries.into(), images, manifests: BTreeMap::new() }
}

#[test]
fn a_bundle_gives_each_tier_the_images_it_needs() {
    let spec = valid(SMALL).spec;
    let stock = stock();
    let images = |tier, at: &str| -> Vec<String> {
        host::goal(&spec, 6443, Some(&stock), tier, version(at)).images.into_keys().collect()
    };
    assert_eq!(
        images(Tier::Controlplane, "v1.20.2"),
        [
            "docker.io/own/net:1",
            "k8s.gcr.io/etcd:3.4.13-0",
            "k8s.gcr.io/kube-apiserver:v1.20.2",
            "k8s.gcr.io/kube-proxy:v1.20.2",
            "k8s.gcr.io/pause:3.2"
        ]
    );
    assert_eq!(
        images(Tier::Workers, "v1.20.2"),
        ["docker.io/own/net:1", "k8s.gcr.io/kube-proxy:v1.20.2", "k8s.gcr.io/pause:3.2"]
    );
    // The table wants pause 3.4.1 there, but 3.2 is what the bundle has.
    let goal = host::goal(&spec, 6443, Some(&stock), Tier::Workers, version("v1.21.0"));
    assert!(goal.files["/etc/containerd/config.toml"].contents.contains("k8s.gcr.io/pause:3.2"));
    assert_eq!(
        goal.artifacts.keys().collect::<Vec<_>>(),
        ["/usr/local/bin/crictl"],
        "its kubelet is not in the bundle"
    );
    assert_eq!(goal.artifacts["/usr/local/bin/crictl"].version, "v1.20.0");
}

#[test]
fn host_goal_of_a_control_plane() {
    let goal = host::goal(&valid(SMALL).spec, 6666, Some(&stock()), Tier::Controlplane, version("v1.20.2"));
    let files: String =
        goal.files.iter().map(|(path, file)| format!("--- {path}\n{}", file.contents)).collect();
    insta::assert_snapshot!(files);
    let rules: Vec<_> = goal
        .firewall
        .expect("one")
        .rules
        .into_iter()
        .map(|it| format!("{} {:?}", it.name, it.ports))
        .collect();
    insta::assert_snapshot!(rules.join("\n"));
}

fn id(name: &str) -> MachineId {
    let pool = if name.starts_with("masters") { "masters" } else { "workers" };
    PoolRef::new("p", pool).machine(name)
}

fn seen(said: &[(&str, &str)], unseen: &[&str]) -> orbos_state::Result<Membership> {
    let traces: BTreeMap<MachineId, Traces> =
        said.iter().map(|(name, text)| (id(name), probe::parse(text).expect("readable"))).collect();
    let names = said.iter().map(|it| it.0).chain(unseen.iter().copied());
    let machines = names.map(|it| (id(it), Machine { id: id(it), address: None })).collect();
    let machines = Inventory { machines, ..Inventory::default() };
    let pools = BTreeMap::from([
        (PoolRef::new("p", "masters"), Tier::Controlplane),
        (PoolRef::new("p", "workers"), Tier::Workers),
    ]);
    observe::membership("k8s", &pools, &machines, &traces)
}

const BARE: &str = "kubernetes 1\n";
const SILENT: &str = "kubernetes 1\ntrace kubelet.conf\ntrace admin.conf\nkubelet Kubernetes v1.20.2\n";

#[test]
fn bare_machines_have_no_cluster() {
    assert_eq!(
        seen(&[("masters-1", BARE), ("workers-1", BARE)], &[]).expect("all seen"),
        Membership::default()
    );
}

#[test]
fn a_machine_that_was_not_seen_is_not_empty() {
    let error = seen(&[("masters-1", BARE)], &["masters-2"]).expect_err("masters-2 may hold it");
    assert_eq!(
        error.chain(),
        "cluster k8s cannot be reached: p.masters.masters-2 was not seen, and no other API server answers"
    );
    assert!(seen(&[("masters-1", BARE)], &["workers-1"]).is_ok(), "workers hold nothing");
}

#[test]
fn a_silent_cluster_is_there_all_the_same() {
    let membership = seen(&[("masters-1", SILENT), ("workers-1", BARE)], &[]).expect("all seen");
    assert!(membership.founded && !membership.answering);
    assert_eq!(membership.members[&id("masters-1")].ready, Ready::No("no API server answers".into()));
    assert_eq!(membership.members.len(), 1);
}

#[test]
fn a_try_that_did_not_end_well_founded_nothing() {
    let unfinished = format!("{SILENT}unfinished founding\n");
    assert_eq!(seen(&[("masters-1", &unfinished)], &[]).expect("all seen"), Membership::default());
}

#[test]
fn unreadable_answers_are_errors() {
    assert!(probe::parse("").is_err());
    assert!(probe::parse("kubernetes 1\nnode\tmasters-1\n").is_err());
    assert!(
        probe::parse(
            "kubernetes 1\nnode\ta\tv1.20.2\t{\"status\":\"True\"}\t{}\t{\"podCIDR\":7}\nanswered\n"
        )
        .is_err()
    );
}

const RECORDED_PLANE: &str = include_str!("recorded/control-plane.txt");
const RECORDED_WORKER: &str = include_str!("recorded/worker.txt");

#[test]
fn what_real_machines_said_is_read() {
    let membership =
        seen(&[("masters-1", RECORDED_PLANE), ("workers-1", RECORDED_WORKER)], &[]).expect("readable");
    insta::assert_debug_snapshot!(membership);
}

#[test]
fn members_on_unknown_machines_are_strangers() {
    let membership = seen(&[("masters-1", RECORDED_PLANE)], &[]).expect("readable");
    assert_eq!(membership.strangers, BTreeMap::from([("workers-1".to_owned(), true)]));
}

#[test]
fn who_did_not_finish_joining_is_no_member() {
    let joining = format!("{RECORDED_WORKER}unfinished joining\n");
    let membership = seen(&[("masters-1", RECORDED_PLANE), ("workers-1", &joining)], &[]).expect("readable");
    assert_eq!(membership.members.keys().collect::<Vec<_>>(), [&id("masters-1")]);
    assert!(membership.strangers.is_empty());
}

#[test]
fn a_drained_member_says_what_for() {
    let spec = r#"{"unschedulable":true,"taints":[{"key":"node.orbos.ch/Updating","effect":"NoSchedule"},
        {"key":"node.kubernetes.io/unschedulable","effect":"NoSchedule"},{"key":"own","value":"v","effect":"NoExecute"}]}"#;
    let spec = spec.replace(['\n', ' '], "");
    let said = format!(
        "kubernetes 1\ntrace admin.conf\nnode\tmasters-1\tv1.20.2+x\t{{\"status\":\"Unknown\"}}\t{{}}\t{spec}\n\
        annotations\t{{\"orbos.ch/component-network\":\"12ab\"}}\nanswered\n"
    );
    let membership = seen(&[("masters-1", &said)], &[]).expect("readable");
    let member = &membership.members[&id("masters-1")];
    assert!(!member.serving);
    assert_eq!(member.drained_for, Some(orbos_infra::DrainReason::Updating));
    assert_eq!(member.settings["taints"], "own=v:NoExecute");
    assert_eq!(member.ready, Ready::No("its kubelet does not report".into()));
    assert_eq!(member.version, version("v1.20.2"));
    assert_eq!(membership.components["network"], "12ab");
}

#[test]
fn a_member_without_a_network_works_but_for_that() {
    let ready = |said: &str| {
        let said = format!(
            "kubernetes 1\ntrace admin.conf\nnode\tmasters-1\tv1.20.2\t{said}\t{{}}\t{{}}\nanswered\n"
        );
        let membership = seen(&[("masters-1", &said)], &[]).expect("readable");
        membership.members[&id("masters-1")].ready.clone()
    };
    // As a kubelet 1.20.2 on containerd 1.6 says it.
    let lacking = r#"{"message":"[runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized, Failed to initialize CSINode]","reason":"KubeletNotReady","status":"False"}"#;
    assert_eq!(ready(lacking), Ready::NoNetwork);
    assert_eq!(ready(&lacking.replace("False", "Unknown")), Ready::No("its kubelet does not report".into()));
    let broken = Ready::No("its kubelet is not ready: KubeletNotReady".into());
    for more in ["PLEG is not healthy: never seen", "container runtime is down"] {
        assert_eq!(ready(&lacking.replace("Failed to initialize CSINode", more)), broken, "{more}");
    }
    let other = r#"{"message":"CSINode is not yet initialized","reason":"KubeletNotReady","status":"False"}"#;
    assert_eq!(ready(other), broken);
    assert_eq!(ready(""), Ready::No("its kubelet has not reported yet".into()));
    assert_eq!(ready(r#"{"status":"True"}"#), Ready::Yes);
}

#[test]
fn half_an_answer_is_none() {
    let traces =
        probe::parse("kubernetes 1\nnode\ta\tv1.20.2\t{\"status\":\"True\"}\t{}\t{}\n").expect("readable");
    assert_eq!(traces.answer, None);
}
