//! Reads what the script of `observe` printed.
//!
//! Whatever does not look as expected is an error, because a half-empty look would make the planner act.

mod fields;
mod sections;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use super::{kept::Kept, observe::files};
use crate::{
    host::{HostGoal, HostSeen, Managed, Origin},
    network::Cidr,
    plan,
};
pub(super) use fields::micros;
use fields::{fstab_swaps, os, service_blocks, stat_lines};
use sections::Sections;

/// ORBITER's side of a look.
pub(super) struct Clock {
    /// When the script was sent, since 1970.
    pub(super) sent: Duration,
    /// How long it took until its output was there.
    pub(super) round_trip: Duration,
}

/// What the machine said.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) seen: HostSeen,
    pub(super) news: News,
}

/// What it said of packages, small texts and files.
#[derive(Debug, PartialEq)]
pub(super) enum News {
    /// That they are as they were.
    Same,
    /// Everything, and what may be remembered of it.
    All(Option<Kept>),
}

/// What the machine said, or what is wrong with it. `known` is what it was told to compare with.
pub(super) fn seen(
    output: &[u8],
    goal: &HostGoal,
    clock: &Clock,
    known: Option<&Kept>,
) -> Result<Answer, String> {
    let sections = Sections::read(output, known)?;
    let seen = host(&sections, goal, clock)?;
    let news = if sections.is_same() { News::Same } else { News::All(fresh(&sections, goal, clock)?) };
    Ok(Answer { seen, news })
}

/// What may be remembered.
fn fresh(sections: &Sections, goal: &HostGoal, clock: &Clock) -> Result<Option<Kept>, String> {
    let time = sections.get("machine", &[0])?.first().copied().unwrap_or_default();
    let time = fields::micros(time).ok_or_else(|| format!("`{time}` is no time"))?;
    Ok(Kept::of(sections.said(), goal, time, clock.sent))
}

fn host(sections: &Sections, goal: &HostGoal, clock: &Clock) -> Result<HostSeen, String> {
    let texts = sections.texts(goal)?;
    let network = sections.get("network", &[0])?;
    let links = sections.get("links", &[0])?;
    let tables = sections.get("tables", &[0])?;
    let loaded = sections.get("modules", &[0])?;
    let (architecture, memory_kib, clock_ahead) = machine(sections, clock)?;
    let managed = managed(&texts);
    let disk: Vec<u64> = numbers(sections.single("disk")?)?;
    let [blocks, size] = disk[..] else { return Err("it did not say how much disk is free".into()) };
    let stats = stat_lines(sections.get("stat", &[0, 1])?.get(1..).unwrap_or_default())?;
    let hashes = fields::hashes(sections.get("hashes", &[0, 1])?)?;
    let blocks_of = service_blocks(sections.wanted("services", !goal.services.is_empty(), &[0])?);
    let files = fields::files(goal, &stats, &hashes);
    Ok(HostSeen {
        os: os(texts.of(files::OS))?,
        architecture,
        memory_mib: memory_kib >> 10,
        disk_mib: blocks.saturating_mul(size) >> 20,
        clock_ahead,
        boot_id: texts.line(files::BOOT_ID)?.to_owned(),
        hostname: hostname(texts.line(files::HOSTNAME)?, texts.of(files::BOOT_HOSTNAME), goal),
        packages: packages(tables, goal),
        artifacts: artifacts(goal, texts.of(files::ARTIFACTS), &stats),
        images: images(sections.wanted("images", !goal.images.is_empty(), &[])?, goal),
        modules: modules(loaded, tables, texts.of(files::MODULES), goal),
        sysctls: texts.sysctls(goal),
        services: fields::services(goal, &blocks_of, &stats)?,
        files,
        swap: texts.of(files::SWAPS).len() > 1
            || fstab_swaps(texts.of(files::FSTAB))
            || links.iter().any(|it| it.ends_with(".swap")),
        firewall: firewall(goal, texts.of(files::FIREWALL), sections.firewall(goal)?, &hashes, links),
        routes: routes(network, texts.of(files::ROUTES)),
        managed,
        listening: listening(&texts)?,
        interfaces: interfaces(network)?,
        probes: goal
            .probes
            .keys()
            .zip(sections.probes(goal.probes.len())?)
            .filter_map(|(name, said)| Some((name.clone(), said?)))
            .collect(),
        busy: busy(sections.get("busy", &[0])?),
    })
}

