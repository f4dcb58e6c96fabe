//! The programs, as their users start them: on a file, without an orb.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::site::{ALL, Site, program};

const ONE_TOOL: &str = "apiVersion: caos.ch/v1\nkind: Boom\nspec:\n  nodeMetricsExporter: { deploy: true }\n";

fn command(site: &Site<'_>, name: &str, file: &std::path::Path) -> Command {
    let mut command = Command::new(program(name));
    if name == "orbctl" {
        command.args(["boom", "apply"]);
    }
    command.arg("--file").arg(file).arg("--kubeconfig").arg(site.api.kubeconfig());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// What there is, without what tells one life of an object from another.
fn state(site: &Site<'_>) -> Vec<String> {
    site.ours("")
}

pub(crate) fn killed_at_any_moment_it_ends_where_it_would_have(site: &Site<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let (on, off) = (folder.path().join("on.yml"), folder.path().join("off.yml"));
    // No generated secret without an orb.
    let admin = "  monitoring:\n    deploy: true\n    admin: { existingPassword: { name: grafana-admin, key: password } }\n";
    let all = ALL.replace("  monitoring:\n    deploy: true\n", admin);
    assert_ne!(all, ALL);
    fs::write(&on, &all).unwrap();
    fs::write(&off, ONE_TOOL).unwrap();

    let whole = command(site, "orbctl", &on).output().unwrap();
    let expected = state(site);
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let took = {
        clear(site, &off);
        let begin = Instant::now();
        assert!(command(site, "orbctl", &on).output().unwrap().status.success());
        begin.elapsed()
    };
    for part in 1..=10u32 {
        clear(site, &off);
        let mut killed = command(site, "orbctl", &on).spawn().unwrap();
        sleep(took * part / 11);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let there = state(site).len();
        let again = command(site, "orbctl", &on).output().unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(state(site), expected);
        let mut plan = Command::new(program("orbctl"));
        plan.args(["boom", "plan", "--exit-code", "--kubeconfig"]).arg(site.api.kubeconfig());
        let left = plan.arg("--file").arg(&on).output().unwrap();
        assert!(left.status.success(), "every field: {}", String::from_utf8_lossy(&left.stdout));
        println!(
            "killed after {part}/11 of {took:?} with {there} of {} objects there: same end",
            expected.len()
        );
    }
    clear(site, &off);
}

/// All but one tool is taken away; definitions stay, as nobody may delete kinds with objects by mistake.
fn clear(site: &Site<'_>, off: &std::path::Path) {
    let ran = command(site, "orbctl", off).args(["--allow-delete", "*"]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// A BOOM that runs for ever.
struct Running {
    process: Child,
    port: u16,
}

impl Running {
    fn start(site: &Site<'_>, file: &std::path::Path, interval: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = command(site, "boom", file);
        command
            .args(["--interval", interval, "--listen", &format!("127.0.0.1:{port}")])
            .stderr(Stdio::null());
        Self { process: command.spawn().unwrap(), port }
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: boom\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.lines().find_map(|it| it.strip_prefix(name)?.trim().parse().ok())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what} did not come true");
        sleep(Duration::from_millis(100));
    }
}

pub(crate) fn of_two_one_works(site: &Site<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boom.yml");
    fs::write(&file, ONE_TOOL).unwrap();
    let one = Running::start(site, &file, "1");
    until("the first leads", || one.metric("boom_leads") == Some(1.0));
    let mut two = Running::start(site, &file, "1");
    until("the second answers", || two.metric("boom_leads").is_some());
    until("the first has worked", || one.metric("boom_rounds_total").is_some_and(|it| it >= 2.0));
    assert_eq!((two.metric("boom_leads"), two.metric("boom_rounds_total")), (Some(0.0), Some(0.0)));
    let refused = command(site, "orbctl", &file).output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{}", String::from_utf8_lossy(&refused.stderr));

    // Without a chance to say that it goes.
    drop(one);
    let begin = Instant::now();
    until("the second leads", || two.metric("boom_leads") == Some(1.0));
    println!("the second one took over within {:?} of the first one's death", begin.elapsed());

    // Asked to go, it gives the lease back.
    let pid = two.process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(two.process.wait().unwrap().code(), Some(0));
    let begin = Instant::now();
    assert_eq!(command(site, "orbctl", &file).output().unwrap().status.code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

/// Rounds would begin once an hour.
pub(crate) fn what_somebody_changes_is_repaired_before_the_next_round(site: &Site<'_>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("boom.yml");
    fs::write(&file, ONE_TOOL).unwrap();
    let boom = Running::start(site, &file, "3600");
    let settled = || {
        let plan = boom.metric("boom_plan_changes");
        boom.metric("boom_rounds_total").filter(|_| plan == Some(0.0))
    };
    until("nothing is to be done", || settled().is_some_and(|it| it >= 1.0));
    let image = || {
        let path = "jsonpath={.spec.template.spec.containers[0].image}";
        site.kubectl(&["get", "daemonset", "-n", "caos-system", "node-exporter", "-o", path])
    };
    let before = (image(), settled());
    let set =
        ["set", "image", "-n", "caos-system", "daemonset/node-exporter", "node-exporter=example.com/other:1"];
    site.kubectl(&set);
    let begin = Instant::now();
    until("the image is repaired", || image() == before.0);
    println!("a field was repaired {:?} after it was changed", begin.elapsed());
    site.kubectl(&["delete", "service", "-n", "caos-system", "node-exporter"]);
    let begin = Instant::now();
    let service =
        ["get", "service", "-n", "caos-system", "node-exporter", "--ignore-not-found", "-o", "name"];
    until("the Service is there again", || !site.kubectl(&service).is_empty());
    println!("an object was there again {:?} after it was deleted", begin.elapsed());

    // And then there is peace: what its own changes still tell is over, and an early round that they caused for ever would
    // begin 8 s after the last one.
    sleep(Duration::from_secs(5));
    let rounds = settled();
    sleep(Duration::from_secs(10));
    assert_eq!(settled(), rounds, "nothing has happened since");
    assert!(rounds > before.1);
}

pub(crate) fn an_example_installs_tools_from_a_pipeline(site: &Site<'_>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let few = "apiVersion: caos.ch/v1\nkind: Boom\nspec:\n  nodeMetricsExporter: { deploy: true }\n  \
        logsPersisting: { deploy: true }\n";
    fs::write(file.path(), few).unwrap();
    let pipeline = || {
        let mut command = Command::new(program("examples/platform_in_ci"));
        let ran = command.arg(file.path()).arg(site.api.kubeconfig()).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(pipeline().contains("+ StatefulSet caos-system/loki\n"));
    assert_eq!(pipeline(), "", "nothing is left to do");
}
