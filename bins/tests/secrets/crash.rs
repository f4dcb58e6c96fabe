//! A rotation that is killed before each of its writes.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{
    access::Server,
    fixture::{BOOTSTRAP, KUBECONFIG, OLD_SECRET, ORBITER, Orb, Said, run, text},
};

struct Killer {
    folder: TempDir,
}

impl Killer {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/secrets/kill.c");
        let library = folder.path().join("kill.so");
        run("cc", &["-shared", "-fPIC", "-O1", "-o", text(&library), source, "-ldl"], None);
        Self { folder }
    }

    fn rotate(&self, orb: &Orb, variable: (&str, &str)) -> Said {
        let library = self.folder.path().join("kill.so");
        orb.orbctl_with(&["secrets", "rotate"], &[("LD_PRELOAD", text(&library)), variable], None)
    }

    /// How many boundaries there are.
    fn count(&self, orb: &Orb) -> usize {
        let counted: PathBuf = self.folder.path().join("count");
        self.rotate(orb, ("KILL_COUNT", text(&counted))).ok();
        fs::read_to_string(counted).expect("the library was loaded").trim().parse().expect("a number")
    }
}

fn prepare(orb: &Orb) {
    orb.set(KUBECONFIG, "k");
    orb.set("boom.yml:spec.x", "y");
}

/// Everything opens, and the repository is as before or as after.
fn assert_usable(orb: &Orb, commits: usize) -> bool {
    let rotated = match orb.commits() - commits {
        0 => false,
        1 => true,
        more => panic!("{more} commits"),
    };
    let list = orb.orbctl(&["secrets", "list"]).ok();
    assert_eq!(list.contains(" old "), !rotated, "{list}");
    let shown = [orb.show(BOOTSTRAP), orb.show(KUBECONFIG), orb.show("boom.yml:spec.x")];
    assert_eq!(shown, [OLD_SECRET, "k", "y"]);
    orb.git(&["fsck", "--strict"]);
    rotated
}

#[test]
fn killed_before_any_of_its_writes_everybody_still_gets_in() {
    let killer = Killer::new();
    let files = [("orbiter.yml", ORBITER), ("boom.yml", "spec: {}\n")];
    let orb = Orb::with(&files);
    prepare(&orb);
    let (commits, kept) = (orb.commits(), orb.path("kept.git"));
    run("cp", &["-a", text(&orb.repository()), text(&kept)], None);
    let boundaries = killer.count(&orb);
    assert!(boundaries > 10, "{boundaries}");
    let (mut killed, mut done) = (0, 0);
    for boundary in 1..=boundaries {
        fs::remove_dir_all(orb.repository()).expect("it is there");
        run("cp", &["-a", text(&kept), text(&orb.repository())], None);
        let said = killer.rotate(&orb, ("KILL_AT", &boundary.to_string()));
        let rotated = assert_usable(&orb, commits);
        // A folder for objects that is there already is one write less; then the last ones are not reached.
        if said.code == Some(0) {
            assert!(rotated && boundary + 5 > boundaries, "boundary {boundary} of {boundaries}: {said:?}");
        } else {
            killed += 1;
            done += usize::from(rotated);
        }
    }
    assert!(killed > 10, "{killed}");
    println!("killed before each of {killed} writes: {done} times it was done already, never half");
}

#[test]
fn killed_while_it_pushes_everybody_still_gets_in() {
    let killer = Killer::new();
    let server = Server::start();
    let attempt = || {
        let orb = Orb::with(&[("orbiter.yml", ORBITER), ("boom.yml", "spec: {}\n")]);
        server.use_it(&orb);
        prepare(&orb);
        orb
    };
    let boundaries = killer.count(&attempt());
    let step = boundaries.div_ceil(16).max(1);
    let (mut tried, mut done) = (0, 0);
    // The last ones are those around the push.
    for boundary in (1..boundaries).step_by(step).chain(boundaries.saturating_sub(3)..=boundaries) {
        let orb = attempt();
        let commits = orb.commits();
        let said = killer.rotate(&orb, ("KILL_AT", &boundary.to_string()));
        // How often something is sent differs a little; then it was not killed.
        tried += usize::from(said.code != Some(0));
        done += usize::from(assert_usable(&orb, commits));
    }
    assert!(tried > 5, "{tried}");
    println!("killed at {tried} of {boundaries} writes: {done} times it was done already, never half");
}
