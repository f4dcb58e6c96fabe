//! Bundles: what they offer, and what is said of those that are wrong.

use std::{fs, path::Path};

use orbos_infra::{Bundle, BundleKind};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|it| format!("{it:02x}")).collect()
}

fn entry(kind: &str, name: &str, version: &str, path: &str, contents: &str) -> String {
    format!(
        "- {{kind: {kind}, name: {name}, version: \"{version}\", path: \"{path}\", sha256: \"{}\", size: {}}}\n",
        hash(contents),
        contents.len()
    )
}

/// A folder with an index of these entries, and a file for each path.
fn folder(entries: &[String], files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let index = format!("kind: orbiter.caos.ch/Bundle\nversion: v0\nartifacts:\n{}", entries.concat());
    fs::write(folder.path().join("index.yml"), index).expect("it can be written");
    for (path, contents) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs::write(path, contents).expect("it can be written");
    }
    folder
}

fn whole() -> TempDir {
    let package = entry("package", "socat", "1:1.7", "p/socat.deb", "deb");
    folder(
        &[
            entry("binary", "kubeadm", "v1.20.2", "b/2/kubeadm", "two"),
            entry("binary", "kubeadm", "v1.20.10", "b/10/kubeadm", "ten"),
            entry("image", "localhost:5000/k8s/pause", "3.2", "i/pause.tar", "image"),
            entry("manifest", "network", "v1.9.0", "m/9.yml", "nine"),
            entry("manifest", "network", "v1.10.0", "m/10.yml", "tenth"),
            package.replace("}\n", ", os: debian-12}\n"),
        ],
        &[
            ("b/2/kubeadm", "two"),
            ("b/10/kubeadm", "ten"),
            ("i/pause.tar", "image"),
            ("m/9.yml", "nine"),
            ("m/10.yml", "tenth"),
            ("p/socat.deb", "deb"),
        ],
    )
}

#[test]
fn everything_is_found_by_name() {
    let folder = whole();
    let bundle = Bundle::open(folder.path()).expect("it is right");
    assert_eq!(bundle.binary("kubeadm", "v1.20.10").expect("it is there").path, "b/10/kubeadm");
    assert_eq!(bundle.image("localhost:5000/k8s/pause:3.2").expect("it is there").kind, BundleKind::Image);
    assert_eq!(bundle.images().into_keys().collect::<Vec<_>>(), ["localhost:5000/k8s/pause:3.2"]);
    assert_eq!(
        bundle.manifest("network").expect("it is there").version,
        "v1.10.0",
        "numbers are compared as numbers"
    );
    assert_eq!(bundle.packages("debian-12").len(), 1);
    assert!(bundle.packages("debian-13").is_empty());
    assert_eq!(bundle.systems().into_iter().collect::<Vec<_>>(), ["debian-12"]);
    let kubeadm = bundle.binary("kubeadm", "v1.20.2").expect("it is there");
    assert_eq!(
        fs::read_to_string(bundle.checked(kubeadm).expect("its size is right")).expect("it can be read"),
        "two"
    );
    bundle.verify().expect("every hash is right");
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let folder = whole();
    let bundle = Bundle::open(folder.path()).expect("it is right");
    let error = bundle.binary("kubeadm", "v1.21.0").expect_err("it is not there").to_string();
    assert!(
        error.contains("binary kubeadm v1.21.0") && error.ends_with("it has v1.20.10, v1.20.2"),
        "{error}"
    );
    let error = bundle.image("localhost:5000/k8s/pause").expect_err("it is not there").to_string();
    assert!(
        error.contains("image localhost:5000/k8s/pause latest") && error.ends_with("it has 3.2"),
        "{error}"
    );
    assert!(bundle.manifest("storage").is_err());
}

#[test]
fn damage_is_found_and_named() {
    let folder = whole();
    let bundle = Bundle::open(folder.path()).expect("it is right");
    fs::write(folder.path().join("b/2/kubeadm"), "TWO").expect("it can be written");
    let kubeadm = bundle.binary("kubeadm", "v1.20.2").expect("it is listed");
    bundle.checked(kubeadm).expect("its size is still right");
    let error = bundle.verify().expect_err("its hash is not").to_string();
    assert!(
        error.contains("b/2/kubeadm (binary kubeadm v1.20.2)") && error.contains(&hash("TWO")),
        "{error}"
    );
    fs::write(folder.path().join("b/2/kubeadm"), "longer").expect("it can be written");
    let error = bundle.checked(kubeadm).expect_err("its size is wrong").to_string();
    assert!(error.ends_with("it has 6 bytes, but the index says 3"), "{error}");
    fs::remove_file(folder.path().join("b/2/kubeadm")).expect("it is there");
    assert!(bundle.checked(kubeadm).is_err());
}

#[test]
fn a_wrong_index_is_refused_by_line() {
    let wrong = [
        (entry("binary", "a", "v1", "../a", ""), "not a path below"),
        (entry("binary", "a", "v1", "/a", ""), "not a path below"),
        (entry("binary", "a", "v1", "a//b", ""), "not a path below"),
        (entry("package", "a", "v1", "a", ""), "packages are for an operating system"),
        (entry("binary", "a", "v1", "a", "").replace("sha256: \"e", "sha256: \"E"), "64 hex digits"),
        (entry("program", "a", "v1", "a", ""), "program"),
        (entry("binary", "a", "v1", "a", "").repeat(2), "listed twice"),
    ];
    for (entry, why) in wrong {
        let folder = folder(std::slice::from_ref(&entry), &[]);
        let error = Bundle::open(folder.path()).expect_err(&entry).chain();
        assert!(error.contains(why) && error.contains("index.yml"), "{error}");
    }
}

#[test]
fn a_folder_that_is_no_bundle_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let error = Bundle::open(folder.path()).expect_err("there is no index").chain();
    assert!(error.contains("index.yml"), "{error}");
    fs::write(folder.path().join("index.yml"), "kind: other\nversion: v0\nartifacts: []\n")
        .expect("it can be written");
    let error = Bundle::open(folder.path()).expect_err("it is something else").to_string();
    assert!(error.contains("`other`") && error.contains("orbiter.caos.ch/Bundle"), "{error}");
}
