//! orbiter: rounds that go on, health, metrics, and a clean end.

#[expect(dead_code, reason = "not every test program needs everything of it")]
#[path = "../secrets/fixture.rs"]
mod fixture;
#[expect(dead_code, reason = "not every test program needs everything of it")]
#[path = "../transcripts/orb.rs"]
mod orb;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use fixture::{Orb, run};

/// A running orbiter, ended with the test.
struct Orbiter {
    process: Child,
    address: SocketAddr,
}

impl Orbiter {
    fn start(orb: &Orb) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let log = fs::File::create(orb.path("orbiter.log")).expect("the home is ours");
        let mut command = Command::new(env!("CARGO_BIN_EXE_orbiter"));
        command.args(["--interval", "1", "--listen", &address.to_string()]).env_clear();
        command.env("HOME", orb.home.path()).stdin(Stdio::null()).stderr(log);
        Self { process: command.spawn().expect("it was built"), address }
    }

    /// Status and body.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: orbiter\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Every metric is a number with a help and a type.
    fn metric(&self, name: &str) -> f64 {
        let Some((200, text)) = self.get("/metrics") else { return 0.0 };
        let mut found = None;
        for block in text.lines().collect::<Vec<_>>().chunks(3) {
            let [help, kind, sample] = block else { panic!("{text}") };
            let (metric, value) = sample.split_once(' ').expect("a name and a value");
            assert!(help.starts_with(&format!("# HELP {metric} ")), "{text}");
            let kind = kind.strip_prefix(&format!("# TYPE {metric} "));
            assert!(matches!(kind, Some("counter" | "gauge")), "{text}");
            let value: f64 = value.parse().expect("a number");
            found = found.or((metric == format!("orbiter_{name}")).then_some(value));
        }
        found.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    fn health(&self) -> Option<u16> {
        Some(self.get("/healthz")?.0)
    }

    fn signal(&self, name: &str) {
        run("kill", &[&format!("-{name}"), &self.process.id().to_string()], None);
    }

    /// The resident memory in MiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find(|it| it.starts_with("VmRSS:")).expect("Linux says so");
        line.split_whitespace().nth(1).and_then(|it| it.parse::<u64>().ok()).expect("a number") / 1024
    }

    fn end(mut self) -> Option<i32> {
        until("it ends", || self.process.try_wait().expect("it is a child of this process").is_some());
        self.process.try_wait().expect("it is a child of this process")?.code()
    }
}

impl Drop for Orbiter {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn rounds_go_on_whatever_does_not_answer() {
    let orb = orb::orb();
    let orbiter = Orbiter::start(&orb);
    until("rounds go on", || orbiter.metric("rounds_total") >= 3.0);
    assert_eq!(orbiter.health(), Some(200), "machines that do not answer are not ORBITER's illness");
    assert_eq!((orbiter.metric("rounds_failed_total"), orbiter.metric("changes_total")), (0.0, 1.0));
    assert!(orbiter.metric("plan_waiting") > 0.0);
    assert_eq!(orbiter.get("/").map(|it| it.0), Some(404));
    let good = orb.file("orbiter.yml");
    orb.commit(&[("orbiter.yml", &good.replace("v1.20.2", "v1.12.0"))]);
    until("a round fails", || orbiter.health() == Some(503));
    assert!(orbiter.metric("rounds_failed_total") >= 1.0);
    assert!(orb.file("caos-internal/orbiter/current.yml").contains("v1.12.0"), "the record says why");
    orb.commit(&[("orbiter.yml", &good)]);
    until("it is well again", || orbiter.health() == Some(200));
    let rounds = orbiter.metric("rounds_total");
    until("there is nothing more to write down", || orbiter.metric("rounds_total") >= rounds + 2.0);
    fs::rename(orb.repository(), orb.path("away.git")).expect("the home is ours");
    let rounds = orbiter.metric("rounds_total");
    until("rounds go on without the repository", || orbiter.metric("rounds_total") >= rounds + 2.0);
    until("it says so", || orbiter.metric("repository_away") == 1.0);
    fs::rename(orb.path("away.git"), orb.repository()).expect("the home is ours");
    until("the repository is back", || orbiter.metric("repository_away") == 0.0);
    let memory = orbiter.memory();
    assert!(memory < 64, "{memory} MiB");
    orbiter.signal("TERM");
    let begin = Instant::now();
    assert_eq!(orbiter.end(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn one_round_says_how_it_ended() {
    let orb = orb::orb();
    let once = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orbiter"));
        command.arg("--once").env_clear().env("HOME", orb.home.path());
        fixture::said(command, None)
    };
    assert_eq!(once().code, Some(0), "a missing key was made");
    let waits = once();
    assert_eq!(waits.code, Some(9), "{waits:?}");
    let good = orb.file("orbiter.yml");
    orb.commit(&[("orbiter.yml", &good.replace("v1.20.2", "v1.12.0"))]);
    let wrong = once();
    assert!(wrong.code == Some(6) && wrong.stderr.contains("orbiter.yml:19:"), "{wrong:?}");
    fs::remove_dir_all(orb.repository()).expect("the home is ours");
    assert_eq!(once().code, Some(4));
}

#[test]
fn an_early_signal_ends_it_too() {
    let orb = orb::orb();
    for name in ["TERM", "INT"] {
        let orbiter = Orbiter::start(&orb);
        let log = orb.path("orbiter.log");
        until("it listens to signals", || {
            fs::read_to_string(&log).is_ok_and(|it| it.contains("applying")) || orbiter.health().is_some()
        });
        orbiter.signal(name);
        assert_eq!(orbiter.end(), Some(0), "{name}");
    }
}

#[test]
fn a_rotated_key_is_followed_and_a_keyring_that_is_gone_is_named() {
    let orb = orb::orb();
    let orbiter = Orbiter::start(&orb);
    until("rounds go on", || orbiter.metric("rounds_total") >= 2.0);
    orb.orbctl(&["secrets", "rotate"]).ok();
    let rounds = orbiter.metric("rounds_total");
    until("rounds go on with the new key", || orbiter.metric("rounds_total") >= rounds + 3.0);
    assert_eq!((orbiter.metric("rounds_failed_total"), orbiter.health()), (0.0, Some(200)));
    let keyring = orb.file("caos-internal/keyring.yml");
    orb.by_hand(|work| fs::remove_file(work.join("caos-internal/keyring.yml")).expect("it is there"));
    until("a round fails", || orbiter.health() == Some(503));
    assert!(orb.file("caos-internal/orbiter/current.yml").contains("it is not there any more"));
    orb.commit(&[("caos-internal/keyring.yml", &keyring)]);
    until("it is well again", || orbiter.health() == Some(200));
}
