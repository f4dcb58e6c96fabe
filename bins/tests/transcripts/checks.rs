//! `check` with every class of mistake, in the repository and in folders.

use std::fs;

use crate::{
    fixture::{Orb, text},
    orb::{ORBITER, shown, transcript},
};

/// What is wrong, as replacements in the orb's file.
const MISTAKES: [(&str, &[(&str, &str)]); 14] = [
    ("an unknown field", &[("        nodes: 1\n      net", "        node: 1\n      net")]),
    ("a wrong type", &[("kubernetes: v1.20.2", "kubernetes: [v1.20.2]")]),
    ("an unknown version of Kubernetes", &[("v1.20.2", "v1.12.0")]),
    ("a quorum that is none", &[("nodes: 1\n      net", "nodes: 2\n      net")]),
    ("overlapping ranges", &[("10.244.0.0/16", "10.96.0.0/16")]),
    ("a pool used twice", &[("pool: workers", "pool: masters")]),
    ("an unknown provider", &[("- provider: rack", "- provider: rock")]),
    (
        "an unknown version of a kind",
        &[("DynamicLoadBalancer\n      version: v2", "DynamicLoadBalancer\n      version: v9")],
    ),
    ("no kind", &[("    kind: orbiter.caos.ch/StaticProvider\n", "")]),
    ("a key twice", &[("      - provider: rack\n", "      - provider: rack\n        provider: rack\n")]),
    ("no YAML", &[("spec:\n      pools:", "spec: {\n      pools:")]),
    ("an address that is none", &[("127.254.0.21", "127.254.0.999")]),
    ("a manifest that is not there", &[("network: routed", "network: networks/mine.yaml")]),
    ("several at once", &[("v1.20.2", "v1.12.0"), ("127.254.0.21", "w1"), ("dnsdomain", "dnsdomian")]),
];

#[test]
fn every_class_of_mistake_has_a_place_and_a_hint() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    let folder = orb.path("folder");
    fs::create_dir(&folder).expect("the home is empty");
    let mut all = String::new();
    for (what, changes) in MISTAKES {
        let mut file = ORBITER.to_owned();
        for (old, new) in changes {
            assert!(file.contains(old), "{old}");
            file = file.replace(old, new);
        }
        fs::write(folder.join("orbiter.yml"), file).expect("the folder is ours");
        let said = orb.orbctl(&["check", text(&folder)]);
        assert_eq!(said.code, Some(6), "{what}: {said:?}");
        all += &format!("# {what}\n{}\n", shown(&orb, &said));
    }
    insta::assert_snapshot!("mistakes", all);
}

#[test]
fn a_folder_needs_no_orbconfig_and_its_manifests_count() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    fs::remove_dir_all(orb.path(".orb")).expect("it was made");
    let folder = orb.path("folder");
    fs::create_dir_all(folder.join("networks")).expect("the home is empty");
    let file = ORBITER.replace("network: routed", "network: networks/mine.yaml");
    fs::write(folder.join("orbiter.yml"), file).expect("the folder is ours");
    let folder_name = text(&folder);
    fs::write(folder.join("networks/mine.yaml"), "").expect("the folder is ours");
    let empty = orb.orbctl(&["check", folder_name]);
    assert!(empty.code == Some(6) && empty.stderr.contains("networks/mine.yaml` is empty"), "{empty:?}");
    fs::write(folder.join("networks/mine.yaml"), "kind: List\n").expect("the folder is ours");
    assert_eq!(orb.orbctl(&["check", folder_name]).ok(), "orbiter.yml: no mistakes\n");
    assert_eq!(orb.orbctl(&["check", "/nowhere"]).code, Some(1));
}

#[test]
fn api_writes_the_newest_versions_and_keeps_everything_else() {
    let old = ORBITER.replace(
        "      version: v2\n      spec:\n        masters:",
        "      version: v2 # newest\n      spec:\n        masters:",
    );
    let orb = Orb::with(&[("orbiter.yml", &old)]);
    let before = orb.commits();
    insta::assert_snapshot!("api", transcript(&orb, &[&["api", "--dry-run"]]));
    assert_eq!((orb.commits(), orb.file("orbiter.yml")), (before, old.clone()));
    orb.orbctl(&["api"]).ok();
    assert_eq!(orb.file("orbiter.yml"), old.replace("version: v0   # as", "version: v1   # as"));
    assert_eq!(orb.git(&["log", "-1", "--format=%s", "main"]).trim(), "migrate apis");
    assert_eq!(orb.orbctl(&["api"]).ok(), "orbiter.yml: every version is the newest\n");
    assert_eq!(orb.commits(), before + 1);
    orb.commit(&[("orbiter.yml", &old.replace("v1.20.2", "v1.12.0"))]);
    assert_eq!(orb.orbctl(&["api"]).code, Some(6), "a file with mistakes stays as it is");
}

#[test]
fn api_rewrites_what_boom_reads_too() {
    let old = "apiVersion: boom.caos.ch/v1beta1\nkind: Toolset\nspec:\n  # looked at\n  grafana:\n    deploy: true\n";
    let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", old)]);
    let said = orb.orbctl(&["api"]).ok();
    assert!(said.contains("-  grafana:\n+  monitoring:\n"), "{said}");
    let new = "apiVersion: caos.ch/v1\nkind: Boom\nspec:\n  # looked at\n  monitoring:\n    deploy: true\n";
    assert_eq!(orb.file("boom.yml"), new);
    assert!(orb.orbctl(&["api"]).ok().contains("boom.yml: every version is the newest\n"));
    orb.commit(&[("boom.yml", &old.replace("deploy", "deplyo"))]);
    assert_eq!(orb.orbctl(&["api"]).code, Some(6), "a file with mistakes stays as it is");
}