/// Architecture, memory in KiB, and how far the clock is ahead: what the machine's work took is no part of the way.
fn machine(sections: &Sections, clock: &Clock) -> Result<(String, u64, i64), String> {
    let lines = sections.get("machine", &[0])?;
    let [time, before, memory, architecture] = lines[..] else {
        return Err("it did not say what it is".into());
    };
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("`{text}` is no time"));
    let worked = number(sections.single("end")?)? - number(before)?;
    let way = (clock.round_trip.as_secs_f64() - worked).max(0.0) / 2.0;
    let ahead = number(time)? - (clock.sent.as_secs_f64() + way);
    #[expect(clippy::cast_possible_truncation, reason = "seconds between two clocks, rounded on purpose")]
    let ahead = ahead.round() as i64;
    let memory = memory.parse().map_err(|_| format!("`{memory}` is no size"))?;
    Ok((architecture.to_owned(), memory, ahead))
}

fn numbers(line: &str) -> Result<Vec<u64>, String> {
    line.split_whitespace().map(|it| it.parse().map_err(|_| format!("`{line}` are no numbers"))).collect()
}

/// Now and after boot; if the two differ, the one that is not wanted.
fn hostname(now: &str, boot: &[&str], goal: &HostGoal) -> String {
    let boot = boot.first().copied().unwrap_or_default();
    if goal.hostname.as_deref() == Some(now) { boot.to_owned() } else { now.to_owned() }
}

/// The last word on a package of an architecture counts.
fn packages(tables: &[&str], goal: &HostGoal) -> BTreeMap<String, String> {
    let mut stanzas = BTreeMap::new();
    for line in of_table("package ", tables) {
        if let [name, architecture, version, status] = line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            stanzas.insert((name, architecture), (version, status));
        }
    }
    let installed = |status: &str| matches!(status, "install ok installed" | "hold ok installed");
    stanzas
        .into_iter()
        .filter(|((name, _), (_, status))| installed(status) && goal.packages.contains(*name))
        .map(|((name, _), (version, _))| (name.to_owned(), version.to_owned()))
        .collect()
}

