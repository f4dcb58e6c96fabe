//! The whole story of a small orb, told through what its user types and reads.

use std::time::Duration;

use crate::scene::{Scene, stage, until};

#[test]
fn an_orb_of_one_and_one_lives() {
    let scene = Scene::new("takeoff", 1, 1);
    stage("plan shows what would happen", || plan(&scene));
    stage("take-off", || take_off(&scene));
    stage("a pod reaches a service by name", || service_by_name(&scene));
    stage("doing it again changes nothing", || again(&scene));
    stage("drift is repaired in one round", || drift(&scene));
    stage("a machine without power is named and kept", || power_off(&scene));
    stage("a changed host key is refused", || host_key(&scene));
    stage("an upgrade, one drained at a time", || upgrade(&scene));
    stage("a worker goes and comes back", || scale(&scene));
}

#[test]
fn a_torn_down_orb_takes_off_again() {
    let scene = Scene::new("takeoff", 1, 1);
    stage("take-off", || take_off(&scene));
    stage("teardown leaves machines as they were", || teardown(&scene));
    stage("another take-off", || take_off(&scene));
}

fn plan(scene: &Scene) {
    let head = scene.head();
    let said = scene.orbctl(&["plan"]).exits(0);
    println!("{}", said.out);
    assert!(!said.out.contains("\n- "), "it would remove something: {}", said.out);
    let whole = scene.orbctl(&["plan", "--forecast"]).exits(0);
    for step in ["bootstrap", "join", "m1", "m2"] {
        assert!(whole.out.contains(step), "no {step} in\n{}", whole.out);
    }
    scene.orbctl(&["plan", "--exit-code"]).exits(3);
    assert_eq!(scene.head(), head, "plan commits nothing");
    assert!(scene.is_open_to_bootstrap_key(1), "plan touches no machine");
}

fn take_off(scene: &Scene) {
    scene.takeoff();
    let status = scene.orbctl(&["status"]).exits(0).says("Settled: nothing to do.");
    assert_eq!(status.out.matches(" ready\n").count(), 2, "{}", status.out);
    assert_eq!(status.out.matches("v1.20.").count(), 2, "{}", status.out);
    let nodes = scene.kubectl("get nodes --no-headers");
    assert_eq!(nodes.matches(" Ready ").count(), 2, "{nodes}");
    for number in [1, 2] {
        assert!(!scene.is_open_to_bootstrap_key(number), "only the orb's own key gets in");
    }
}

fn service_by_name(scene: &Scene) {
    let image = "--image=docker.io/library/busybox:1.35";
    scene.kubectl("-n kube-system wait deployment coredns --for=condition=Available --timeout=60s");
    scene.kubectl(&format!("run web {image} --port=80 -- httpd -f -h /var/www"));
    scene.kubectl("expose pod web");
    scene.kubectl("wait pod web --for=condition=Ready --timeout=60s");
    scene.kubectl(&format!("run client {image} --restart=Never -- sleep 3600"));
    scene.kubectl("wait pod client --for=condition=Ready --timeout=60s");
    assert_eq!(scene.kubectl("get pod web -o jsonpath={.spec.nodeName}"), "m2");
    until("the name is known", Duration::from_secs(20), || {
        scene.try_kubectl("exec client -- wget -qO- http://web.default.svc.cluster.local").out.trim()
            == "hello"
    });
    assert_eq!(scene.kubectl("exec client -- wget -qO- http://web"), "hello", "the search list works");
    scene.kubectl("delete pod/web pod/client service/web --now");
}

fn again(scene: &Scene) {
    let head = scene.head();
    let second = scene.takeoff();
    assert!(!second.err.contains("start "), "it does something: {}", second.err);
    scene.orbctl(&["plan", "--exit-code"]).exits(0).says("Nothing to do.");
    scene.orbiter_once().exits(0);
    assert_eq!(scene.head(), head, "nothing was committed");
}

fn drift(scene: &Scene) {
    scene.root(2, "dpkg --purge --force-depends socat >/dev/null 2>&1; ! command -v socat");
    scene.root(2, "sysctl -qw net.ipv4.ip_forward=0");
    scene.root(1, "nft flush table inet orbos");
    scene.root(1, "systemctl stop haproxy");
    scene.root(1, "echo '# by hand' >> /etc/haproxy/haproxy.cfg");
    let plan = scene.orbctl(&["plan", "--exit-code"]).exits(3);
    println!("{}", plan.out);
    for damage in ["socat", "net.ipv4.ip_forward", "permit ", "haproxy.service", "haproxy.cfg"] {
        assert!(plan.out.contains(damage), "no {damage} in\n{}", plan.out);
    }
    scene.orbiter_once().exits(0);
    scene.orbctl(&["plan", "--exit-code"]).exits(0).says("Nothing to do.");
    assert_eq!(scene.root(2, "command -v socat"), "/usr/bin/socat");
    assert_eq!(scene.root(2, "sysctl -n net.ipv4.ip_forward"), "1");
    assert!(scene.root(1, "nft list table inet orbos").contains("drop"), "the firewall is back");
    assert_eq!(
        scene.root(1, "systemctl is-active haproxy; grep -c '# by hand' /etc/haproxy/haproxy.cfg || true"),
        "active\n0"
    );
}

