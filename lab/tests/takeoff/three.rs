//! Three control planes and a worker behind one address: whoever starts the take-off is killed again and again,
//! and later the machine that holds the address loses its power.

use std::{collections::BTreeSet, thread, time::Duration};

use crate::{
    orbiter_yml::VIP,
    scene::{Scene, stage, until},
};

/// How long the address may be without an answer when the machine that holds it loses its power.
const OUTAGE: Duration = Duration::from_secs(30);

#[test]
fn an_orb_of_three_and_one_survives() {
    let scene = Scene::new("three", 3, 1);
    stage("take-off, killed five times", || killed(&scene));
    let identity = identity(&scene);
    stage("etcd has three members", || members(&scene));
    stage("power cut of the machine with the address", || power_cut(&scene));
    stage("it is the same cluster, and settled", || {
        scene.takeoff();
        members(&scene);
        assert_eq!(self::identity(&scene), identity);
        scene.orbctl(&["plan", "--exit-code"]).exits(0).says("Nothing to do.");
    });
}

fn killed(scene: &Scene) {
    let moments = [
        // A line of the progress, and how many seconds after it.
        ("while machines are prepared", "start   ~ host", 3),
        ("while the first member is made", "start   + k8s: bootstrap", 6),
        ("before the access is stored", "one control plane joins at a time", 0),
        ("during a join", "start   + k8s: join lab.masters", 6),
        ("between two joins", "done    + k8s: join lab.masters", 0),
    ];
    let mut founded = None;
    for (name, line, seconds) in moments {
        stage(&format!("killed {name}"), || drop(scene.takeoff_killed(line, Duration::from_secs(seconds))));
        if name == "before the access is stored" {
            founded = Some(on_machine(scene));
        }
    }
    stage("the rest of the take-off", || drop(scene.takeoff()));
    assert_eq!(founded, Some(identity(scene)), "another cluster than the one that was founded");
    let nodes = scene.kubectl("get nodes --no-headers");
    assert_eq!(nodes.matches(" Ready ").count(), 4, "{nodes}");
    let authorities: BTreeSet<String> =
        (1..=4).map(|number| scene.root(number, "sha256sum < /etc/kubernetes/pki/ca.crt")).collect();
    assert_eq!(authorities.len(), 1, "all members are of one cluster");
}

/// Which cluster it is: it names itself, and it has a certificate authority.
fn identity(scene: &Scene) -> (String, String) {
    let name = scene.kubectl("get namespace kube-system -o jsonpath={.metadata.uid}");
    (name, scene.root(1, "sha256sum < /etc/kubernetes/pki/ca.crt"))
}

/// The same, asked on the first member: whichever machine was ready first, since what a killed run began may still go on.
fn on_machine(scene: &Scene) -> (String, String) {
    let founded =
        |it: &usize| !scene.root(*it, "ls /etc/kubernetes/admin.conf 2>/dev/null || true").is_empty();
    let first = (1..=3).find(founded).expect("it is founded");
    let ask = "kubectl --kubeconfig /etc/kubernetes/admin.conf get namespace kube-system -o jsonpath={.metadata.uid}";
    (scene.root(first, ask), scene.root(first, "sha256sum < /etc/kubernetes/pki/ca.crt"))
}

fn members(scene: &Scene) {
    let ask = "-n kube-system exec etcd-m1 -- etcdctl --endpoints=https://127.0.0.1:2379 \
               --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt \
               --key=/etc/kubernetes/pki/etcd/server.key";
    // A machine that has just got its power back is Ready by its last word before its kubelet answers.
    let healthy = || scene.try_kubectl(&format!("{ask} endpoint health --cluster")).code == Some(0);
    until("all of etcd answers", Duration::from_secs(90), healthy);
    let members = scene.kubectl(&format!("{ask} member list"));
    assert_eq!(members.matches(", started, ").count(), 3, "{members}");
}

fn power_cut(scene: &Scene) {
    let url = format!("https://{}/healthz", scene.lab.address(VIP));
    let answers = || scene.outside("curl", &["-sk", "--max-time", "1", &url]).out == "ok";
    until("the address answers", OUTAGE, answers);
    let holds = format!("ip -o addr show | grep -qw {}", scene.lab.address(VIP));
    let holder = (1..=3)
        .find(|it| {
            scene
                .machine(*it)
                .ssh_command("root")
                .arg(&holds)
                .output()
                .expect("ssh is there")
                .status
                .success()
        })
        .expect("somebody holds the address");
    scene.orbctl(&["status"]).exits(0).says(&format!("  {}\n", scene.id(holder)));
    scene.machine(holder).power_cut().expect("it has power");
    let outage = until("the address answers again", OUTAGE, answers);
    println!("   m{holder} went; the address answered again after {:.1} s", outage.as_secs_f64());
    // Not only once: the balancer must have noticed which of its servers is gone.
    for _ in 0..10 {
        until("it goes on answering", Duration::from_secs(10), answers);
        thread::sleep(Duration::from_millis(300));
    }
    scene.kubectl("get nodes");
    let status = scene.orbctl(&["status"]).exits(0);
    let row =
        status.out.lines().find(|it| it.starts_with(&scene.id(holder))).expect("it is listed").to_owned();
    assert!(!row.ends_with(" ready"), "{row}");
    let plan = scene.orbctl(&["plan"]).exits(0);
    assert!(!plan.out.lines().any(|it| it.starts_with('-')), "it would remove something:\n{}", plan.out);
    scene.machine(holder).start().expect("it boots");
}
