//! Plans, states and ends of an orb whose machines do not answer.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use crate::{
    fixture::Orb,
    orb::{ORBITER, give_key, orb, transcript},
};

#[test]
fn a_reader_who_goes_away_is_no_mistake() {
    let orb = orb();
    let secret = "providers.rack.spec.keys.bootstrapkeyprivate";
    for arguments in [["file", "print", "orbiter.yml"], ["secrets", "show", secret]] {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_orbctl"));
        command.args(arguments).env_clear().env("HOME", orb.path("."));
        let ended = command.stdout(writer).output().expect("it starts");
        assert_eq!((ended.status.code(), &*ended.stderr), (Some(141), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn plans_and_states_say_what_waits_and_why() {
    let orb = orb();
    let first: [&[&str]; 5] = [
        &["plan"],
        &["plan", "--exit-code", "-o", "json", "--forecast"],
        &["plan", "-o", "yaml"],
        &["kubeconfig"],
        &["teardown"],
    ];
    insta::assert_snapshot!("before", transcript(&orb, &first));
    let before = orb.commits();
    let then: [&[&str]; 7] = [
        &["takeoff", "--patience", "1s"],
        &["plan", "--exit-code"],
        &["status"],
        &["status", "-o", "yaml"],
        &["nodes", "list"],
        &["nodes", "exec", "m1", "--command", "true"],
        &["nodes", "exec", "m1", "w1", "--command", "true"],
    ];
    insta::assert_snapshot!("after", transcript(&orb, &then));
    assert!(orb.commits() > before, "a key was made and the state was written down");
    let settled = orb.commits();
    orb.orbctl(&["takeoff", "--patience", "1s"]);
    assert_eq!(orb.commits(), settled, "the same again is no commit");
    let refused = orb.orbctl(&["teardown"]);
    assert!(refused.code == Some(8) && refused.stderr.contains("--yes"), "{refused:?}");
}

#[test]
fn an_interrupt_says_how_to_go_on() {
    let orb = orb();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut takeoff = Command::new(env!("CARGO_BIN_EXE_orbctl"));
        takeoff.arg("takeoff").env_clear().env("HOME", orb.home.path()).stderr(Stdio::piped());
        let mut takeoff = takeoff.spawn().expect("it was built");
        let mut lines =
            BufReader::new(takeoff.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        assert!(lines.any(|it| it.contains("… cluster k8s")), "it waits for machines");
        crate::fixture::run("kill", &[&format!("-{signal}"), &takeoff.id().to_string()], None);
        let rest: Vec<String> = lines.collect();
        let ended = takeoff.wait().expect("it is a child of this process");
        assert_eq!(ended.code(), Some(code), "{rest:?}");
        assert!(rest.iter().any(|it| it.ends_with("continue with: orbctl takeoff")), "{rest:?}");
    }
}

/// Every command with every way not to get anywhere.
#[test]
fn exit_codes_are_the_documented_ones() {
    let commands: [&[&str]; 9] = [
        &["takeoff", "--patience", "1s"],
        &["plan"],
        &["status"],
        &["kubeconfig"],
        &["check"],
        &["api"],
        &["teardown", "--yes"],
        &["nodes", "list"],
        &["file", "print", "orbiter.yml"],
    ];
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    let expect = |situation: &str, orb: &Orb, codes: [i32; 9]| {
        for (command, code) in commands.iter().zip(codes) {
            let said = orb.orbctl(command);
            assert_eq!(said.code, Some(code), "{situation}: {command:?}: {said:?}");
        }
    };
    expect("no bootstrap key", &orb, [6, 6, 6, 4, 0, 0, 6, 6, 0]);
    give_key(&orb);
    let good = orb.file("orbiter.yml");
    orb.commit(&[("orbiter.yml", &good.replace("v1.20.2", "v1.12.0"))]);
    expect("a mistake", &orb, [6, 6, 6, 4, 6, 6, 6, 6, 0]);
    orb.commit(&[("orbiter.yml", "nothing: [")]);
    expect("no YAML", &orb, [6, 6, 6, 6, 6, 6, 6, 6, 0]);
    orb.commit(&[("orbiter.yml", &good)]);
    orb.configure(&format!("url: {}\nmasterkey: another\n", orb.url()));
    expect("another master key", &orb, [4, 4, 4, 4, 0, 0, 4, 4, 0]);
    orb.configure("url: file:///nowhere/at/all.git\nmasterkey: another\n");
    expect("no repository", &orb, [4; 9]);
    fs::remove_dir_all(orb.path(".orb")).expect("it was made");
    expect("no orbconfig", &orb, [4; 9]);
}
