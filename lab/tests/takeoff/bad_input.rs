//! What can be wrong with machines: said in a way that helps, and before anything is half done.

use std::{fs, process::Command, time::Duration};

use crate::scene::{Ended, Scene, stage, text, until};

#[test]
fn what_is_wrong_with_machines_is_said() {
    let mut scene = Scene::new("wrong", 1, 0);
    stage("a machine without power", || unreachable(&scene));
    stage("a key that does not get in", || wrong_key(&scene));
    stage("a sudo that asks for a password", || sudo_asks(&scene));
    stage("an operating system that is not known", || unknown_os(&scene));
    stage("a port in use", || port_in_use(&scene));
    stage("too little disk", || little_disk(&scene));
    stage("a bundle with a wrong byte", || wrong_byte(&mut scene));
    stage("a package manager that is locked", || locked(&scene));
}

/// A take-off that gets nowhere, and soon.
fn stuck(scene: &Scene) -> Ended {
    let ended = scene.orbctl(&["takeoff", "--patience", "3s", "--timeout", "40s"]);
    println!("     exit {:?}\n{}{}", ended.code, ended.out, ended.err);
    assert!(matches!(ended.code, Some(1 | 4 | 9)), "{ended:?}");
    ended
}

/// Nothing of a cluster is on the machine, nor half of it, and its keys are as they were.
fn is_untouched(scene: &Scene) {
    let left = "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' containerd haproxy keepalived 2>/dev/null | grep ^ii
        ls -d /etc/kubernetes /usr/local/bin/kubeadm /usr/local/bin/kubelet 2>/dev/null
        nft list tables 2>/dev/null | grep orbos
        true";
    assert_eq!(scene.root(1, left), "");
    let public =
        fs::read_to_string(scene.lab.bootstrap_key().with_extension("pub")).expect("a key has two halves");
    let public = public.split_whitespace().nth(1).expect("a key has parts");
    let accepted = scene.root(1, "cat ~orbiter/.ssh/authorized_keys");
    assert!(accepted.contains(public), "{accepted}");
}

fn unreachable(scene: &Scene) {
    scene.machine(1).power_cut().expect("it has power");
    stuck(scene).says(&scene.id(1)).says(&scene.machine(1).address().to_string());
    scene.machine(1).start().expect("it boots");
}

fn wrong_key(scene: &Scene) {
    let key = scene.path("other_key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &text(&key)]).status();
    assert!(made.expect("ssh-keygen is there").success());
    scene.set_bootstrap_key(&key);
    let public = fs::read_to_string(scene.path("other_key.pub")).expect("it was made");
    let public = public.split_whitespace().nth(1).expect("a key has parts").to_owned();
    stuck(scene).says(&public).says("authorized_keys").says("orbiter");
    is_untouched(scene);
    scene.set_bootstrap_key(&scene.lab.bootstrap_key());
}

fn sudo_asks(scene: &Scene) {
    scene.root(
        1,
        "cp -a /etc/sudoers /etc/sudoers.d /root/; sed -i 's/NOPASSWD://' /etc/sudoers.d/* /etc/sudoers",
    );
    stuck(scene).says("sudo").says("NOPASSWD");
    is_untouched(scene);
    scene.root(1, "cp -a /root/sudoers /etc/; cp -a /root/sudoers.d/. /etc/sudoers.d/");
}

fn unknown_os(scene: &Scene) {
    scene.root(1, "cp --remove-destination $(readlink -f /etc/os-release) /etc/os-release; sed -i 's/^ID=.*/ID=plan9/; s/VERSION_ID=.*/VERSION_ID=4/' /etc/os-release");
    stuck(scene).says("plan9").says("debian");
    is_untouched(scene);
    scene.root(1, "ln -sf ../usr/lib/os-release /etc/os-release");
}

fn port_in_use(scene: &Scene) {
    scene.root(
        1,
        "systemd-run -q --unit squatter perl -MIO::Socket::INET -e \
        'IO::Socket::INET->new(LocalPort => 6443, Listen => 1)->accept'",
    );
    until("it listens", Duration::from_secs(5), || !scene.root(1, "ss -Hltn sport = :6443").is_empty());
    stuck(scene).says("port 6443");
    is_untouched(scene);
    scene.root(1, "systemctl stop squatter");
}

fn little_disk(scene: &Scene) {
    scene.root(1, "free=$(df --output=avail -BM /var/lib | tail -1 | tr -dc 0-9); fallocate -l $((free - 300))M /var/lib/filled");
    stuck(scene).says("MiB of free disk").says("are needed");
    is_untouched(scene);
    scene.root(1, "rm /var/lib/filled");
}

fn wrong_byte(scene: &mut Scene) {
    let (good, bad) = (scene.lab.bundle(), scene.path("bundle"));
    let copied = Command::new("cp").args(["-r", &text(&good), &text(&bad)]).status();
    assert!(copied.expect("cp is there").success());
    let file = bad.join("binaries/v1.20.2/kubelet");
    let mut bytes = fs::read(&file).expect("the bundle has it");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("it can be written");
    scene.use_bundle(bad);
    stuck(scene).says("kubelet").says("has to hash to");
    assert_eq!(
        scene.root(1, "ls /usr/local/bin/kubelet 2>/dev/null || true"),
        "",
        "what is wrong must not be there"
    );
    scene.use_bundle(good);
}

fn locked(scene: &Scene) {
    // A lock as apt itself takes it, held until somebody removes a file.
    let hold = r#"use Fcntl; open F, "+>", "/var/lib/dpkg/lock-frontend" or die;
        my $l = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0); fcntl F, F_SETLK, $l or die;
        open M, ">", "/run/held"; close M; sleep 1 while -e "/run/hold""#;
    scene.root(1, "dpkg --purge --force-depends socat >/dev/null 2>&1");
    scene.root(1, &format!("touch /run/hold; nohup perl -e '{hold}' >/run/hold.log 2>&1 &"));
    until("it is locked", Duration::from_secs(5), || {
        !scene.root(1, "ls /run/held 2>/dev/null || true").is_empty()
    });
    stuck(scene).says("package manager is locked");
    scene.root(1, "rm /run/hold");
}
