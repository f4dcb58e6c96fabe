//! Lines that tools print.

use std::collections::BTreeMap;

use crate::host::{FileSeen, HostGoal, ServiceGoal, ServiceSeen};

/// What `stat` says of files, by path.
pub(super) type Stats<'a> = BTreeMap<&'a str, Stat<'a>>;

pub(super) struct Stat<'a> {
    pub(super) mode: u32,
    pub(super) mode_text: &'a str,
    pub(super) size_text: &'a str,
    /// When its contents, owner or mode changed last, as printed.
    pub(super) status_changed: &'a str,
    /// When its contents changed last, in microseconds since 1970.
    pub(super) changed: i64,
}

/// Lines `DEVICE INODE MODE MTIME CTIME SIZE KIND|PATH`, of regular files.
pub(super) fn stat_lines<'a>(lines: &[&'a str]) -> Result<Stats<'a>, String> {
    let mut stats = Stats::new();
    for line in lines {
        let wrong = || format!("`{line}` says nothing of a file");
        let (words, path) = line.split_once('|').ok_or_else(wrong)?;
        let mut words = words.splitn(7, ' ').skip(2);
        let mut word = || words.next().ok_or_else(wrong);
        let (mode_text, changed, status_changed, size_text, kind) =
            (word()?, word()?, word()?, word()?, word()?);
        if !kind.starts_with("regular") {
            continue;
        }
        let mode = u32::from_str_radix(mode_text, 8).map_err(|_| wrong())?;
        let changed = micros(changed).ok_or_else(wrong)?;
        stats.insert(path, Stat { mode, mode_text, size_text, status_changed, changed });
    }
    Ok(stats)
}

/// Microseconds of a number of seconds with a fraction.
pub(in crate::hosts) fn micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<6}");
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction.get(..6)?.parse().ok()?)
}

/// What `sha256sum` says, by path.
pub(super) fn hashes<'a>(lines: &[&'a str]) -> Result<BTreeMap<&'a str, &'a str>, String> {
    let hash = |line: &&'a str| match line.split_once("  ") {
        Some((hash, path)) if hash.len() == 64 => Ok((path, hash)),
        _ => Err(format!("`{line}` is no hash")),
    };
    lines.iter().map(hash).collect()
}

pub(super) fn files(
    goal: &HostGoal,
    stats: &Stats,
    hashes: &BTreeMap<&str, &str>,
) -> BTreeMap<String, FileSeen> {
    let file = |path: &String| {
        let (stat, hash) = (stats.get(path.as_str())?, hashes.get(path.as_str())?);
        let changed = stat.changed.div_euclid(1_000_000);
        Some((path.clone(), FileSeen { fingerprint: (*hash).to_owned(), mode: stat.mode, changed }))
    };
    goal.files.keys().filter_map(file).collect()
}

/// The properties of every unit, in the order asked for.
pub(super) fn service_blocks<'a>(lines: &[&'a str]) -> Vec<BTreeMap<&'a str, &'a str>> {
    let blocks = lines.split(|it| it.is_empty()).filter(|it| !it.is_empty());
    blocks.map(|block| block.iter().filter_map(|it| it.split_once('=')).collect()).collect()
}

pub(super) fn services(
    goal: &HostGoal,
    blocks: &[BTreeMap<&str, &str>],
    stats: &Stats,
) -> Result<BTreeMap<String, ServiceSeen>, String> {
    if blocks.len() != goal.services.len() {
        return Err(format!("it told about {} services instead of {}", blocks.len(), goal.services.len()));
    }
    let mut services = BTreeMap::new();
    for ((name, wanted), block) in goal.services.iter().zip(blocks) {
        let property =
            |key: &str| block.get(key).copied().ok_or_else(|| format!("{key} of {name} is missing"));
        if property("LoadState")? == "not-found" {
            continue;
        }
        // Units without an [Install] part cannot be enabled; something else starts them.
        let enabled =
            matches!(property("UnitFileState")?, "enabled" | "static" | "alias" | "generated" | "indirect");
        let active = matches!(property("ActiveState")?, "active" | "reloading");
        let started = match block.get("ExecMainStartTimestamp").copied().unwrap_or_default() {
            "" => timestamp(property("StateChangeTimestamp")?)?,
            text if wanted.reload => timestamp(text)?.max(timestamp(property("StateChangeTimestamp")?)?),
            text => timestamp(text)?,
        };
        services.insert(name.clone(), ServiceSeen { enabled, active, since: since(started, wanted, stats) });
    }
    Ok(services)
}

