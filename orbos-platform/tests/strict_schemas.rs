//! Every object of a kind of Kubernetes itself, against the strict schemas of versions that do not run here.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use orbos_platform::{ToolContext, ToolRegistry, Toolset, render, spec::Boom, versions::KUBERNETES};
use orbos_state::{Document, Source};
use serde_json::Value;

/// The schemas, as a package of Python.
const PACKAGE: &str = "kubernetes-validate==1.37.0";

/// Python with the package, made once and kept with what cargo builds.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE);
    let python = folder.join("bin/python");
    if folder.join("done").exists() {
        return python;
    }
    let ran = |command: &mut Command| {
        let output =
            command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; .ci/tools installs it"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    ran(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        PACKAGE,
    ]));
    std::fs::write(folder.join("done"), "").expect("the folder is ours");
    python
}

#[test]
fn all_tools_hold_against_the_strict_schemas_of_newer_versions() {
    let text = include_str!("data/all.yml");
    let boom: Boom =
        Document::parse(&Source::new("all.yml", text)).and_then(|it| it.read()).expect("it is valid");
    let tools =
        Toolset::new(ToolRegistry::builtin().tools(&boom.spec).expect("all are known")).expect("none twice");
    let mut validated = BTreeSet::new();
    for minor in KUBERNETES {
        let rendering = render(&tools, &ToolContext::new(minor));
        assert!(rendering.failed.is_empty(), "{:?}", rendering.failed);
        let objects: Vec<&Value> = rendering.manifests.iter().map(|it| it.value()).collect();
        let said = validate(&serde_json::to_vec(&objects).expect("it is JSON"), minor);
        validated.insert(said);
    }
    assert!(validated.iter().all(|it| *it > 80), "{validated:?}");
}

/// How many objects hold; panics with everything that does not.
fn validate(objects: &[u8], minor: u32) -> usize {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strict_schemas/validate.py");
    let mut command = Command::new(python());
    command.arg(script).arg(format!("1.{minor}")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it was made");
    child.stdin.take().expect("it is piped").write_all(objects).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let last = said.lines().last().and_then(|it| it.split(' ').next()).and_then(|it| it.parse().ok());
    last.unwrap_or_else(|| panic!("no count in {said}"))
}

#[test]
fn a_mistake_is_found() {
    let wrong = serde_json::json!([{
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"},
        "spec": {"minAvailabel": 1},
    }]);
    let found = std::panic::catch_unwind(|| validate(&serde_json::to_vec(&wrong).expect("it is JSON"), 36));
    let said = found.expect_err("it is a mistake");
    let said = said.downcast_ref::<String>().expect("a text");
    assert!(said.contains("minAvailabel"), "{said}");
}
