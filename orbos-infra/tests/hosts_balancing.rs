//! Load balancing and firewalls as text, judged by the programs that will read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    process::Command,
};

use orbos_infra::{
    Cidr, Endpoint, Firewall, HealthCheck, HealthProtocol, HostGoal, Interfaces, Machine, MachineId, PoolRef,
    Protocol, Rule, Scope,
    hosts::{balancing, firewall_text},
};

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("data/hosts");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

fn masters() -> PoolRef {
    PoolRef::new("static", "masters")
}

fn workers() -> PoolRef {
    PoolRef::new("static", "workers")
}

fn machines() -> BTreeMap<MachineId, Machine> {
    let machine = |pool: PoolRef, name: &str, address: Option<&str>| {
        let address = address.map(|it| it.parse::<IpAddr>().expect("an address"));
        let id = pool.machine(name);
        (id.clone(), Machine { id, address })
    };
    [
        machine(masters(), "first", Some("10.0.0.11")),
        machine(masters(), "second", Some("10.0.0.12")),
        machine(masters(), "unborn", None),
        machine(workers(), "third", Some("10.0.0.21")),
    ]
    .into()
}

fn endpoint(name: &str, address: &str, health: HealthProtocol) -> Endpoint {
    Endpoint {
        name: name.into(),
        address: Some(address.parse().expect("an address")),
        balancers: masters(),
        frontend_port: 443,
        backend_port: 6443,
        backends: [masters()].into(),
        health: HealthCheck { protocol: health, path: "/healthz".into(), code: 200 },
        whitelist: [cidr("192.168.0.0/16")].into(),
        proxy_protocol: false,
    }
}

fn endpoints() -> Vec<Endpoint> {
    let mut kubeapi = endpoint("kubeapi", "10.0.0.100", HealthProtocol::Https);
    kubeapi.frontend_port = 7443;
    let mut http = endpoint("http-ingress", "10.1.0.100", HealthProtocol::Http);
    http.backends = [masters(), workers()].into();
    http.proxy_protocol = true;
    http.health = HealthCheck { protocol: HealthProtocol::Http, path: "/a b#c\"d".into(), code: 0 };
    http.whitelist = (0..100).map(|it| cidr(&format!("172.16.{it}.0/24"))).collect();
    let mut plain = endpoint("plain", "2001:db8::1", HealthProtocol::Tcp);
    plain.health.path = String::new();
    let mut nobody = endpoint("nobody", "10.0.0.0", HealthProtocol::Tcp);
    nobody.backends = [PoolRef::new("static", "none")].into();
    let unknown = Endpoint { address: None, ..endpoint("unknown", "10.0.0.1", HealthProtocol::Tcp) };
    vec![plain, kubeapi, http, nobody, unknown]
}

fn balanced(machine: &str, interfaces: &Interfaces) -> HostGoal {
    let machines = machines();
    let machine = &machines[&masters().machine(machine)];
    let endpoints = endpoints();
    let endpoints: Vec<&Endpoint> = endpoints.iter().collect();
    let mut goal = HostGoal { firewall: Some(Firewall::default()), ..HostGoal::default() };
    balancing::balance(
        &mut goal,
        machine,
        interfaces,
        &endpoints,
        &machines,
        &[cidr("10.244.0.0/16")].into(),
    );
    goal
}

/// Writes a file and lets a program judge it.
fn judge(program: &str, arguments: &[&str], text: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("it can be written");
    let output = Command::new(program).args(arguments).arg(file.path()).output();
    let output = output.unwrap_or_else(|it| panic!("{program} has to be installed: {it}"));
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !said.contains("WARNING"), "{said}\n{text}");
}

#[test]
fn haproxy_accepts_its_configuration() {
    let goal = balanced("first", &Interfaces::default());
    let config = &goal.files["/etc/haproxy/haproxy.cfg"].contents;
    snapshot("haproxy", config);
    judge("haproxy", &["-c", "-f"], config);
    assert_eq!(
        goal.files["/etc/haproxy/haproxy.cfg"],
        balanced("second", &Interfaces::default()).files["/etc/haproxy/haproxy.cfg"]
    );
}

