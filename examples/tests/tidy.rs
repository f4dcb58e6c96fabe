//! The house rules that no compiler keeps; `ARCHITECTURE.md` has them in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use regex_lite::Regex;
use serde_json::Value;

/// Our packages, each with its layer: arrows point to lower layers only.
const LAYERS: &[(&str, u8)] = &[
    ("orbos-secrets", 0),
    ("orbos-state", 1),
    ("orbos-ssh", 1),
    ("orbos-infra", 2),
    ("orbos-k8s", 3),
    ("orbos-platform", 4),
    ("orbos", 5),
    ("orbos-examples", 5),
    ("orbos-lab", 5),
];

/// Foreign crates, each with the only packages that may use them.
const HOMES: &[(&str, &[&str])] = &[
    ("aes", &["orbos-secrets"]),
    ("age", &["orbos-secrets"]),
    ("argon2", &["orbos-secrets"]),
    ("cfb-mode", &["orbos-secrets"]),
    ("openpgp-card", &["orbos-secrets"]),
    ("pgp", &["orbos-secrets"]),
    ("ring", &["orbos-secrets"]),
    ("git2", &["orbos-state"]),
    ("granit-parser", &["orbos-state"]),
    ("yaml-edit", &["orbos-state"]),
    ("async-ssh2-lite", &["orbos-ssh"]),
    ("google-apis-common", &["orbos-infra"]),
    ("k8s-openapi", &["orbos-k8s"]),
    ("kube", &["orbos-k8s"]),
    ("json-patch", &["orbos-platform"]),
    ("promql-parser", &["orbos-platform"]),
    ("ureq", &["orbos"]),
    ("anyhow", &["orbos", "orbos-examples", "orbos-lab"]),
    ("card-backend-pcsc", &["orbos"]),
    ("clap", &["orbos", "orbos-lab"]),
    ("indicatif", &["orbos"]),
    ("tracing-subscriber", &["orbos"]),
];

const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    examples.parent().expect("the examples are in the workspace").to_path_buf()
}

fn cargo(arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO")).args(arguments).arg("--offline").current_dir(root()).output();
    let output = ran.expect("cargo runs this test, so it can be run");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints text")
}

/// Our packages by name, as cargo sees them.
fn packages() -> BTreeMap<String, Value> {
    let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a workspace has packages").clone();
    packages.into_iter().map(|it| (text_of(&it["name"]).to_owned(), it)).collect()
}

/// What a package depends on, tests and build scripts included.
fn dependencies(package: &Value) -> BTreeSet<&str> {
    let all = package["dependencies"].as_array().expect("every package has a list of them");
    all.iter().map(|it| text_of(&it["name"])).collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("it is text")
}

/// Every file that is ours, with its path from the workspace's root.
fn files() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the workspace can be read") {
            let path = entry.expect("the workspace can be read").path();
            let skipped = [".git", "target"].iter().any(|it| path.file_name() == Some(OsStr::new(it)))
                || target.as_ref() == Some(&path);
            match path.is_dir() {
                _ if skipped => {}
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(root()).expect("it is inside").display().to_string();
                    found.push((name, path));
                }
            }
        }
    }
    found.sort();
    found
}

/// Every text that is ours.
fn texts() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter_map(|(name, path)| Some((name, fs::read_to_string(path).ok()?)))
}

fn rust_files() -> impl Iterator<Item = (String, String)> {
    texts().filter(|(name, _)| name.ends_with(".rs"))
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

fn none(wrong: Vec<String>, rule: &str) {
    assert!(wrong.is_empty(), "{rule}\n{}", wrong.join("\n"));
}

#[test]
fn arrows_between_crates_point_down() {
    let layers: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let packages = packages();
    let unknown: Vec<_> = packages.keys().filter(|it| !layers.contains_key(it.as_str())).collect();
    assert!(unknown.is_empty(), "packages without a layer: {unknown:?}");
    let mut wrong = Vec::new();
    for (name, package) in &packages {
        let layer = layers[name.as_str()];
        let up = |it: &&&str| layers.get(**it).is_some_and(|other| *other >= layer) && **it != name.as_str();
        wrong.extend(dependencies(package).iter().filter(up).map(|it| format!("{name} -> {it}")));
    }
    none(wrong, "a crate may use crates of lower layers only");
}

#[test]
fn foreign_crates_stay_at_home() {
    let homes: BTreeMap<_, _> = HOMES.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, package) in &packages() {
        let away = |it: &&&str| homes.get(**it).is_some_and(|homes| !homes.contains(&name.as_str()));
        wrong.extend(dependencies(package).iter().filter(away).map(|it| format!("{name} -> {it}")));
    }
    none(wrong, "these crates have a home elsewhere");
}

#[test]
fn every_library_has_a_readme_a_version_and_a_description() {
    let mut wrong = Vec::new();
    for (name, package) in packages() {
        let manifest = Path::new(text_of(&package["manifest_path"]));
        let readme = manifest.with_file_name("README.md");
        let long_enough = fs::read_to_string(&readme).is_ok_and(|it| it.lines().count() > 3);
        if name != "orbos" && !long_enough {
            wrong.push(format!("{name} has no README.md that says something"));
        }
        if package["version"] == "0.0.0" || package["description"].is_null() || package["license"].is_null() {
            wrong.push(format!("{name} needs a version, a description and a licence"));
        }
        let changelog = fs::read_to_string(root().join("CHANGELOG.md")).expect("there is a changelog");
        let heading = if name == "orbos" { "bins" } else { &name };
        if name.starts_with("orbos-")
            && package["publish"].is_null()
            && !changelog.contains(&format!("### {heading}\n"))
        {
            wrong.push(format!("CHANGELOG.md has no heading `### {heading}`"));
        }
    }
    none(wrong, "what every package has");
}

