//! What the lab promises, against real machines. Needs root on Debian 12, and a while when nothing is built yet.

use std::{
    fs,
    io::{ErrorKind, Read},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use orbos_lab::{Error, Lab, Machine, State};

#[test]
fn a_machine_boots_in_seconds_to_a_user_who_may_use_sudo() {
    let lab = Lab::new("boot").unwrap();
    let machine = lab.machine("m1", lab.address(11));
    assert_eq!(machine.state(), State::Absent);

    let begin = Instant::now();
    machine.start().unwrap();
    let took = begin.elapsed();

    assert!(took < Duration::from_secs(20), "took {took:?}");
    assert_eq!(machine.state(), State::On);
    assert_eq!(machine.ssh("id -un; sudo id -un; hostname").unwrap(), "orbiter\nroot\nm1\n");
    assert_eq!(machine.ssh(". /etc/os-release; echo $ID-$VERSION_ID").unwrap().trim(), "debian-12");
    assert_eq!(machine.ssh("ps -o comm= -p 1").unwrap().trim(), "systemd");
    let key = machine.ssh("cat /etc/ssh/ssh_host_ed25519_key.pub").unwrap();
    assert_eq!(key.trim(), machine.host_key().unwrap());
}

#[test]
fn a_disk_survives_a_restart_and_a_power_cut() {
    let lab = Lab::new("disk").unwrap();
    let machine = lab.machine("m1", lab.address(11));
    machine.start().unwrap();
    // A service notices whether it is asked to end.
    machine
        .ssh(
            "sudo systemd-run -q --unit=witness --property=ExecStop='/bin/touch /var/lib/asked' sleep infinity
             echo kept > kept; sync",
        )
        .unwrap();

    machine.power_cut().unwrap();
    assert_eq!(machine.state(), State::Off);
    machine.start().unwrap();
    assert_eq!(
        machine.ssh("cat kept; ls /var/lib/asked 2> /dev/null || echo not asked").unwrap(),
        "kept\nnot asked\n"
    );

    machine.ssh("sudo systemd-run -q --unit=witness --property=ExecStop='/bin/touch /var/lib/asked' sleep infinity").unwrap();
    machine.stop().unwrap();
    assert_eq!(machine.state(), State::Off);
    machine.start().unwrap();
    assert_eq!(machine.ssh("cat kept; ls /var/lib/asked").unwrap(), "kept\n/var/lib/asked\n");

    machine.destroy().unwrap();
    assert_eq!(machine.state(), State::Absent);
    machine.start().unwrap();
    assert_eq!(machine.ssh("ls").unwrap(), "");
}

#[test]
fn an_isolated_machine_is_silent_until_it_rejoins() {
    let lab = Lab::new("isolate").unwrap();
    let (one, other) = (lab.machine("m1", lab.address(11)), lab.machine("m2", lab.address(12)));
    one.start().unwrap();
    other.start().unwrap();
    let reach = |from: &Machine, patience: u8| {
        from.ssh(&format!("nc -z -w {patience} {} 22 && echo reached", other.address()))
    };
    assert_eq!(reach(&one, 10).unwrap().trim(), "reached");

    other.isolate().unwrap();
    assert!(other.is_isolated());
    assert!(matches!(reach(&one, 1), Err(Error::Script { .. })));
    // From the lab's own network: neither refused nor reset, simply no answer.
    let target = SocketAddr::from((other.address(), 22));
    let answer = in_lab(&lab, move || TcpStream::connect_timeout(&target, Duration::from_secs(1)).map(drop));
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::TimedOut);
    // A restart does not heal it.
    other.power_cut().unwrap();
    other.start().unwrap();
    assert!(reach(&one, 1).is_err());

    other.rejoin().unwrap();
    assert!(!other.is_isolated());
    assert_eq!(reach(&one, 10).unwrap().trim(), "reached");
}

#[test]
fn a_thread_that_enters_a_lab_reaches_its_machines() {
    let lab = Lab::new("enter").unwrap();
    let machine = lab.machine("m1", lab.address(11));
    machine.start().unwrap();
    let target = SocketAddr::from((machine.address(), 22));

    let greeting = in_lab(&lab, move || {
        let mut greeting = [0; 8];
        TcpStream::connect(target).unwrap().read_exact(&mut greeting).unwrap();
        greeting
    });

    assert_eq!(&greeting, b"SSH-2.0-");
    let network = || fs::read_link("/proc/thread-self/ns/net").expect("the kernel has it");
    assert_ne!(in_lab(&lab, network), network(), "only the thread that entered is there");
}