/// Seconds; if a file that it reads changed later in the same second, a second less, so that it counts as newer.
fn since(started: i64, wanted: &ServiceGoal, stats: &Stats) -> i64 {
    let second = started.div_euclid(1_000_000);
    let later = |path: &String| {
        stats
            .get(path.as_str())
            .is_some_and(|it| it.changed > started && it.changed.div_euclid(1_000_000) == second)
    };
    if wanted.reads.iter().any(later) { second - 1 } else { second }
}

/// Microseconds since 1970 of systemd's `Sun 2026-11-22 19:16:56.910021 UTC`; 0 for nothing.
fn timestamp(text: &str) -> Result<i64, String> {
    if text.is_empty() || text == "n/a" {
        return Ok(0);
    }
    let parse = || {
        let mut words = text.split(' ').skip(1);
        let (date, time) = (words.next()?, words.next()?);
        if words.next() != Some("UTC") {
            return None;
        }
        let mut date = date.split('-').map(|it| it.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let mut time = time.splitn(3, ':');
        let (hour, minute): (i64, i64) = (time.next()?.parse().ok()?, time.next()?.parse().ok()?);
        let seconds = micros(time.next()?)?;
        Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60_000_000 + seconds)
    };
    parse().ok_or_else(|| format!("`{text}` is no time"))
}

/// Days from 1970-01-01 in the Gregorian calendar, which repeats every 400 years.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// `ID-VERSION_ID` of an os-release file.
pub(super) fn os(lines: &[&str]) -> Result<String, String> {
    let value = |key: &str| {
        let line = lines.iter().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
        line.map(|it| it.trim_matches(['"', '\'']).to_owned())
    };
    let id = value("ID").filter(|it| !it.is_empty()).ok_or("it did not say what its operating system is")?;
    Ok(value("VERSION_ID").map_or_else(|| id.clone(), |version| format!("{id}-{version}")))
}

/// Whether an fstab turns swap on at boot.
pub(super) fn fstab_swaps(lines: &[&str]) -> bool {
    lines.iter().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        !line.trim_start().starts_with('#')
            && words.get(2) == Some(&"swap")
            && !words.get(3).is_some_and(|it| it.split(',').any(|it| it == "noauto"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_systemd_are_read_to_the_microsecond() {
        assert_eq!(timestamp("Sun 2026-11-22 19:16:56.910021 UTC"), Ok(1_795_375_016_910_021));
        assert_eq!(timestamp("Thu 1970-01-01 00:00:01 UTC"), Ok(1_000_000));
        assert_eq!(timestamp("Thu 2024-02-29 00:00:00 UTC"), Ok(1_709_164_800_000_000));
        assert_eq!(timestamp(""), Ok(0));
        assert!(timestamp("Sun 2026-11-22 19:16:56 CET").is_err());
    }

    #[test]
    fn swap_at_boot_is_found_unless_commented_out() {
        assert!(fstab_swaps(&["UUID=1 none swap sw 0 0"]));
        assert!(!fstab_swaps(&[
            "# UUID=1 none swap sw 0 0",
            "UUID=2 / ext4 defaults 0 1",
            "/swap none swap noauto 0 0"
        ]));
    }

    #[test]
    fn systems_without_a_version_are_named_too() {
        assert_eq!(os(&["NAME=\"Debian\"", "ID=debian"]), Ok("debian".into()));
        assert_eq!(os(&["VERSION_ID=\"22.04\"", "ID=ubuntu"]), Ok("ubuntu-22.04".into()));
        assert!(os(&[]).is_err());
    }

    #[test]
    fn a_file_written_in_the_second_of_the_start_counts_as_newer() {
        let wanted = ServiceGoal { reads: ["/a".to_owned()].into(), ..ServiceGoal::default() };
        let stats =
            stat_lines(&["1 2 644 10.700000000 10.700000000 3 regular file|/a"]).expect("a line of stat");
        assert_eq!(since(10_200_000, &wanted, &stats), 9);
        assert_eq!(since(10_800_000, &wanted, &stats), 10);
        assert_eq!(since(11_200_000, &wanted, &stats), 11);
    }
}