fn of_table<'a>(table: &'static str, lines: &[&'a str]) -> impl Iterator<Item = &'a str> {
    lines.iter().filter_map(move |it| it.strip_prefix(table))
}

/// Those of which mode, size and time of change are as right after they were verified.
fn artifacts(goal: &HostGoal, stamps: &[&str], stats: &fields::Stats) -> BTreeMap<String, String> {
    let unchanged = |stamp: &&str| {
        let mut words = stamp.splitn(7, ' ');
        let mut word = || words.next();
        let (sha256, mode, size, changed, name, version, path) =
            (word()?, word()?, word()?, word()?, word()?, word()?, word()?);
        let (path, wanted) = goal.artifacts.get_key_value(path)?;
        let stat = stats.get(path.as_str())?;
        let same = (stat.mode_text, stat.size_text, stat.status_changed) == (mode, size, changed);
        let other_bytes = wanted.name == name
            && wanted.version == version
            && (wanted.mode != stat.mode
                || matches!(&wanted.origin, Origin::Bundle { sha256: it, .. } if it != sha256));
        (same && !other_bytes).then(|| (path.clone(), format!("{name} {version}")))
    };
    stamps.iter().filter_map(unchanged).collect()
}

/// The runtime may not be there yet; then it has none.
fn images(lines: &[&str], goal: &HostGoal) -> BTreeSet<String> {
    lines.iter().map(|it| (*it).to_owned()).filter(|it| goal.images.contains_key(it)).collect()
}

/// A module counts as loaded if the kernel shows it; one that is built in and has nothing to set is only known by
/// the kernel's list.
fn modules(loaded: &[&str], tables: &[&str], boot: &[&str], goal: &HostGoal) -> BTreeSet<String> {
    let there: BTreeSet<&str> = of_table("module ", tables).chain(loaded.iter().copied()).collect();
    let both = |it: &&String| there.contains(it.replace('-', "_").as_str()) && boot.contains(&it.as_str());
    goal.modules.iter().filter(both).cloned().collect()
}

fn managed(texts: &sections::Texts) -> Managed {
    let lines = texts.of(files::MANAGED);
    let named = |what: &str| {
        lines.iter().filter_map(|it| it.strip_prefix(what)).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let artifacts =
        texts.of(files::ARTIFACTS).iter().filter_map(|it| it.splitn(7, ' ').nth(6)).map(str::to_owned);
    let sysctls = texts.of(files::SYSCTLS).iter().filter_map(|it| it.split_once(" = "));
    Managed {
        files: named("file ").into_iter().chain(artifacts).collect(),
        services: named("service "),
        sysctls: sysctls.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    }
}

/// Ours if the table is as `nft` printed it right after it was loaded, and the same is loaded at boot.
fn firewall(
    goal: &HostGoal,
    stamp: &[&str],
    table: Option<&str>,
    hashes: &BTreeMap<&str, &str>,
    links: &[&str],
) -> Option<String> {
    let words: Vec<&str> = stamp.first()?.split(' ').collect();
    let [fingerprint, loaded, boot] = words[..] else { return None };
    // The shell took the end of the last line away.
    let intact = table.is_some_and(|it| plan::fingerprint(&format!("{it}\n")) == loaded)
        && hashes.get(files::FIREWALL_BOOT) == Some(&boot)
        && links.contains(&super::permit::WANTED);
    (goal.firewall.is_none() || intact).then(|| fingerprint.to_owned())
}

/// Those that are there now and will be after boot.
fn routes(network: &[&str], boot: &[&str]) -> BTreeMap<Cidr, IpAddr> {
    let route = |line: &&str| {
        let mut words = line.split_whitespace();
        let to = words.next()?;
        let to: Cidr = if to.contains('/') { to.parse().ok()? } else { format!("{to}/32").parse().ok()? };
        let via = words.skip_while(|it| *it != "via").nth(1)?;
        Some((to, via.parse().ok()?))
    };
    let now: BTreeMap<Cidr, IpAddr> = network.iter().filter_map(route).collect();
    let at_boot = boot.iter().filter_map(|line| {
        let (to, via) = line.split_once(' ')?;
        Some((to.parse().ok()?, via.parse().ok()?))
    });
    at_boot.filter(|(to, via)| now.get(to) == Some(via)).collect()
}

fn interfaces(network: &[&str]) -> Result<BTreeMap<String, BTreeSet<IpAddr>>, String> {
    let mut interfaces = BTreeMap::<String, BTreeSet<IpAddr>>::new();
    for line in network {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [index, name, "inet" | "inet6", address, ..] = words[..] else { continue };
        if !index.ends_with(':') {
            continue;
        }
        let plain = address.split('/').next().unwrap_or(address);
        let address = plain.parse().map_err(|_| format!("`{address}` is no address"))?;
        interfaces.entry(name.to_owned()).or_default().insert(address);
    }
    Ok(interfaces)
}

/// Lines `NUMBER: ADDRESS:PORT ADDRESS:PORT STATE …`; the kernel writes ports in hexadecimal.
fn listening(texts: &sections::Texts) -> Result<BTreeSet<u16>, String> {
    let lines = files::SOCKETS.iter().flat_map(|it| texts.of(it));
    let of_sockets = lines.map(|it| it.split_whitespace().collect::<Vec<_>>());
    let listens = of_sockets.filter_map(|it| (it.get(3) == Some(&"0A")).then(|| it[1]));
    let port = |address: &str| {
        let port = address.rsplit_once(':').map(|it| u16::from_str_radix(it.1, 16));
        port.and_then(Result::ok).ok_or_else(|| format!("`{address}` has no port"))
    };
    listens.map(port).collect()
}

fn busy(lines: &[&str]) -> Option<String> {
    let line = lines.first()?;
    let said = line.split_once(':').map_or("", |it| it.1).trim();
    Some(if said.is_empty() { "something holds the lock".to_owned() } else { said.to_owned() })
}
