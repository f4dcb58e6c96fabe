//! Operating systems of real machines are looked at and changed.
#![expect(clippy::print_stderr, reason = "a test of minutes says how far it is")]

#[path = "hosts/site.rs"]
mod site;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use orbos_infra::{
    Artifact, Cidr, Endpoint, FileGoal, Firewall, HealthCheck, HealthProtocol, HostChange, HostGoal,
    Interfaces, Machine, MachineId, Origin, PoolRef, Rule, Scope, ServiceGoal,
    hosts::{self, HostContext, balancing},
};
use orbos_lab::Lab;
use site::{LockedOut, Site};

/// Runs a test in the network of a lab with that many machines.
fn in_lab<F: Future<Output = ()>>(count: u8, test: impl FnOnce(Vec<Site>) -> F) {
    let lab = match std::env::var("ORBOS_LAB_HOSTS") {
        Ok(name) => Lab::lasting(&name),
        Err(_) => Lab::new("hosts"),
    };
    let lab = lab.expect("a lab");
    let machines: Vec<_> =
        (1..=count).map(|it| lab.machine(&format!("h{it}"), lab.address(10 + it))).collect();
    for machine in &machines {
        if machine.state() != orbos_lab::State::On {
            machine.start().expect("the machine boots");
        }
    }
    lab.enter().expect("the lab's network");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut sites = Vec::new();
        for machine in &machines {
            sites.push(Site::new(&lab, machine).await);
        }
        test(sites).await;
    });
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

const WEB_UNIT: &str = "/etc/systemd/system/web.service";
const WEB_CONFIG: &str = "/etc/web.conf";

/// Something of everything.
fn goal(site: &Site, others: &[&Site]) -> HostGoal {
    let bundle = site.bundle.as_ref().expect("there is a bundle");
    let entry = bundle.binary("crictl", "v1.20.0").expect("it is in the bundle");
    let crictl = Artifact {
        name: entry.name.clone(),
        version: entry.version.clone(),
        origin: Origin::Bundle { path: entry.path.clone(), sha256: entry.sha256.clone() },
        mode: 0o755,
    };
    let pause = bundle.image("k8s.gcr.io/pause:3.2").expect("it is in the bundle");
    let image = Artifact {
        name: pause.name.clone(),
        version: pause.version.clone(),
        origin: Origin::Bundle { path: pause.path.clone(), sha256: pause.sha256.clone() },
        mode: 0o644,
    };
    let unit = "[Unit]\nDescription=Says who it is\n\n[Service]\nExecStart=/usr/bin/socat \
                TCP-LISTEN:8080,fork,reuseaddr EXEC:\"/bin/cat /etc/web.conf\"\n\n[Install]\nWantedBy=multi-user.target\n";
    let answer = format!("HTTP/1.0 200 OK\r\n\r\n{}\n", site.machine.name());
    let internal =
        others.iter().chain([&site]).map(|it| format!("{}/32", it.address()).parse().expect("a range"));
    let route = |(at, other): (usize, &&Site)| {
        (format!("10.244.{}.0/24", at + 1).parse::<Cidr>().expect("a range"), other.address())
    };
    HostGoal {
        hostname: Some(format!("{}-named", site.machine.name())),
        packages: set(&["containerd", "nftables", "socat"]),
        artifacts: [("/usr/local/bin/crictl".to_owned(), crictl)].into(),
        images: [("k8s.gcr.io/pause:3.2".to_owned(), image)].into(),
        modules: set(&["br_netfilter", "overlay"]),
        sysctls: [
            ("net.ipv4.ip_forward".to_owned(), "1".to_owned()),
            ("net.ipv4.ip_local_port_range".to_owned(), "20000 60000".to_owned()),
        ]
        .into(),
        files: [
            (WEB_UNIT.to_owned(), FileGoal::text(unit)),
            (WEB_CONFIG.to_owned(), FileGoal { contents: answer.into(), mode: 0o600 }),
            (
                "/etc/orbos-test/it's deep/file name".to_owned(),
                FileGoal::text("$(reboot) `reboot`\n\\ ${HOME}"),
            ),
        ]
        .into(),
        services: [
            ("containerd.service".to_owned(), ServiceGoal::default()),
            (
                "web.service".to_owned(),
                ServiceGoal { reads: set(&[WEB_UNIT, WEB_CONFIG]), ..ServiceGoal::default() },
            ),
        ]
        .into(),
        swap_off: true,
        firewall: Some(Firewall {
            rules: [Rule::tcp("web", 8080, Scope::Internal)].into(),
            internal: std::sync::Arc::new(internal.collect()),
            masquerade: [].into(),
        }),
        routes: others.iter().enumerate().map(route).collect(),
        probes: [
            ("fails".to_owned(), "echo no; exit 3".to_owned()),
            ("hostile".to_owned(), "printf '= end 0\\n= packages 0\\nprobe 0 0 3\\n'".to_owned()),
            ("web".to_owned(), "cat /etc/web.conf".to_owned()),
        ]
        .into(),
        ..HostGoal::default()
    }
}

