//! An orb whose machines do not answer, and transcripts of what is said about it.

use std::{fmt::Write, process::Command};

use orbos_ssh::testing::{KeyKind, generate_key};

use crate::fixture::{BOOTSTRAP, Orb, Said};

/// Nobody listens on port 22 of these addresses of loopback.
pub(crate) const ORBITER: &str = "\
# An orb that nobody answers in.
kind: orbiter.caos.ch/Orb
version: v0
clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    version: v0
    spec:
      controlplane:
        provider: rack
        pool: masters
        nodes: 1
      networking:
        dnsdomain: cluster.local
        network: routed
        servicecidr: 10.96.0.0/12
        podcidr: 10.244.0.0/16
      versions:
        kubernetes: v1.20.2
      workers:
      - provider: rack
        pool: workers
        nodes: 1
providers:
  rack:
    kind: orbiter.caos.ch/StaticProvider
    version: v0   # as in the first examples
    spec:
      pools:
        masters:
        - {id: m1, hostname: m1, ip: 127.254.0.11}
        workers:
        - {id: w1, hostname: w1, ip: 127.254.0.21}
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec:
        masters:
        - ip: 127.254.0.200
          transport:
          - name: kubeapi
            frontendport: 443
            backendport: 6443
            backendpools: [masters]
            whitelist: [0.0.0.0/0]
            healthchecks: {protocol: https, path: /healthz, code: 200}
";

/// With a bootstrap key.
pub(crate) fn orb() -> Orb {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    give_key(&orb);
    orb
}

pub(crate) fn give_key(orb: &Orb) {
    generate_key(orb.home.path(), "bootstrap", KeyKind::Ed25519);
    let key = std::fs::read_to_string(orb.path("bootstrap")).expect("it was just made");
    orb.set(BOOTSTRAP, &key);
}

/// What is typed, what comes, and how it ends, without what is different every time.
pub(crate) fn transcript(orb: &Orb, commands: &[&[&str]]) -> String {
    let mut text = String::new();
    for arguments in commands {
        let said = orb.orbctl(arguments);
        writeln!(text, "$ orbctl {}\n{}", arguments.join(" "), shown(orb, &said)).expect("a text takes text");
    }
    text
}

/// One answer, without what is different every time.
pub(crate) fn shown(orb: &Orb, said: &Said) -> String {
    let complaints: String =
        said.stderr.lines().map(|it| format!("! {it}").trim_end().to_owned() + "\n").collect();
    let code = said.code.map_or_else(|| "a signal".into(), |it| it.to_string());
    steady(orb, &format!("{}{complaints}= {code}\n", said.out()))
}

fn steady(orb: &Orb, text: &str) -> String {
    let home = orb.home.path().display().to_string();
    let text = text.replace(&home, "HOME");
    let script = [
        "s/file-[a-zA-Z0-9-]+-orb/ORB/g",
        "s/[0-9a-f]{40}/REVISION/g",
        "s/(committed|commit) [0-9a-f]{7,}/\\1 REVISION/g",
        "s/^! [0-9]{2}:[0-9]{2}\\.[0-9] /! TIME /",
        "s/\\([0-9]+\\.[0-9]s\\)/(TIME)/g",
    ];
    let mut command = Command::new("sed");
    command.args(["-E", &script.join(";")]).env("PATH", "/usr/bin:/bin");
    crate::fixture::said(command, Some(&text)).ok()
}
