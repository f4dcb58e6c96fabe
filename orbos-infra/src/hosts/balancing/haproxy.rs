//! The text of HAProxy's configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::IpAddr,
};

use crate::{
    machine::{Machine, MachineId},
    network::{Cidr, Endpoint, HealthProtocol},
};

/// Watches of Kubernetes and open shells are silent for long; dead peers are found by keep-alives instead.
const HEAD: &str = "# Written by ORBITER; changes by hand are overwritten.
global
    log /dev/log local0 notice
    user haproxy
    group haproxy
    maxconn 8192

defaults
    mode tcp
    log global
    option dontlognull
    option clitcpka
    option srvtcpka
    option redispatch
    retries 2
    timeout connect 5s
    timeout check 5s
    timeout client 4h
    timeout server 4h
    default-server inter 2s fall 3 rise 2 on-marked-down shutdown-sessions

frontend ready
    mode http
    bind 127.0.0.1:29999
    timeout client 5s
    http-request return status 200 content-type text/plain string ready if { path /ready }
    http-request return status 404
";

pub(super) fn config(
    served: &[(IpAddr, &Endpoint)],
    machines: &BTreeMap<MachineId, Machine>,
    internal: &BTreeSet<Cidr>,
) -> String {
    let mut text = HEAD.to_owned();
    for (address, endpoint) in served {
        frontend(&mut text, *address, endpoint, machines, internal);
        backend(&mut text, endpoint, machines);
    }
    text
}

fn frontend(
    text: &mut String,
    address: IpAddr,
    endpoint: &Endpoint,
    machines: &BTreeMap<MachineId, Machine>,
    internal: &BTreeSet<Cidr>,
) {
    let name = &endpoint.name;
    let _ = write!(text, "\nfrontend {name}\n    bind {}\n", at(address, endpoint.frontend_port));
    let own = machines.values().filter_map(|it| it.address).map(|it| it.to_string());
    let ranges = endpoint.whitelist.union(internal).map(Cidr::to_string);
    let allowed: BTreeSet<String> = own.chain(ranges).chain([address.to_string()]).collect();
    for source in allowed {
        let _ = writeln!(text, "    acl allowed src {source}");
    }
    let _ = writeln!(text, "    tcp-request connection reject unless allowed\n    default_backend {name}");
}

fn backend(text: &mut String, endpoint: &Endpoint, machines: &BTreeMap<MachineId, Machine>) {
    let _ = writeln!(text, "\nbackend {}\n    balance roundrobin", endpoint.name);
    let health = &endpoint.health;
    let mut check = String::from("check");
    if health.protocol != HealthProtocol::Tcp {
        let path = if health.path.is_empty() { "/" } else { &health.path };
        let _ = writeln!(text, "    option httpchk\n    http-check send meth GET uri {}", word(path));
        let _ = match health.code {
            0 => writeln!(text, "    http-check expect rstatus ^2"),
            code => writeln!(text, "    http-check expect status {code}"),
        };
    }
    if health.protocol == HealthProtocol::Https {
        check.push_str(" check-ssl verify none");
    }
    if endpoint.proxy_protocol {
        check.push_str(" send-proxy-v2");
    }
    for machine in machines.values().filter(|it| endpoint.backends.contains(&it.id.pool)) {
        let Some(address) = machine.address else { continue };
        let _ = writeln!(text, "    server {} {} {check}", machine.id, at(address, endpoint.backend_port));
    }
}

fn at(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(it) => format!("{it}:{port}"),
        IpAddr::V6(it) => format!("[{it}]:{port}"),
    }
}

/// One word of the configuration, whatever is in it.
fn word(text: &str) -> String {
    let escaped = |it: char| match it {
        ' ' | '\\' | '"' | '\'' | '#' | '$' => format!("\\{it}"),
        other => other.to_string(),
    };
    text.chars().filter(|it| !it.is_control()).map(escaped).collect()
}
