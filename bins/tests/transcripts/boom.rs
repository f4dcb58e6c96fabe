//! `orbctl boom` without a cluster, and what it says of one that does not answer.

use std::fs;

use serde_json::Value;

use crate::{
    fixture::{Orb, text},
    orb::{ORBITER, shown},
};

const BOOM: &str = "\
apiVersion: caos.ch/v1
kind: Boom
metadata: { name: caos }
spec:
  nodeMetricsExporter: { deploy: true }
";

/// A home with a file in it, and its path.
fn with(boom: &str) -> (Orb, String) {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    let file = orb.path("boom.yml");
    fs::write(&file, boom).expect("the home is ours");
    let path = text(&file).to_owned();
    (orb, path)
}

#[test]
fn objects_are_rendered_without_an_orb_or_a_cluster() {
    let (orb, file) = with(BOOM);
    fs::remove_dir_all(orb.path(".orb")).expect("it was made");
    let yaml = orb.orbctl(&["boom", "render", "--file", &file]).ok();
    let kinds: Vec<_> = yaml.lines().filter_map(|it| it.strip_prefix("kind: ")).collect();
    assert_eq!(kinds, ["ServiceAccount", "Service", "DaemonSet"]);
    let json: Value =
        serde_json::from_str(&orb.orbctl(&["boom", "render", "--file", &file, "-o", "json"]).ok())
            .expect("it is JSON");
    assert_eq!((json["kind"].as_str(), json["items"].as_array().map(Vec::len)), (Some("List"), Some(3)));
    let wrong = orb.orbctl(&["boom", "render", "--file", &file, "--kubernetes", "2.0"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn what_secrets_hold_is_not_rendered() {
    let (orb, file) = with(&format!("{BOOM}  preApply: {{ deploy: true, folder: pre }}\n"));
    fs::create_dir(orb.path("pre")).expect("the home is ours");
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {password: hunter2}\n";
    fs::write(orb.path("pre/secret.yaml"), secret).expect("the home is ours");
    for output in ["text", "json", "yaml"] {
        let said = orb.orbctl(&["boom", "render", "--file", &file, "-o", output]).ok();
        assert!(said.contains("[secret]") && !said.contains("aHVudGVyMg"), "{said}");
    }
}

#[test]
fn a_tool_that_cannot_be_rendered_is_named_and_the_others_are_there() {
    let (orb, file) = with(&format!("{BOOM}  metricsPersisting: {{ deploy: true }}\n"));
    let said = orb.orbctl(&["boom", "render", "--file", &file]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out().contains("kind: DaemonSet"), "{said:?}");
    assert!(said.stderr.contains("error: tool metricsPersisting: spec.metricsPersisting"), "{said:?}");
}

#[test]
fn what_is_wrong_stands_where_it_is() {
    let (orb, file) = with(&BOOM.replace("deploy: true", "deply: true"));
    let said = orb.orbctl(&["boom", "render", "--file", &file]);
    assert_eq!(said.code, Some(6), "{said:?}");
    insta::assert_snapshot!("boom_mistake", shown(&orb, &said));
    let (orb, file) = with(&format!("{BOOM}  apiGateway: {{ deploy: true, activateDevPortal: true }}\n"));
    let said = orb.orbctl(&["boom", "render", "--file", &file]);
    assert!(said.stderr.starts_with("warning[ORB-1301]") && said.stderr.contains("boom.yml:6:"), "{said:?}");
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_cluster_that_does_not_answer_or_is_not_known_is_no_access() {
    let (orb, file) = with(BOOM);
    for command in ["plan", "diff", "status", "apply"] {
        let said = orb.orbctl(&["boom", command, "--file", &file]);
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.stderr.contains("use --kubeconfig"), "{said:?}");
    }
    let kubeconfig = orb.path("kubeconfig");
    let nobody = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
        users: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n";
    fs::write(&kubeconfig, nobody).expect("the home is ours");
    let said = orb.orbctl(&["boom", "plan", "--file", &file, "--kubeconfig", text(&kubeconfig)]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stderr.starts_with("error: the API server cannot be reached"), "{said:?}");
}

#[test]
fn definitions_are_vendored_from_files_that_were_brought() {
    let (orb, file) = with("apiVersion: caos.ch/v1\nkind: Boom\nspec: { certificates: { deploy: true } }\n");
    let listed = orb.orbctl(&["boom", "vendor", "--file", &file, "--dry-run"]).ok();
    assert!(listed.starts_with("cert-manager v1.21.1: https://"), "{listed}");
    let from = orb.path("crds");
    fs::create_dir(&from).expect("the home is ours");
    let vendor = ["boom", "vendor", "--file", &file, "--from", text(&from)];
    let said = orb.orbctl(&vendor);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("cert-manager.yaml"), "{said:?}");

    fs::write(from.join("cert-manager.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
        .expect("ours");
    let said = orb.orbctl(&vendor);
    assert!(said.code == Some(1) && said.stderr.contains("does not define"), "{said:?}");

    let definition = |kind: &str, plural: &str, group: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\nspec:\n  \
             group: {group}\n  names: {{kind: {kind}, plural: {plural}}}\n  scope: Namespaced\n  versions:\n  - name: v1\n    \
             served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, description: long}}}}\n---\n"
        )
    };
    let kinds = [
        ("Certificate", "certificates", "cert-manager.io"),
        ("CertificateRequest", "certificaterequests", "cert-manager.io"),
        ("Issuer", "issuers", "cert-manager.io"),
        ("ClusterIssuer", "clusterissuers", "cert-manager.io"),
        ("Order", "orders", "acme.cert-manager.io"),
        ("Challenge", "challenges", "acme.cert-manager.io"),
    ];
    let all: String = kinds.iter().map(|(kind, plural, group)| definition(kind, plural, group)).collect();
    fs::write(from.join("cert-manager.yaml"), all).expect("ours");
    let said = orb.orbctl(&vendor).ok();
    assert!(said.contains("cert-manager v1.21.1: sha256 ") && said.contains("wrote "), "{said}");
    let vendored = fs::read_to_string(orb.path("caos-internal/boom/crds/2026.08/cert-manager.yaml"))
        .expect("it is there");
    assert!(
        vendored.contains("name: orders.acme.cert-manager.io") && !vendored.contains("long"),
        "{vendored}"
    );
    let rendered = orb.orbctl(&["boom", "render", "--file", &file, "--definitions"]).ok();
    assert!(rendered.contains("name: orders.acme.cert-manager.io"), "{rendered}");
}

#[test]
fn check_reads_both_files_of_an_orb_or_the_one_that_there_is() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", BOOM)]);
    assert_eq!(orb.orbctl(&["check"]).ok(), "orbiter.yml: no mistakes\nboom.yml: no mistakes\n");
    let folder = orb.path("folder");
    fs::create_dir(&folder).expect("the home is ours");
    let wrong = format!("{BOOM}  preApply: {{ deploy: true, folder: pre }}\n");
    fs::write(folder.join("boom.yml"), wrong).expect("the folder is ours");
    let said = orb.orbctl(&["check", text(&folder)]);
    assert_eq!(said.code, Some(6), "{said:?}");
    insta::assert_snapshot!("boom_check", shown(&orb, &said));
}