fn power_off(scene: &Scene) {
    let worker = scene.machine(2);
    let id = scene.id(2);
    worker.power_cut().expect("it has power");
    let status = scene.orbctl(&["status"]).exits(0);
    println!("{}", status.out);
    let row = status.out.lines().find(|it| it.starts_with(&id)).expect("it is listed").to_owned();
    assert!(row.contains("connecting to"), "it does not say why: {row}");
    status.says("Nothing to do now.");
    // The others keep its place: were it shut out by their firewalls, it could not come back by itself.
    scene.orbctl(&["plan"]).exits(0).says(&id).says("Nothing to do now.");
    let takeoff = scene.orbctl(&["takeoff", "--patience", "5s"]);
    assert!(matches!(takeoff.code, Some(1 | 9)), "{takeoff:?}");
    assert!(takeoff.err.contains(&id), "{}", takeoff.err);
    assert_eq!(scene.kubectl("get nodes --no-headers").lines().count(), 2, "it stays a member");
    worker.start().expect("it boots");
    scene.takeoff();
}

fn host_key(scene: &Scene) {
    let keys = "/etc/ssh/ssh_host_*";
    let print =
        |number| scene.root(number, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2");
    let before = print(2);
    scene.root(2, &format!("mkdir -p /root/kept && cp -p {keys} /root/kept/ && rm {keys} && ssh-keygen -qA && systemctl restart ssh"));
    let after = print(2);
    assert_ne!(before, after);
    let refused = scene.orbctl(&["takeoff", "--patience", "3s"]);
    println!("{}{}", refused.out, refused.err);
    assert_ne!(refused.code, Some(0));
    let refused = refused.says(&before).says(&after);
    assert!(!refused.err.contains("start "), "{}", refused.err);
    scene.orbctl(&["status"]).exits(0).says(&before).says(&after);
    scene.root(2, "cp -p /root/kept/* /etc/ssh/ && rm -r /root/kept && systemctl restart ssh");
    scene.takeoff();
}

fn upgrade(scene: &Scene) {
    scene.desire("upgrade", |before| before.replace("kubernetes: v1.20.2", "kubernetes: v1.20.4"));
    let said = scene.takeoff();
    let steps: Vec<&str> = said.err.lines().filter(|it| it.contains("k8s:")).collect();
    let mut out = 0_i32;
    for step in &steps {
        if step.contains("start") && step.contains("drain") {
            out += 1;
        }
        if step.contains("done") && step.contains("resume") {
            out -= 1;
        }
        assert!((0..=1).contains(&out), "two are out of service at once:\n{}", steps.join("\n"));
    }
    let versions = scene.kubectl("get nodes -o jsonpath={.items[*].status.nodeInfo.kubeletVersion}");
    assert_eq!(versions, "v1.20.4 v1.20.4");
    scene.orbctl(&["plan", "--exit-code"]).exits(0);
}

fn scale(scene: &Scene) {
    let workers = |from: &str, to: &str| {
        let (from, to) =
            (format!("nodes: {from}\n        pool: workers"), format!("nodes: {to}\n        pool: workers"));
        scene.desire("scale", |before| before.replace(&from, &to));
    };
    workers("1", "0");
    scene.takeoff();
    assert_eq!(scene.kubectl("get nodes --no-headers -o name"), "node/m1");
    assert!(scene.is_open_to_bootstrap_key(2), "it was given back");
    is_bare(scene, 2);
    workers("0", "1");
    scene.takeoff();
    assert_eq!(scene.kubectl("get nodes --no-headers").matches(" Ready ").count(), 2);
}

fn teardown(scene: &Scene) {
    scene.orbctl(&["teardown"]).exits(8).says("use --yes");
    let said = scene.orbctl(&["teardown", "--yes"]).exits(0);
    said.err.lines().for_each(|line| println!("     | {line}"));
    for number in [1, 2] {
        is_bare(scene, number);
    }
    scene.orbctl(&["teardown", "--yes"]).exits(0).says("There is nothing to tear down.");
    let desired = scene.file("orbiter.yml");
    assert!(!desired.contains("kubeconfig"), "nothing gives access to what is gone:\n{desired}");
}

/// Nothing of the cluster nor of ORBOS is left on the machine.
fn is_bare(scene: &Scene, number: usize) {
    let machine = scene.machine(number);
    let authorized = machine.ssh("cat .ssh/authorized_keys").expect("the bootstrap key gets in");
    let key = std::fs::read_to_string(scene.lab.bootstrap_key().with_extension("pub"))
        .expect("it has a public part");
    let public = |it: &str| it.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(authorized.lines().count(), 1, "{authorized}");
    assert_eq!(public(&authorized), public(&key));
    let left = "
        nft list tables 2>/dev/null | grep orbos
        systemctl is-active kubelet haproxy keepalived | grep -x active
        systemctl list-unit-files 'kubelet*' 'orbos*' --no-legend
        find /etc/kubernetes /var/lib/kubelet /var/lib/etcd /etc/cni/net.d /etc/systemd/system/kubelet* /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf \
             -type f 2>/dev/null
        ls -d /etc/*orbos* /etc/*/*orbos* /var/lib/orbos* 2>/dev/null
        ip -o addr show | grep -w 10.244 
        ip route | grep 10.244
        ip link show | grep -E 'cni|cbr|veth[0-9a-f]{8}'
        ps -eo comm | grep -E '^(kube|etcd|containerd-shim)'
        true";
    assert_eq!(scene.root(number, left), "", "left on m{number}");
}