#[test]
fn two_labs_do_not_see_each_other() {
    let (one, other) = (Lab::new("twin").unwrap(), Lab::new("twin").unwrap());
    assert_ne!(one.name(), other.name());
    assert_ne!(one.network(), other.network());
    let machine = one.machine("m1", one.address(11));
    let twin = other.machine("m1", other.address(11));
    thread::scope(|scope| {
        scope.spawn(|| machine.start().unwrap());
        scope.spawn(|| twin.start().unwrap());
    });

    assert!(machine.ssh(&format!("ping -c 1 -W 1 {}", one.address(1))).is_ok());
    assert!(machine.ssh(&format!("ping -c 1 -W 1 {}", twin.address())).is_err());
    assert_ne!(machine.host_key().unwrap(), twin.host_key().unwrap());

    other.destroy().unwrap();
    assert_eq!(machine.ssh("echo still here").unwrap(), "still here\n");
}

#[test]
fn a_destroyed_lab_leaves_nothing_behind() {
    let lab = Lab::new("gone").unwrap();
    let name = lab.name().to_owned();
    let machine = lab.machine("m1", lab.address(11));
    machine.start().unwrap();
    machine.ssh("sudo systemd-run -q sleep 9111").unwrap();
    assert!(!traces(&name).is_empty());

    drop(lab);

    assert_eq!(traces(&name), Vec::<String>::new());
}

#[test]
fn a_lab_whose_owner_was_killed_is_swept_away() {
    let mut owner = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let name = format!("orphan-{}", owner.id());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/lab.sh");
    let up = std::process::Command::new(script)
        .arg("up")
        .env("LAB_NAME", &name)
        .env("LAB_OWNER", owner.id().to_string())
        .stdout(Stdio::null())
        .status();
    assert!(up.unwrap().success());
    drop(Lab::new("living").unwrap());
    assert!(Lab::open(&name).is_ok(), "its owner lives");

    owner.kill().unwrap();
    owner.wait().unwrap();
    drop(Lab::new("living").unwrap());

    assert_eq!(traces(&name), Vec::<String>::new());
}

#[test]
fn machines_need_an_address_of_their_lab_that_is_free() {
    let lab = Lab::new("address").unwrap();
    let said = |error: Error| error.to_string();
    let foreign = lab.machine("m1", Ipv4Addr::new(192, 0, 2, 1)).start();
    assert!(said(foreign.unwrap_err()).contains("needs an address in"));
    lab.machine("m1", lab.address(11)).start().unwrap();
    let taken = lab.machine("m2", lab.address(11)).start();
    assert!(said(taken.unwrap_err()).contains("another machine of the lab has the address"));
    let again = lab.machine("m1", lab.address(11)).start();
    assert!(said(again.unwrap_err()).contains("m1 is running"));
    assert_eq!(lab.machines().unwrap(), [lab.machine("m1", lab.address(11))]);
}

fn in_lab<T: Send>(lab: &Lab, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            lab.enter().expect("the lab is there");
            work()
        });
        inside.join().expect("the work does not panic")
    })
}

/// Everything on this computer that carries the lab's name: files, namespaces, cgroups, disks in use, processes.
fn traces(lab: &str) -> Vec<String> {
    let mut traces = Vec::new();
    let mut look = |folder: &str| {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(lab) {
                traces.push(entry.path().display().to_string());
            }
        }
    };
    ["/run/orbos-lab", "/run/netns", "/dev/shm"].into_iter().for_each(&mut look);
    for hierarchy in fs::read_dir("/sys/fs/cgroup").expect("cgroups are mounted").flatten() {
        look(&hierarchy.path().to_string_lossy());
    }
    let mut mentioned = |folder: &str, file: &str| {
        for entry in fs::read_dir(folder).expect("the kernel has it").flatten() {
            let path = entry.path().join(file);
            if fs::read(&path).is_ok_and(|it| String::from_utf8_lossy(&it).contains(lab)) {
                traces.push(path.display().to_string());
            }
        }
    };
    mentioned("/proc", "cmdline");
    mentioned("/proc", "mountinfo");
    mentioned("/sys/block", "loop/backing_file");
    traces
}
