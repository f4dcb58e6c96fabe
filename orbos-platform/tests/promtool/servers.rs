//! Prometheus with something to collect: all of it on loopback, on ports that nobody uses, until it is dropped.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::expressions::{list, text};

/// An Alertmanager that tells nobody.
pub(crate) const ALERTMANAGER: &str = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";

/// How long everything may take to begin.
const PATIENCE: Duration = Duration::from_secs(120);

/// Programs that are ended with this value.
#[derive(Debug)]
pub(crate) struct Servers {
    programs: Vec<Child>,
    port: u16,
}

impl Drop for Servers {
    fn drop(&mut self) {
        for program in &mut self.programs {
            // It may have ended by itself; then there is nothing to end.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    listener.local_addr().expect("it is bound").port()
}

fn start(program: &str, folder: &Path, arguments: &[String]) -> Child {
    let log = fs::File::create(folder.join(format!("{program}.log"))).expect("the folder can be written to");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().unwrap_or_else(|error| {
        panic!("{program} is needed for this test and is not there ({error}): run `.ci/tools test`")
    })
}

impl Servers {
    /// Starts all of them in a folder with `rules.yml` and the folder `data` of Prometheus.
    pub(crate) fn start(folder: &Path) -> Self {
        let [prometheus, node, alertmanager, mesh, etcd, peer] = [(); 6].map(|()| free_port());
        let at = |port: u16| format!("127.0.0.1:{port}");
        let write = |name: &str, it: String| fs::write(folder.join(name), it).expect("it can be written to");
        write("alertmanager.yml", ALERTMANAGER.to_owned());
        write("prometheus.yml", config(prometheus, node, alertmanager, etcd).to_string());
        let (client, peers) = (format!("http://{}", at(etcd)), format!("http://{}", at(peer)));
        let programs = vec![
            start("prometheus-node-exporter", folder, &[format!("--web.listen-address={}", at(node))]),
            start(
                "prometheus-alertmanager",
                folder,
                &[
                    "--config.file=alertmanager.yml".to_owned(),
                    "--storage.path=alertmanager".to_owned(),
                    format!("--web.listen-address={}", at(alertmanager)),
                    format!("--cluster.listen-address={}", at(mesh)),
                ],
            ),
            start(
                "etcd",
                folder,
                &[
                    "--data-dir=etcd".to_owned(),
                    format!("--listen-client-urls={client}"),
                    format!("--advertise-client-urls={client}"),
                    format!("--listen-peer-urls={peers}"),
                    format!("--initial-advertise-peer-urls={peers}"),
                    format!("--initial-cluster=default={peers}"),
                ],
            ),
            start(
                "prometheus",
                folder,
                &[
                    "--config.file=prometheus.yml".to_owned(),
                    "--storage.tsdb.path=data".to_owned(),
                    format!("--web.listen-address={}", at(prometheus)),
                    "--web.enable-remote-write-receiver".to_owned(),
                ],
            ),
        ];
        Self { programs, port: prometheus }
    }

    /// Waits until everything answers, was collected from twice, and rules were evaluated.
    pub(crate) fn settle(&self) {
        let begun = Instant::now();
        let settled = || {
            let both = |expr| self.ask(expr).is_ok_and(|it| it > 0);
            both("count(up{job!=\"kubelet\"} == 1) >= 4")
                && both("rate(etcd_server_leader_changes_seen_total[1m]) >= 0")
                && both("rate(node_cpu_seconds_total[1m])")
                && both("rate(alertmanager_notifications_total[1m]) >= 0")
                && both("count(orbos:subsystem:health) > 10")
                && both("caos_orb_ryg")
                && both("prometheus_remote_storage_queue_highest_sent_timestamp_seconds")
                && both("orbos:namespace_cpu:usage")
        };
        while !settled() {
            assert!(begun.elapsed() < PATIENCE, "not everything answers: {:?}", self.down());
            thread::sleep(Duration::from_millis(250));
        }
    }

    fn down(&self) -> Option<Value> {
        self.get("/api/v1/query?query=up").ok()
    }

    /// How many series an expression has now.
    pub(crate) fn ask(&self, expr: &str) -> Result<usize, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", encoded(expr)))?;
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        Ok(match &answer["data"]["result"] {
            Value::Array(series) if answer["data"]["resultType"] == "vector" => series.len(),
            _ => 1,
        })
    }

    /// The names of all series that are collected.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let filter = encoded("{job=~\"prometheus|prometheus-node-exporter|alertmanager|etcd\"}");
        let answer = self.get(&format!("/api/v1/label/__name__/values?match[]={filter}"));
        let answer = answer.expect("it answered before");
        list(&answer["data"]).map(|it| text(it).to_owned()).collect()
    }

    /// Rules that could not be evaluated, and why.
    pub(crate) fn failed_rules(&self) -> Vec<String> {
        let answer = self.get("/api/v1/rules").expect("it answered before");
        let rules = list(&answer["data"]["groups"]).flat_map(|it| list(&it["rules"]));
        let failed = rules.filter(|it| it["health"] != "ok");
        failed.map(|it| format!("{}: {}", it["name"], it["lastError"])).collect()
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let said = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(said)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(said)?;
        // With the older version the answer comes in one piece, and the connection ends after it.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").map_err(said)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(said)?;
        let body = answer.split_once("\r\n\r\n").map_or("", |it| it.1);
        serde_json::from_str(body).map_err(|why| format!("{why}: {answer}"))
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|it| match it {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(it).to_string(),
            _ => format!("%{it:02X}"),
        })
        .collect()
}

/// What Prometheus collects, as JSON, which is YAML too.
fn config(prometheus: u16, node: u16, alertmanager: u16, etcd: u16) -> Value {
    let job = |name: &str, port: u16| {
        let labels = json!({ "namespace": "caos-system", "pod": format!("{name}-1"), "service": name, "instance": "instance-1" });
        json!({
            "job_name": name,
            "static_configs": [{ "targets": [format!("127.0.0.1:{port}")], "labels": labels }],
        })
    };
    json!({
        "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
        "rule_files": ["rules.yml"],
        "alerting": { "alertmanagers": [{ "static_configs": [{ "targets": [format!("127.0.0.1:{alertmanager}")] }] }] },
        // It sends to itself what it has already, so that there is a queue to have metrics of.
        "remote_write": [{
            "url": format!("http://127.0.0.1:{prometheus}/api/v1/write"),
            "write_relabel_configs": [{ "source_labels": ["__name__"], "regex": "up", "action": "keep" }],
        }],
        "scrape_configs": [
            job("prometheus", prometheus),
            job("prometheus-node-exporter", node),
            job("alertmanager", alertmanager),
            job("etcd", etcd),
        ],
    })
}