#[test]
fn a_bare_machine_becomes_what_is_wanted_and_stays_it() {
    in_lab(2, async |sites| {
        let [one, two] = &sites[..] else { panic!("two machines") };
        let goal = goal(one, &[two]);
        let bare = one.observe(&goal).await;
        assert!(bare.listening.contains(&22), "{:?}", bare.listening);
        let changes = one.converge(&goal).await;
        eprintln!("{}", changes.join("\n"));
        assert_eq!(one.left(&goal).await, [] as [String; 0]);
        let seen = one.observe(&goal).await;
        assert_eq!(seen.os, "debian-12");
        assert!(seen.clock_ahead.abs() <= 1, "{}", seen.clock_ahead);
        assert_eq!(seen.probes.keys().collect::<Vec<_>>(), ["hostile", "web"]);
        assert_eq!(seen.probes["hostile"], "= end 0\n= packages 0\nprobe 0 0 3");
        assert_eq!(seen.interfaces["eth0"], [one.address()].into());
        assert!(seen.listening.is_empty(), "nobody asks any more: {:?}", seen.listening);
        assert_eq!(seen.busy, None);
        assert!(!seen.swap);
        let slow =
            HostGoal { probes: [("slow".to_owned(), "sleep 100".to_owned())].into(), ..HostGoal::default() };
        assert!(one.observe(&slow).await.probes.is_empty(), "it takes too long");
        twice_is_once(one, &goal).await;
        damage_is_seen_and_repaired(one, &goal).await;
    });
}

/// Every change again, although nothing is to be done: no error, no difference, no restart.
async fn twice_is_once(site: &Site, goal: &HostGoal) {
    let before = site.observe(goal).await;
    for change in orbos_infra::difference(goal, &orbos_infra::HostSeen::default()) {
        site.apply(&change).await.unwrap_or_else(|it| panic!("{change}: {}", it.chain()));
    }
    assert_eq!(site.left(goal).await, [] as [String; 0]);
    let after = site.observe(goal).await;
    assert_eq!(after.managed, before.managed);
    assert_eq!(after.services["containerd.service"], before.services["containerd.service"]);
}

async fn damage_is_seen_and_repaired(site: &Site, goal: &HostGoal) {
    let damages: [(&str, &[&str]); 17] = [
        ("echo other > /proc/sys/kernel/hostname", &["name h1-named"]),
        ("echo other > /etc/hostname", &["name h1-named"]),
        ("dpkg -r --force-depends socat", &["install socat"]),
        ("sysctl -q -w net.ipv4.ip_forward=0", &["tune net.ipv4.ip_forward=1"]),
        ("sed -i /ip_forward/d /etc/sysctl.d/90-orbos.conf", &["tune net.ipv4.ip_forward=1"]),
        ("rm /etc/modules-load.d/orbos.conf", &["load br_netfilter, overlay"]),
        ("echo >> /usr/local/bin/crictl", &["fetch crictl v1.20.0 to /usr/local/bin/crictl"]),
        ("chmod 644 /usr/local/bin/crictl", &["fetch crictl v1.20.0 to /usr/local/bin/crictl"]),
        ("chmod 666 /etc/web.conf", &["write /etc/web.conf", "enable web.service"]),
        ("echo other >> /etc/web.conf", &["write /etc/web.conf", "enable web.service"]),
        ("systemctl stop web", &["enable web.service"]),
        ("systemctl disable -q web", &["enable web.service"]),
        ("ctr -n k8s.io images rm k8s.gcr.io/pause:3.2", &["image k8s.gcr.io/pause:3.2"]),
        ("nft delete table inet orbos", &["permit web"]),
        ("nft insert rule inet orbos input tcp dport 9999 accept", &["permit web"]),
        ("ip route del 10.244.1.0/24", &["route 10.244.1.0/24 by VIA"]),
        ("echo '/swap none swap sw 0 0' >> /etc/fstab", &["swap off"]),
    ];
    for (command, expected) in damages {
        site.settle(goal).await;
        site.says(command).await;
        let via = goal.routes.values().next().expect("there is a route").to_string();
        let expected: Vec<_> = expected.iter().map(|it| it.replace("VIA", &via)).collect();
        assert_eq!(site.left(goal).await, expected, "after {command}");
        site.converge(goal).await;
        assert_eq!(site.left(goal).await, [] as [String; 0], "after repairing {command}");
    }
}

