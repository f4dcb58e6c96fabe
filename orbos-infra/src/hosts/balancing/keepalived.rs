//! The text of keepalived's configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    net::IpAddr,
};

use crate::provider::Interfaces;

/// Whether HAProxy runs; needs nothing but what every Debian has.
pub(super) const READY_SCRIPT: &str = "#!/bin/bash
# Written by ORBITER; changes by hand are overwritten.
exec 3<>/dev/tcp/127.0.0.1/29999 || exit 1
printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 2 _ status _ <&3 && [ \"$status\" = 200 ]
";

/// Addresses stay where they are when a machine comes back, because moving them breaks connections.
///
/// Messages carry addresses of the machines' own family only. Others move with the first of that family,
/// and nowhere if there is none.
pub(super) fn config(
    own: IpAddr,
    balancers: &[IpAddr],
    interfaces: &Interfaces,
    addresses: &BTreeSet<IpAddr>,
) -> String {
    let mut text = format!(
        "# Written by ORBITER; changes by hand are overwritten.
global_defs {{
    enable_script_security
    script_user root
    vrrp_version 3
}}

vrrp_script ready {{
    script \"{}\"
    interval 2
    timeout 3
    fall 2
    rise 2
}}
",
        super::READY
    );
    let rank = balancers.iter().position(|it| *it == own).unwrap_or(balancers.len());
    let priority = 200_usize.saturating_sub(rank).max(1);
    let peers: Vec<&IpAddr> =
        balancers.iter().filter(|it| **it != own && family(it) == family(&own)).collect();
    let (announced, mut others): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().partition(|it| family(it) == family(&own));
    for (address, id) in router_ids(&announced) {
        let name = address.to_string().replace(['.', ':'], "_");
        let private = &interfaces.private;
        let _ = write!(
            text,
            "
vrrp_instance {name} {{
    state BACKUP
    nopreempt
    interface {private}
    virtual_router_id {id}
    priority {priority}
    advert_int 1
    unicast_src_ip {own}
"
        );
        if !peers.is_empty() {
            block(&mut text, "unicast_peer", peers.iter().map(ToString::to_string));
        }
        let outside = interfaces.external.first().unwrap_or(private);
        let placed = |it: IpAddr| format!("{it}/{} dev {outside}", if it.is_ipv4() { 32 } else { 128 });
        block(&mut text, "virtual_ipaddress", [placed(address)]);
        if !others.is_empty() {
            block(&mut text, "virtual_ipaddress_excluded", others.drain(..).map(placed));
        }
        block(&mut text, "track_script", ["ready".to_owned()]);
        text.push_str("}\n");
    }
    text
}

fn family(address: &IpAddr) -> bool {
    address.is_ipv4()
}

fn block(text: &mut String, name: &str, lines: impl IntoIterator<Item = String>) {
    let _ = writeln!(text, "    {name} {{");
    for line in lines {
        let _ = writeln!(text, "        {line}");
    }
    text.push_str("    }\n");
}

/// The number by which balancers recognise each other's messages about an address: its last part, or 55
/// if that is 0 or the address is not IPv4.
pub fn router_id(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(it) if it.octets()[3] != 0 => it.octets()[3],
        _ => 55,
    }
}

/// A number for each address; if two would have the same, the later one takes the next that is free.
fn router_ids(addresses: &[IpAddr]) -> BTreeMap<IpAddr, u8> {
    let mut taken = BTreeSet::new();
    let mut ids = BTreeMap::new();
    for address in addresses.iter().take(usize::from(u8::MAX)) {
        let mut id = router_id(*address);
        while !taken.insert(id) {
            id = id.checked_add(1).unwrap_or(1);
        }
        ids.insert(*address, id);
    }
    ids
}
