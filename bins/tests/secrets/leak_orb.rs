//! Canary secrets through what looks at machines, changes them and writes down how they are; nobody answers.

use std::{fs, process::Command};

use crate::{
    access::Server,
    fixture::{BOOTSTRAP, KUBECONFIG, MAINTENANCE, MASTERKEY, Orb, Said, said, text},
    leak::Traces,
    orb,
};

const CANARY: &str = "canary-0be7a1-of-the-cluster";
const OF_BOOM: &str = "canary-77c2d9-of-boom";

/// A line in the middle of a key.
fn line_of(key: &str) -> String {
    key.lines().nth(2).expect("a key has lines").to_owned()
}

/// The answer of `kubeconfig` is the secret; all that it says besides must not be.
fn without_answer(said: Said) -> Said {
    assert!(said.code != Some(0) || String::from_utf8_lossy(&said.stdout).contains(CANARY), "{said:?}");
    Said { stdout: Vec::new(), ..said }
}

#[test]
fn no_canary_is_found_in_plans_current_files_and_logs() {
    let orb = Orb::with(&[("orbiter.yml", orb::ORBITER), ("boom.yml", "spec: {}\n")]);
    let server = Server::start();
    server.use_it(&orb);
    orb::give_key(&orb);
    orb.set(KUBECONFIG, &format!("kind: Config\nusers: [{{name: admin, user: {{token: {CANARY}}}}}]\n"));
    orb.set("boom.yml:spec.password", OF_BOOM);
    orb.orbctl(&["secrets", "generate"]).ok();
    let keys = [orb.show(BOOTSTRAP), orb.show(MAINTENANCE), server.key()].map(|it| line_of(&it));
    let (files, mut traces) =
        ([orb.path(".orb/config"), orb.path("bootstrap")], Traces { orb, heard: Vec::new() });

    let none: [(&str, &str); 0] = [];
    let limits = ["--timeout", "2s", "--patience", "1s"];
    for arguments in [
        &["check"][..],
        &["plan", "-o", "json"],
        &["plan", "--forecast", "-o", "yaml"],
        &["status"],
        &["status", "-o", "json"],
        &["nodes", "list"],
        &["nodes", "exec", "m1", "--", "true"],
        &["nodes", "exec", "--pool", "rack.workers", "--command", "true"],
        &["nodes", "shell", "w1"],
        &["api"],
        &["file", "print", "orbiter.yml"],
        &["file", "print", "caos-internal/keyring.yml"],
        &["secrets", "audit"],
        &[&["takeoff"], limits.as_slice()].concat(),
        &[&["teardown"], limits.as_slice()].concat(),
        &[&["teardown", "--yes"], limits.as_slice()].concat(),
    ] {
        traces.hear(arguments, &none, None);
    }
    for levels in
        [&["-v"][..], &["-vv"], &["--log", "trace"], &["--log", "orbos_state=trace,orbos_ssh=trace,warn"]]
    {
        let kubeconfig = traces.orb.orbctl(&[levels, &["kubeconfig"]].concat());
        traces.heard.push((format!("kubeconfig with {levels:?}"), without_answer(kubeconfig)));
        for arguments in [&["plan"][..], &["takeoff", "--timeout", "1s", "--plain"], &["status"]] {
            let said = traces.orb.orbctl(&[levels, arguments].concat());
            traces.heard.push((format!("{arguments:?} with {levels:?}"), said));
        }
    }
    for level in ["error", "info", "debug", "trace"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orbiter"));
        command.args(["--once", "--log", level]).env_clear().env("HOME", traces.orb.home.path());
        traces.heard.push((format!("orbiter at {level}"), said(command, None)));
    }
    let current = traces.orb.file("caos-internal/orbiter/current.yml");
    assert!(current.contains("m1"), "ORBITER wrote down what it saw: {current}");
    let ended =
        traces.heard.iter().find(|(command, _)| command.starts_with("[\"takeoff\"")).expect("it was run");
    assert!(ended.1.code == Some(9) || ended.1.code == Some(1), "{ended:?}");

    let secrets: Vec<&str> =
        [CANARY, OF_BOOM, MASTERKEY].into_iter().chain(keys.iter().map(String::as_str)).collect();
    traces.search(&secrets, &files);
    let config = fs::read_to_string(text(&files[0])).expect("it is ours");
    assert!(config.contains(MASTERKEY), "they can be found: this is where they belong");
}
