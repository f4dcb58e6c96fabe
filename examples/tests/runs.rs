//! Every example, run as its users run it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Runs an example; cargo builds them beside the tests.
fn example(name: &str, arguments: &[&str]) -> (i32, String) {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests are in target/debug/deps");
    let program = folder.join("examples").join(name);
    let ran = Command::new(&program).args(arguments).output();
    let Output { status, stdout, stderr } = ran.unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo build -p orbos-examples --examples` makes it", program.display())
    });
    let text = [stdout, stderr].concat();
    (status.code().expect("it ends by itself"), String::from_utf8(text).expect("it prints text"))
}

#[test]
fn a_provider_of_ones_own_passes_the_suite() {
    let (code, text) = example("custom_provider", &[]);
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn orbiter_runs_inside_another_program() {
    let (code, text) = example("embed_orbiter", &[]);
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_tool_of_ones_own_stands_beside_those_of_boom() {
    let (code, text) = example("own_tool", &[]);
    assert_eq!(code, 0, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_tool_that_nobody_knows_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("boom.yml");
    let boom = "apiVersion: caos.ch/v1\nkind: Boom\nspec:\n  tools:\n    pgae: {deploy: true}\n    page: {deploy: true, text: ''}\n";
    fs::write(&file, boom).expect("the folder is ours");
    let file = file.to_str().expect("a temporary path is text");
    let (code, text) = example("own_tool", &[file]);
    assert_eq!(code, 1, "{text}");
    insta::assert_snapshot!(text.replace(file, "boom.yml"));
}

/// A bare repository with an `orbiter.yml`, and how it would be with some words replaced.
struct PullRequest {
    folder: tempfile::TempDir,
}

impl PullRequest {
    fn new() -> Self {
        let made = Self { folder: tempfile::tempdir().expect("there is room for a folder") };
        made.git(&["init", "-q", "--bare", "--initial-branch=main", "orb.git"]);
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) {
        let ran = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@localhost"])
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("git is installed");
        assert!(ran.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn merged(self) -> Self {
        self.git(&["clone", "-q", "orb.git", "clone"]);
        fs::write(self.path("clone/orbiter.yml"), ORBITER).expect("the clone is ours");
        self.git(&["-C", "clone", "add", "."]);
        self.git(&["-C", "clone", "commit", "-qm", "An orb"]);
        self.git(&["-C", "clone", "push", "-q", "origin", "HEAD:main"]);
        self
    }

    fn preview(&self, replace: &str, with: &str) -> (i32, String) {
        assert!(ORBITER.contains(replace), "{replace}");
        let file = self.path("orbiter.yml");
        fs::write(&file, ORBITER.replace(replace, with)).expect("the folder is ours");
        let file = file.to_str().expect("a temporary path is text");
        let repository = format!("file://{}", self.path("orb.git").display());
        let (code, text) = example("preview_in_ci", &[&repository, file]);
        (code, text.replace(file, "orbiter.yml"))
    }
}

const ORBITER: &str = include_str!("data/orbiter.yml");

#[test]
fn a_pull_request_that_changes_nothing_exits_with_0() {
    let (code, text) = PullRequest::new().merged().preview("verbose: false", "verbose: true");
    assert_eq!((code, text.as_str()), (0, "Nothing would happen.\n"));
}

#[test]
fn a_pull_request_that_does_something_exits_with_3_and_shows_it() {
    let (code, text) = PullRequest::new().merged().preview("nodes: 2", "nodes: 1");
    assert_eq!(code, 3, "{text}");
    let steps = [
        "~ k8s: drain rack.workers.w2 for deleting",
        "- k8s: member rack.workers.w2",
        "- machine rack.workers.w2",
    ];
    let places: Vec<_> =
        steps.iter().map(|it| text.find(it).unwrap_or_else(|| panic!("no {it} in\n{text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(!text.contains("w1 for"), "the other worker works on\n{text}");
}

#[test]
fn a_first_orb_is_a_whole_take_off() {
    let (code, text) = PullRequest::new().preview("nodes: 2", "nodes: 2");
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("+ k8s: bootstrap v1.20.2 on rack.masters.m1"), "{text}");
    assert!(text.contains("+ k8s: join rack.workers.w2 to the workers at v1.20.2"), "{text}");
}

#[test]
fn a_wrong_file_exits_with_6_and_says_where() {
    let (code, text) = PullRequest::new().merged().preview("nodes: 1", "nodes: 4");
    assert_eq!(code, 6, "{text}");
    insta::assert_snapshot!(text);
}