#[test]
fn the_platform_pulls_neither_ssh_nor_git_nor_machines() {
    let tree =
        cargo(&["tree", "-p", "orbos-platform", "-e", "normal", "--prefix", "none", "--no-default-features"]);
    let unwanted =
        ["orbos-infra ", "orbos-ssh ", "git2 ", "async-ssh2-lite ", "libssh2-sys ", "libgit2-sys "];
    let wrong = tree.lines().filter(|line| unwanted.iter().any(|it| line.starts_with(it)));
    none(wrong.map(str::to_owned).collect(), "BOOM works on any cluster, without machines");
}

#[test]
fn planners_do_no_input_and_output() {
    let impure = Regex::new(
        r"\basync\b|\.await\b|\bSystemTime\b|\bInstant\b|\brand\b|\btokio\b|\bstd::(fs|env|io|process|thread)\b|\bstd::net::(Tcp|Udp)|\b(Tcp|Udp)(Stream|Listener|Socket)\b|\bOsRng\b",
    )
    .expect("a valid expression");
    let pure = |name: &str| {
        let folders = ["orbos-infra/src/", "orbos-state/src/", "orbos-k8s/src/objects/"];
        let Some(path) = folders.iter().find_map(|it| name.strip_prefix(it)) else { return false };
        ["plan", "compare"].iter().any(|it| path.starts_with(it))
            || [
                "forecast.rs",
                "schedule.rs",
                "immutable.rs",
                "inventory.rs",
                "lease/decide.rs",
                "live.rs",
                "rank.rs",
                "resolve.rs",
            ]
            .contains(&path)
    };
    let planners: Vec<_> = rust_files().filter(|(name, _)| pure(name)).collect();
    assert!(planners.len() > 6, "the planners are elsewhere: {planners:?}");
    let mut wrong = Vec::new();
    for (name, text) in &planners {
        let lines = text.lines().zip(1..).filter(|(line, _)| impure.is_match(code(line)));
        wrong.extend(lines.map(|(line, number)| format!("{name}:{number}: {line}")));
    }
    none(wrong, "planners hold no connection, read no clock, draw no random number");
}

#[test]
fn files_are_short_and_have_a_subject() {
    let vague = ["mod", "utils", "util", "common", "helpers", "helper", "types", "misc"];
    let mut wrong = Vec::new();
    for (name, text) in rust_files() {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{name} has {lines} lines, {LONGEST_FILE} is the limit"));
        }
        let parts = name.trim_end_matches(".rs").split('/');
        wrong.extend(parts.filter(|it| vague.contains(it)).map(|it| format!("{name}: `{it}` is no subject")));
    }
    none(wrong, "files");
}

#[test]
fn nothing_is_left_to_be_done_later() {
    let later = Regex::new(r"\b(todo|unimplemented|dbg)!|#!?\[allow\(|\b(FIXME|XXX)\b|\bTODO\b[^(]")
        .expect("a valid expression");
    let mut wrong = Vec::new();
    for (name, text) in rust_files().filter(|(name, _)| name != "examples/tests/tidy.rs") {
        let lines = text.lines().zip(1..).filter(|(line, _)| later.is_match(line));
        wrong.extend(lines.map(|(line, number)| format!("{name}:{number}: {line}")));
    }
    none(wrong, "no placeholders, and `#[expect(…, reason)]` instead of `#[allow(…)]`");
}

#[test]
fn nobody_sleeps_in_a_library() {
    let mut wrong = Vec::new();
    let sleeps = Regex::new(r"\bthread::sleep\b").expect("a valid expression");
    for (name, text) in rust_files().filter(|(name, _)| name.starts_with("orbos-") && name.contains("/src/"))
    {
        if name.contains("/testing") {
            continue;
        }
        let lines = text.lines().zip(1..).filter(|(line, _)| sleeps.is_match(code(line)));
        wrong.extend(lines.map(|(line, number)| format!("{name}:{number}: {line}")));
    }
    none(wrong, "the next round is the poll");
}

#[test]
fn no_text_knows_where_it_was_written() {
    let here = format!("{}/", root().display());
    // Put together here, so that this file does not find itself.
    let places = [here, ["/wo", "rk/"].concat(), ["../refe", "rence/"].concat()];
    let mut wrong = Vec::new();
    for (name, text) in texts() {
        let lines = text.lines().zip(1..).filter(|(line, _)| places.iter().any(|it| line.contains(it)));
        wrong.extend(lines.map(|(_, number)| format!("{name}:{number}")));
    }
    none(wrong, "paths of somebody's machine");
}

#[test]
fn programs_are_executable_and_say_what_they_do() {
    use std::os::unix::fs::PermissionsExt;
    let mut wrong = Vec::new();
    for (name, path) in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !text.starts_with("#!/") || name.ends_with(".rs") {
            continue;
        }
        let mode = fs::metadata(&path).expect("it was read").permissions().mode();
        if mode & 0o111 == 0 {
            wrong.push(format!("{name} is not executable"));
        }
        let second = text.lines().nth(1).unwrap_or_default();
        if !second.starts_with("# ") && !second.starts_with("\"\"\"") {
            wrong.push(format!("{name} does not say in its second line what it does"));
        }
    }
    none(wrong, "scripts");
}
