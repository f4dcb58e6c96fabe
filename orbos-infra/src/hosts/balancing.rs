//! Load balancing by machines, for providers that have no load balancers: HAProxy behind addresses that
//! keepalived moves between machines.

mod haproxy;
mod keepalived;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    host::{FileGoal, HostGoal, ServiceGoal},
    machine::{Machine, MachineId, PoolRef},
    network::{Cidr, Endpoint, Protocol, Rule, Scope},
    provider::Interfaces,
};

pub use keepalived::router_id;

/// The packages that a machine needs to balance load.
pub const BALANCING_PACKAGES: [&str; 2] = ["haproxy", "keepalived"];

const HAPROXY: &str = "/etc/haproxy/haproxy.cfg";
const KEEPALIVED: &str = "/etc/keepalived/keepalived.conf";
const READY: &str = "/etc/keepalived/orbos-ready.sh";

/// Adds what a machine needs to answer for endpoints.
///
/// `endpoints` are those whose balancers are the machine's pool, `machines` all that are in use, and
/// `internal` are further ranges whose addresses may always connect. An endpoint without an address, and
/// machines without one, are left out until they have one.
pub fn balance(
    goal: &mut HostGoal,
    machine: &Machine,
    interfaces: &Interfaces,
    endpoints: &[&Endpoint],
    machines: &BTreeMap<MachineId, Machine>,
    internal: &BTreeSet<Cidr>,
) {
    let mut served: Vec<(IpAddr, &Endpoint)> =
        endpoints.iter().filter_map(|it| Some((it.address?, *it))).collect();
    served.sort_by(|left, right| left.1.name.cmp(&right.1.name));
    let Some(own) = machine.address else { return };
    goal.packages.extend(BALANCING_PACKAGES.map(str::to_owned));
    let on = || "1".to_owned();
    goal.sysctls.insert("net.ipv4.ip_nonlocal_bind".into(), on());
    if served.iter().any(|it| it.0.is_ipv6()) {
        goal.sysctls.insert("net.ipv6.ip_nonlocal_bind".into(), on());
    }
    let haproxy = haproxy::config(&served, machines, internal);
    goal.files.insert(HAPROXY.into(), FileGoal::text(haproxy));
    let addresses: BTreeSet<IpAddr> = served.iter().map(|it| it.0).collect();
    let balancers: Vec<IpAddr> =
        machines.values().filter(|it| it.id.pool == machine.id.pool).filter_map(|it| it.address).collect();
    let keepalived = keepalived::config(own, &balancers, interfaces, &addresses);
    goal.files.insert(KEEPALIVED.into(), FileGoal::text(keepalived));
    goal.files.insert(READY.into(), FileGoal { contents: keepalived::READY_SCRIPT.into(), mode: 0o755 });
    let service = |reads: &[&str]| ServiceGoal {
        reads: reads.iter().map(|it| (*it).to_owned()).collect(),
        reload: true,
        only_enabled: false,
    };
    goal.services.insert("haproxy.service".into(), service(&[HAPROXY]));
    goal.services.insert("keepalived.service".into(), service(&[KEEPALIVED, READY]));
    if let Some(firewall) = &mut goal.firewall {
        let frontends = served.iter().map(|(_, it)| Rule::tcp(&it.name, it.frontend_port, Scope::Anyone));
        firewall.rules.extend(frontends);
        let vrrp =
            Rule { name: "vrrp".into(), protocol: Protocol::Vrrp, ports: (0, 0), scope: Scope::Internal };
        firewall.rules.insert(vrrp);
    }
}

/// What machines of a pool have to let in because they answer behind endpoints.
pub fn backend_rules(endpoints: &[&Endpoint], pool: &PoolRef) -> BTreeSet<Rule> {
    let behind = endpoints.iter().filter(|it| it.backends.contains(pool));
    behind.map(|it| Rule::tcp(format!("{}-backend", it.name), it.backend_port, Scope::Internal)).collect()
}