#[test]
fn what_is_no_longer_wanted_goes() {
    in_lab(2, async |sites| {
        let [one, two] = &sites[..] else { panic!("two machines") };
        one.converge(&goal(one, &[two])).await;
        one.converge(&HostGoal::default()).await;
        assert_eq!(one.left(&HostGoal::default()).await, [] as [String; 0]);
        let left = "ls -A /etc/web.conf /usr/local/bin/crictl /etc/orbos /var/lib/orbos/firewall 2>/dev/null; nft list tables; \
                    ip route show proto 77; ls /etc/systemd/system/*.wants | grep -e orbos -e web; true";
        assert_eq!(one.says(left).await, "");
    });
}

#[test]
fn nobody_locks_himself_out() {
    in_lab(1, async |sites| {
        let site = &sites[0];
        let firewall = |name: &str| Firewall {
            rules: [Rule::tcp(name, 80, Scope::Anyone)].into(),
            ..Firewall::default()
        };
        let goal = |name: &str| HostGoal {
            packages: set(&hosts::FIREWALL_PACKAGES),
            firewall: Some(firewall(name)),
            ..HostGoal::default()
        };
        site.converge(&goal("good")).await;
        let context = HostContext { bundle: None, reconnect: &LockedOut };
        let bad = HostChange::Permit(firewall("bad"));
        let error = hosts::apply(&*site.shell, &bad, &context).await.expect_err("nobody gets through");
        assert!(
            error.chain().contains("no second connection got through, the former one is back"),
            "{}",
            error.chain()
        );
        assert_eq!(site.left(&goal("good")).await, [] as [String; 0]);
        assert_eq!(site.left(&goal("bad")).await, ["permit bad"]);

        // Nor if this program dies in between: the machine takes it back by itself.
        let connection = hosts::apply(&*site.shell, &bad, &HostContext { bundle: None, reconnect: &Forever });
        let _ = tokio::time::timeout(Duration::from_secs(2), connection).await.expect_err("it waits forever");
        assert_eq!(site.left(&goal("good")).await, ["permit good"]);
        let waited = std::time::Instant::now();
        while !site.left(&goal("good")).await.is_empty() {
            assert!(waited.elapsed() < Duration::from_secs(40), "the former firewall does not come back");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
}

#[test]
fn what_does_not_work_says_why_and_leaves_nothing_behind() {
    in_lab(1, async |sites| {
        let site = &sites[0];
        let fails = async |change: HostChange| match site.apply(&change).await {
            Ok(()) => panic!("it worked: {change}"),
            Err(error) => error.chain(),
        };
        let right = site
            .says("rm -rf /opt/tools; printf 'tool\\n' > /srv/tool; sha256sum < /srv/tool | cut -d ' ' -f 1")
            .await;
        let url = |sum: &str| Origin::Url {
            url: "file:///srv/tool".into(),
            checksum_url: format!("file:///srv/{sum}"),
        };
        let tool = |origin| Artifact { name: "tool".into(), version: "v1".into(), origin, mode: 0o755 };
        let fetch = |origin| HostChange::Fetch { path: "/opt/tools/tool".into(), artifact: tool(origin) };
        site.says("echo 0123456789012345678901234567890123456789012345678901234567890123 > /srv/wrong; echo x > /srv/none").await;

        let said = fails(fetch(url("wrong"))).await;
        assert!(said.contains(&right) && said.contains("0123456789"), "{said}");
        assert!(fails(fetch(url("none"))).await.contains("there is no checksum at file:///srv/none"));
        let missing =
            Origin::Url { url: "file:///srv/missing".into(), checksum_url: "file:///srv/wrong".into() };
        assert!(fails(fetch(missing)).await.contains("nothing could be downloaded from file:///srv/missing"));
        let bundle =
            site.bundle.as_ref().expect("there is one").binary("crictl", "v1.20.0").expect("it is there");
        let said = fails(fetch(Origin::Bundle { path: bundle.path.clone(), sha256: right.clone() })).await;
        assert!(said.contains(&right) && said.contains(&bundle.sha256), "{said}");
        assert_eq!(site.says("ls -A /opt/tools").await, "");
        site.says("cd /srv; sha256sum tool > sum").await;
        site.apply(&fetch(url("sum"))).await.expect("the sum is right");
        assert_eq!(site.says("cat /opt/tools/tool; stat -c %a /opt/tools/tool").await, "tool\n755");

        let said = fails(HostChange::Install(set(&["no-such-package"]))).await;
        assert!(said.contains("no-such-package"), "{said}");
        let said = fails(HostChange::Tune([("no.such.key".to_owned(), "1".to_owned())].into())).await;
        assert!(said.contains("no/such/key"), "{said}");
        let unit = FileGoal::text("[Service]\nExecStart=/bin/sh -c 'echo my last words; exit 1'\n");
        site.apply(&HostChange::Write { path: "/etc/systemd/system/ends.service".into(), file: unit })
            .await
            .expect("it is written");
        let said = fails(HostChange::Enable { service: "ends".into(), goal: ServiceGoal::default() }).await;
        assert!(said.contains("ends ended") && said.contains("my last words"), "{said}");

        // A lock as apt itself takes it, held until somebody removes a file.
        let hold = r#"use Fcntl; open F, "+>", "/var/lib/dpkg/lock-frontend" or die;
                      my $l = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0); fcntl F, F_SETLK, $l or die;
                      open M, ">", "/srv/locked"; close M; sleep 1 while -e "/srv/held""#;
        site.says(&format!(
            "rm -f /srv/locked; touch /srv/held; nohup perl -e '{hold}' >/srv/perl.log 2>&1 &"
        ))
        .await;
        until("it is locked", async || {
            site.shell.run("test -e /srv/locked").await.expect("it answers").success()
        })
        .await;
        let said = fails(HostChange::Install(set(&["socat"]))).await;
        assert!(said.contains("the package manager is locked by somebody else"), "{said}");
        site.says("rm /srv/held").await;

        site.says("touch /srv/held; nohup sh -c 'exec 9>>/run/orbos/lock; flock 9; echo installing > /run/orbos/lock; \
                   while [ -e /srv/held ]; do sleep 0.1; done' >/dev/null 2>&1 &").await;
        until("it is busy", async || {
            site.observe(&HostGoal::default()).await.busy.as_deref() == Some("installing")
        })
        .await;
        let said = fails(HostChange::Disable { service: "ends".into() }).await;
        assert!(said.contains("the machine is busy: installing"), "{said}");
        site.says("rm /srv/held").await;
        until("it is idle", async || site.observe(&HostGoal::default()).await.busy.is_none()).await;
    });
}

#[derive(Debug)]
struct Forever;

#[async_trait::async_trait]
impl hosts::Reconnect for Forever {
    async fn fresh(&self) -> orbos_state::Result<std::sync::Arc<dyn orbos_ssh::Shell>> {
        std::future::pending().await
    }
}

fn endpoint(pool: &PoolRef, site: &Site) -> Endpoint {
    let [a, b, c, _] = site.machine.address().octets();
    Endpoint {
        name: "web".into(),
        address: Some([a, b, c, 200].into()),
        balancers: pool.clone(),
        frontend_port: 80,
        backend_port: 8080,
        backends: [pool.clone()].into(),
        health: HealthCheck { protocol: HealthProtocol::Http, path: "/".into(), code: 200 },
        whitelist: [].into(),
        proxy_protocol: false,
    }
}

#[test]
fn an_address_survives_the_machine_that_holds_it() {
    in_lab(3, async |sites| {
        let pool = PoolRef::new("lab", "web");
        let endpoint = endpoint(&pool, &sites[0]);
        let machine =
            |it: &Site| Machine { id: pool.machine(it.machine.name()), address: Some(it.address()) };
        let machines: BTreeMap<MachineId, Machine> =
            sites[..2].iter().map(machine).map(|it| (it.id.clone(), it)).collect();
        let mut goals = Vec::new();
        for (at, site) in sites[..2].iter().enumerate() {
            let mut goal = goal(site, &[&sites[1 - at]]);
            let firewall = goal.firewall.as_mut().expect("there is one");
            firewall.rules = balancing::backend_rules(&[&endpoint], &pool);
            balancing::balance(
                &mut goal,
                &machine(site),
                &Interfaces::default(),
                &[&endpoint],
                &machines,
                &[].into(),
            );
            goals.push(goal);
        }
        for (site, goal) in sites.iter().zip(&goals) {
            site.converge(goal).await;
            assert_eq!(site.left(goal).await, [] as [String; 0]);
        }
        let client = &sites[2];
        let stranger = "curl -s -m 2 http://10.89.0.0/"
            .replace("10.89.0.0", &endpoint.address.expect("it has one").to_string());
        assert_eq!(
            client.shell.run(&stranger).await.expect("it answers").stdout_text(),
            "",
            "it is not on the white list"
        );
        let answers = async |from: &Site| from.shell.run(&stranger).await.expect("it answers").stdout_text();
        let both = set(&["h1", "h2"]);
        until("both answer", async || {
            let mut seen = BTreeSet::new();
            for _ in 0..4 {
                seen.insert(answers(&sites[1]).await);
            }
            seen == both
        })
        .await;
        damage(&sites[0], &goals[0]).await;

        let holds = "ip -o addr show | grep -c '\\.200/32'";
        let holder = async || {
            for site in &sites[..2] {
                if site.shell.run(holds).await.expect("it answers").success() {
                    return Some(site);
                }
            }
            None
        };
        let first = holder().await.expect("somebody holds the address");
        let second = if first.machine == sites[0].machine { &sites[1] } else { &sites[0] };
        // The lab's image has these masked, real machines do not.
        first.says("systemctl -q unmask systemd-sysctl.service systemd-modules-load.service").await;
        first.machine.power_cut().expect("it can be switched off");
        until("the other one answers", async || answers(second).await == second.machine.name()).await;
        first.machine.start().expect("it boots");
        let (at, _) =
            sites.iter().enumerate().find(|(_, it)| it.machine == first.machine).expect("it is one of them");
        // It comes back from the power cut with everything it had, by itself.
        until("it is as before", async || site_left(first, &goals[at]).await.is_some_and(|it| it.is_empty()))
            .await;
    });
}

async fn site_left(site: &Site, goal: &HostGoal) -> Option<Vec<HostChange>> {
    let seen = hosts::observe(&*site.shell, goal, std::time::SystemTime::now()).await.ok()?;
    let changes = orbos_infra::difference(goal, &seen);
    eprintln!("left: {changes:?}");
    Some(changes)
}

async fn damage(site: &Site, goal: &HostGoal) {
    site.says("systemctl stop haproxy").await;
    assert_eq!(site.left(goal).await, ["enable haproxy.service"]);
    site.converge(goal).await;
    site.says("echo '# by hand' >> /etc/haproxy/haproxy.cfg").await;
    assert_eq!(site.left(goal).await, ["write /etc/haproxy/haproxy.cfg", "enable haproxy.service"]);
    site.converge(goal).await;
    assert_eq!(site.left(goal).await, [] as [String; 0]);
}

async fn until(what: &str, mut test: impl AsyncFnMut() -> bool) {
    let started = std::time::Instant::now();
    while !test().await {
        assert!(started.elapsed() < Duration::from_secs(60), "after a minute: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("{:>6.2} s  until {what}", started.elapsed().as_secs_f64());
}
