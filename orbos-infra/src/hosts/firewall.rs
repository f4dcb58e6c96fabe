//! The text of our firewall.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::network::{Cidr, Firewall, Protocol, Rule, Scope};

/// The packages that a machine needs to have a firewall.
pub const FIREWALL_PACKAGES: [&str; 1] = ["nftables"];

/// The table for `nft -f`, which replaces it in one step.
///
/// Traffic that is only passed on is left alone, so it lives beside the rules of kube-proxy: their chains
/// come first, and what they accept is still looked at here. The last rule drops, not the policy: a flushed
/// table would otherwise keep everybody out, also who comes to repair it.
pub fn firewall_text(firewall: &Firewall) -> String {
    let Firewall { rules, internal, masquerade } = firewall;
    let mut text = String::from(
        "# Written by ORBITER; changes by hand are overwritten.
table inet orbos
delete table inet orbos
table inet orbos {
\tset internal {
\t\ttype ipv4_addr
\t\tflags interval
",
    );
    let elements: Vec<String> = outermost(internal).iter().map(Cidr::to_string).collect();
    if !elements.is_empty() {
        let _ = writeln!(text, "\t\telements = {{ {} }}", elements.join(", "));
    }
    text.push_str(
        "\t}

\tchain input {
\t\ttype filter hook input priority filter + 10; policy accept;
\t\tct state established,related accept
\t\tiif lo accept
\t\tmeta l4proto { icmp, ipv6-icmp } accept
\t\tip6 saddr fe80::/10 udp dport 546 accept comment \"dhcpv6\"
\t\ttcp dport 22 accept comment \"ssh\"
",
    );
    for rule in rules {
        let _ = writeln!(text, "\t\t{}", rule_text(rule));
    }
    text.push_str("\t\tdrop\n\t}\n");
    text.push_str(&masquerade_text(masquerade));
    text.push_str("}\n");
    text
}

fn masquerade_text(ranges: &BTreeSet<Cidr>) -> String {
    if ranges.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n",
    );
    for range in ranges {
        let _ = writeln!(text, "\t\tip saddr {range} ip daddr != {range} masquerade");
    }
    text.push_str("\t}\n");
    text
}

fn rule_text(rule: &Rule) -> String {
    let Rule { name, protocol, ports: (first, last), scope } = rule;
    let from = match scope {
        Scope::Internal => "ip saddr @internal ",
        Scope::Anyone => "",
    };
    let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
    let what = match protocol {
        Protocol::Tcp => format!("tcp dport {ports}"),
        Protocol::Udp => format!("udp dport {ports}"),
        Protocol::Vrrp => "meta l4proto 112".to_owned(),
    };
    let name: String =
        name.chars().filter(|it| it.is_ascii_graphic() && !['"', '\\'].contains(it)).take(100).collect();
    if name.is_empty() {
        format!("{from}{what} accept")
    } else {
        format!("{from}{what} accept comment \"{name}\"")
    }
}

/// Ranges without those that lie in others, which a set of intervals would refuse.
fn outermost(ranges: &BTreeSet<Cidr>) -> Vec<Cidr> {
    let networks: BTreeSet<Cidr> = ranges.iter().map(Cidr::network).collect();
    let within = |inner: &Cidr, outer: &Cidr| {
        inner != outer && inner.prefix() >= outer.prefix() && inner.overlaps(outer)
    };
    networks.iter().filter(|it| !networks.iter().any(|outer| within(it, outer))).copied().collect()
}
