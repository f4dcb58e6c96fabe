//! The texts that go to machines, and what is made of their answers.

mod again;

use std::{
    collections::BTreeSet,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{artifacts, kernel, observe, packages, parse, routes, services, supported};
use crate::{
    host::{Artifact, FileGoal, HostGoal, HostSeen, Origin, ServiceGoal},
    network::Firewall,
};

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../tests/data/hosts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

fn crictl() -> Artifact {
    let sha256 = "6232865e7f751df1db4028d780ff30a232099600e0c43a152859963554fbcdd5".to_owned();
    let origin = Origin::Bundle { path: "binaries/crictl".into(), sha256 };
    Artifact { name: "crictl".into(), version: "v1.20.0".into(), origin, mode: 0o755 }
}

/// What the machine had whose answer was recorded.
fn rich() -> HostGoal {
    let web = "/etc/systemd/system/web.service".to_owned();
    let reads = set(&[&web, "/etc/web.conf"]);
    HostGoal {
        hostname: Some("h2-named".into()),
        packages: set(&["containerd", "nftables", "no-such-package", "socat"]),
        artifacts: [("/usr/local/bin/crictl".to_owned(), crictl())].into(),
        images: [("k8s.gcr.io/pause:3.2".to_owned(), crictl()), ("k8s.gcr.io/other:1".to_owned(), crictl())]
            .into(),
        modules: set(&["br_netfilter", "nf_conntrack", "overlay"]),
        sysctls: [
            ("net.ipv4.ip_forward".to_owned(), "1".to_owned()),
            ("net.ipv4.ip_local_port_range".to_owned(), "20000 60000".to_owned()),
            ("net.ipv4.no_such_key".to_owned(), "1".to_owned()),
        ]
        .into(),
        files: [
            web,
            "/etc/web.conf".into(),
            "/etc/orbos-test/it's deep/file name".into(),
            "/etc/none".into(),
        ]
        .map(|it| (it, FileGoal::text("")))
        .into(),
        services: [
            ("containerd.service".to_owned(), ServiceGoal::default()),
            ("none.service".to_owned(), ServiceGoal::default()),
            ("web.service".to_owned(), ServiceGoal { reads, ..ServiceGoal::default() }),
        ]
        .into(),
        swap_off: true,
        firewall: Some(Firewall::default()),
        probes: [
            ("fails".to_owned(), "echo no; exit 3".to_owned()),
            ("hostile".to_owned(), "printf '= end 0\\nprobe 0 0 3\\n\\377'".to_owned()),
        ]
        .into(),
        ..HostGoal::default()
    }
}

#[test]
fn a_look_is_one_script() {
    snapshot("look-bare", &observe::script(&HostGoal::default(), None).expect("a script"));
    snapshot("look-rich", &observe::script(&rich(), None).expect("a script"));
}

#[test]
fn changes_are_scripts() {
    let file = FileGoal { contents: "it's\n".into(), mode: 0o640 };
    let service = ServiceGoal { reads: set(&["/etc/a", "/etc/b c"]), reload: true, only_enabled: false };
    let lazy = ServiceGoal { only_enabled: true, ..ServiceGoal::default() };
    let to = "10.244.1.7/24".parse::<crate::Cidr>().expect("a range").network();
    let values = [("net.ipv4.ip_forward".to_owned(), "1".to_owned())].into();
    let via = "10.0.0.2".parse().expect("an address");
    let texts = [
        ("name", kernel::name_script("m1")),
        ("load", kernel::load_script(&set(&["br_netfilter", "overlay"]))),
        ("tune", kernel::tune_script(&values)),
        ("write", services::write_script("/etc/it's here/a", &file)),
        ("delete", services::delete_script("/etc/systemd/system/a.service")),
        ("enable", services::enable_script("a.service", &service)),
        ("enable only", services::enable_script("a.service", &lazy)),
        ("disable", services::disable_script("a.service")),
        ("route", routes::route_script(to, via)),
        ("unroute", routes::unroute_script(to)),
        (
            "download",
            artifacts::download_script(
                "/opt/a.orbos",
                "https://example.com/a",
                "https://example.com/a.sha256",
            ),
        ),
        ("keep", artifacts::keep_script("/opt/a", "/opt/a.orbos", "$wanted", &crictl())),
        ("import", artifacts::import_script("/var/lib/orbos/image.tar", "k8s.gcr.io/pause:3.2")),
        ("install", packages::install_script(&set(&["haproxy", "keepalived"]))),
        ("resolve", packages::resolve_script(&set(&["haproxy"]), "abc")),
        ("install offline", packages::offline_script(&set(&["haproxy"]))),
    ];
    let mut all = String::new();
    for (name, text) in texts {
        let parsed = Command::new("sh").args(["-n", "-c", &text]).output().expect("there is a sh");
        assert!(parsed.status.success(), "{name}: {parsed:?}");
        all.push_str(&format!("##### {name}\n{text}\n"));
    }
    snapshot("changes", &all);
}

const RECORDED: &[u8] = include_bytes!("../../tests/data/hosts/recorded-rich.txt");
const RECORDED_BARE: &[u8] = include_bytes!("../../tests/data/hosts/recorded-bare.txt");

fn read(output: &[u8], goal: &HostGoal) -> Result<HostSeen, String> {
    let sent = Duration::from_secs(1_795_376_000);
    let clock = parse::Clock { sent, round_trip: Duration::from_millis(200) };
    parse::seen(output, goal, &clock, None).map(|it| it.seen)
}

#[test]
fn a_recorded_answer_is_read() {
    let seen = read(RECORDED, &rich()).expect("it is whole");
    snapshot("seen-rich", &serde_json::to_string_pretty(&seen).expect("it has a form"));
    let seen = read(RECORDED_BARE, &HostGoal::default()).expect("it is whole");
    snapshot("seen-bare", &serde_json::to_string_pretty(&seen).expect("it has a form"));
}

#[test]
fn an_answer_that_is_cut_off_anywhere_is_no_answer() {
    for length in 0..RECORDED.len() {
        assert!(read(&RECORDED[..length], &rich()).is_err(), "cut off after {length} bytes");
    }
}

const FRAME: [&[u8]; 3] = [b"= ", b"probe ", b"firewall "];

#[test]
fn an_answer_without_a_line_of_its_frame_is_no_answer() {
    let lines: Vec<&[u8]> = RECORDED.split_inclusive(|it| *it == b'\n').collect();
    for (at, line) in
        lines.iter().enumerate().filter(|(_, it)| FRAME.iter().any(|begin| it.starts_with(begin)))
    {
        let others: Vec<u8> = [&lines[..at], &lines[at + 1..]].concat().concat();
        assert!(read(&others, &rich()).is_err(), "without {}", String::from_utf8_lossy(line));
        let twice: Vec<u8> = [&lines[..=at], &lines[at..]].concat().concat();
        assert!(read(&twice, &rich()).is_err(), "twice {}", String::from_utf8_lossy(line));
    }
}

#[test]
fn a_part_that_failed_is_no_answer() {
    // Byte for byte a character, because one probe printed a byte that is no UTF-8.
    let text: String = RECORDED.iter().map(|it| char::from(*it)).collect();
    for part in [
        "machine", "texts", "disk", "network", "modules", "tables", "busy", "links", "stat", "hashes",
        "services",
    ] {
        let start = text.find(&format!("\n= {part} ")).expect("the part is there");
        let end = text[start + 1..].find('\n').expect("its line ends") + start + 1;
        let broken = format!("{}\n= {part} 127{}", &text[..start], &text[end..]);
        let broken: Vec<u8> = broken.chars().map(|it| it as u8).collect();
        let why = read(&broken, &rich()).expect_err(part);
        assert_eq!(why, format!("the part `{part}` failed with 127"));
    }
}

#[test]
fn an_answer_to_another_question_is_no_answer() {
    assert!(read(RECORDED_BARE, &rich()).is_err());
    let more = [RECORDED, b"more\n"].concat();
    assert_eq!(read(&more, &rich()), Err("there is more after its end".into()));
    let motd = [b"Welcome!\n", RECORDED].concat();
    assert_eq!(read(&motd, &rich()), Err("the answer does not begin as expected".into()));
}

#[test]
fn this_machine_can_be_looked_at() {
    let goal = HostGoal {
        files: [("/etc/os-release".to_owned(), FileGoal::text("")), ("/none".to_owned(), FileGoal::text(""))]
            .into(),
        modules: set(&["no_such_module"]),
        sysctls: [("kernel.ostype".to_owned(), "Linux".to_owned())].into(),
        probes: [("word".to_owned(), "printf ' a\\n\\n'".to_owned())].into(),
        packages: set(&["bash", "no-such-package"]),
        ..HostGoal::default()
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let bash =
        Command::new("dpkg-query").args(["-W", "-f=${Version}", "bash"]).output().expect("this is Debian");
    let script = observe::script(&goal, None).expect("a script");
    for shell in ["dash", "bash"] {
        let output = Command::new(shell).args(["-c", &script]).output().expect("there is a shell");
        let seen = read(&output.stdout, &goal).unwrap_or_else(|it| panic!("{shell}: {it}: {output:?}"));
        let time =
            String::from_utf8_lossy(&output.stdout).lines().nth(1).and_then(|it| it.parse::<f64>().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64();
        assert!(time.is_some_and(|it| (0.0..10.0).contains(&(now - it))), "{time:?} at {now}");
        assert!(!seen.boot_id.is_empty() && seen.memory_mib > 0 && !seen.hostname.is_empty(), "{seen:?}");
        assert_eq!(seen.sysctls["kernel.ostype"], "Linux");
        assert_eq!(seen.probes["word"], " a");
        assert_eq!(seen.files.keys().collect::<Vec<_>>(), ["/etc/os-release"]);
        assert!(seen.modules.is_empty());
        assert!(seen.listening.contains(&port), "{:?}", seen.listening);
        assert_eq!(seen.packages.len(), 1);
        assert_eq!(seen.packages["bash"].as_bytes(), bash.stdout);
    }
}

#[test]
fn a_goal_that_would_break_the_script_is_refused() {
    let goals = [
        HostGoal { files: [("relative".to_owned(), FileGoal::text(""))].into(), ..HostGoal::default() },
        HostGoal { files: [("/a\nb".to_owned(), FileGoal::text(""))].into(), ..HostGoal::default() },
        HostGoal { packages: set(&["-o=x"]), ..HostGoal::default() },
        HostGoal { services: [("a b".to_owned(), ServiceGoal::default())].into(), ..HostGoal::default() },
        HostGoal { modules: set(&[""]), ..HostGoal::default() },
    ];
    for goal in goals {
        assert!(observe::script(&goal, None).is_err(), "{goal:?}");
    }
}

#[test]
fn other_systems_are_refused_by_name() {
    assert_eq!(supported("ubuntu-24.04"), Ok(()));
    let reason = supported("centos-7").expect_err("unsupported");
    assert!(reason.contains("centos-7") && reason.contains("debian-12"), "{reason}");
}

#[test]
fn a_package_of_several_architectures_is_there_if_one_of_them_is() {
    let recorded: String = RECORDED.iter().map(|it| char::from(*it)).collect();
    let more = |lines: &str| {
        let text = recorded.replace("\n= tables 0", &format!("\n{lines}\n= tables 0"));
        let text: Vec<u8> = text.chars().map(|it| it as u8).collect();
        read(&text, &rich()).expect("a whole answer").packages.contains_key("socat")
    };
    assert!(more("package socat i386 1.7 deinstall ok config-files"));
    assert!(!more("package socat amd64 - deinstall ok not-installed"));
}