#[test]
fn keepalived_accepts_its_configuration() {
    let interfaces = Interfaces { private: "eth8".into(), external: vec!["eth9".into(), "eth7".into()] };
    let real = std::fs::read_dir("/sys/class/net")
        .expect("there is sysfs")
        .filter_map(|it| it.ok()?.file_name().into_string().ok());
    let real = real.filter(|it| it != "lo").min().expect("there is a network interface");
    let mut texts = String::new();
    for machine in ["first", "second"] {
        let goal = balanced(machine, &interfaces);
        let config = &goal.files["/etc/keepalived/keepalived.conf"].contents;
        texts.push_str(&format!("##### {machine}\n{config}"));
        // Neither the script nor the interfaces are there where this test runs.
        let here = config
            .replace("/etc/keepalived/orbos-ready.sh", "/bin/true")
            .replace("eth8", &real)
            .replace("eth9", &real);
        judge("keepalived", &["-t", "-f"], &here);
    }
    snapshot("keepalived", &texts);
}

#[test]
fn the_check_of_keepalived_asks_haproxy() {
    let goal = balanced("first", &Interfaces::default());
    let script = &goal.files["/etc/keepalived/orbos-ready.sh"];
    assert_eq!(script.mode, 0o755);
    judge("bash", &["-n"], &script.contents);
}

#[test]
fn balancing_opens_what_it_needs() {
    let goal = balanced("first", &Interfaces::default());
    let rules: Vec<_> = goal.firewall.expect("there is one").rules.into_iter().collect();
    let vrrp = Rule { name: "vrrp".into(), protocol: Protocol::Vrrp, ports: (0, 0), scope: Scope::Internal };
    let expected: BTreeSet<_> = [
        Rule::tcp("http-ingress", 443, Scope::Anyone),
        Rule::tcp("kubeapi", 7443, Scope::Anyone),
        Rule::tcp("nobody", 443, Scope::Anyone),
        Rule::tcp("plain", 443, Scope::Anyone),
        vrrp,
    ]
    .into();
    assert_eq!(rules, expected.into_iter().collect::<Vec<_>>());
    assert_eq!(goal.sysctls["net.ipv4.ip_nonlocal_bind"], "1");
    let endpoints = endpoints();
    let endpoints: Vec<&Endpoint> = endpoints.iter().collect();
    let rules = balancing::backend_rules(&endpoints, &workers());
    assert_eq!(rules, [Rule::tcp("http-ingress-backend", 6443, Scope::Internal)].into());
}

#[test]
fn router_ids_are_the_originals() {
    // The first three are vectors of the original.
    for (address, id) in [("192.168.122.10", 10), ("10.0.0.0", 55), ("2001:db8::1", 55), ("10.0.0.255", 255)]
    {
        assert_eq!(balancing::router_id(address.parse().expect("an address")), id, "{address}");
    }
}

fn firewall() -> Firewall {
    let udp = Rule {
        name: "vxlan \"x\"".into(),
        protocol: Protocol::Udp,
        ports: (8472, 8472),
        scope: Scope::Internal,
    };
    let vrrp = Rule { name: "vrrp".into(), protocol: Protocol::Vrrp, ports: (0, 0), scope: Scope::Internal };
    Firewall {
        rules: [
            Rule::tcp("kubelet", 10250, Scope::Internal),
            Rule::tcp_range("nodeports", (30000, 32767), Scope::Anyone),
            udp,
            vrrp,
        ]
        .into(),
        internal: std::sync::Arc::new(
            ["10.0.0.11/32", "10.0.0.12/32", "10.244.0.0/16", "10.244.3.0/24", "10.96.7.1/12"]
                .map(cidr)
                .into(),
        ),
        masquerade: ["10.244.0.0/16"].map(cidr).into(),
    }
}

#[test]
fn nft_accepts_firewalls() {
    let text = firewall_text(&firewall());
    snapshot("firewall", &text);
    judge("nft", &["-c", "-f"], &text);
    judge("nft", &["-c", "-f"], &firewall_text(&Firewall::default()));
    let everyone =
        Firewall { internal: std::sync::Arc::new([Cidr::ANY, cidr("10.0.0.0/8")].into()), ..firewall() };
    judge("nft", &["-c", "-f"], &firewall_text(&everyone));
}
