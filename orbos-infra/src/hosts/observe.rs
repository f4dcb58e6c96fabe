//! Looks at a machine: one script, one round trip.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use orbos_ssh::{Shell, quote};
use orbos_state::{Error, Result};

use super::{
    kept::{self, Kept},
    kernel::sysctl_path,
    parse::{self, Clock, News},
    script::{LOCK, check_path, check_word},
};
use crate::{
    host::{HostGoal, HostSeen},
    providers::failure,
};

/// Looks at a machine, at what the goal mentions; changes nothing.
///
/// `now` is the time by ORBITER's clock.
///
/// # Errors
///
/// If the machine does not answer, or not completely; never a half-empty look instead.
pub async fn observe(shell: &dyn Shell, goal: &HostGoal, now: SystemTime) -> Result<HostSeen> {
    observe_again(shell, goal, now, &mut None).await
}

/// The same, but what did not change since a former look need not be read anew.
///
/// `kept` is what was remembered of this machine, and then holds what to remember of it for the next look. What was
/// remembered of another machine, or for another goal, does no harm. How much disk is free on a machine on which ORBOS
/// put something may be remembered too, for at most an hour.
///
/// # Errors
///
/// Like [`observe`]; `kept` stays as it was.
pub async fn observe_again(
    shell: &dyn Shell,
    goal: &HostGoal,
    now: SystemTime,
    kept: &mut Option<Kept>,
) -> Result<HostSeen> {
    let sent =
        now.duration_since(UNIX_EPOCH).map_err(|it| Error::failed("reading the clock", it.to_string()))?;
    let known = kept.as_ref().filter(|it| it.holds(goal, sent));
    let script = script(goal, known)?;
    let started = Instant::now();
    let output = shell.look(&script).await.map_err(|it| failure("looking at the machine", it))?;
    let clock = Clock { sent, round_trip: started.elapsed() };
    let answer = parse::seen(&output.stdout, goal, &clock, known).map_err(|why| {
        let said = output.stderr_text();
        let said = if said.is_empty() { String::new() } else { format!(" ({})", tail(&said)) };
        Error::failed("looking at the machine", format!("{why}{said}"))
    })?;
    if let News::All(fresh) = answer.news {
        *kept = fresh;
    }
    Ok(answer.seen)
}

fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(300);
    text.chars().skip(skip).collect()
}

/// Where small texts are that are read in one go, besides those that the goal mentions.
pub(super) mod files {
    pub(in crate::hosts) const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
    pub(in crate::hosts) const HOSTNAME: &str = "/proc/sys/kernel/hostname";
    pub(in crate::hosts) const BOOT_HOSTNAME: &str = "/etc/hostname";
    pub(in crate::hosts) const OS: &str = "/etc/os-release";
    pub(in crate::hosts) const SWAPS: &str = "/proc/swaps";
    pub(in crate::hosts) const FSTAB: &str = "/etc/fstab";
    pub(in crate::hosts) const SYSCTLS: &str = "/etc/sysctl.d/90-orbos.conf";
    pub(in crate::hosts) const MODULES: &str = "/etc/modules-load.d/orbos.conf";
    pub(in crate::hosts) const MANAGED: &str = "/var/lib/orbos/managed";
    pub(in crate::hosts) const ARTIFACTS: &str = "/var/lib/orbos/artifacts";
    pub(in crate::hosts) const FIREWALL: &str = "/var/lib/orbos/firewall";
    pub(in crate::hosts) const FIREWALL_BOOT: &str = "/etc/orbos/firewall.nft";
    pub(in crate::hosts) const ROUTES: &str = "/etc/orbos/routes";
    /// What the kernel makes up when it is read, besides its parameters.
    pub(in crate::hosts) const KERNEL: [&str; 3] = [BOOT_ID, HOSTNAME, SWAPS];
    /// What is on disk.
    pub(in crate::hosts) const STORED: [&str; 9] =
        [BOOT_HOSTNAME, OS, FSTAB, SYSCTLS, MODULES, MANAGED, ARTIFACTS, FIREWALL, ROUTES];
    /// Who listens, with all that is connected.
    pub(in crate::hosts) const SOCKETS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];
}

/// How long a probe may take, in seconds.
const PROBE_SECONDS: u32 = 5;

/// The script whose output `parse::seen` reads.
///
/// Every part ends with a line `= NAME STATUS`, so that what is missing or failed is noticed. What other
/// people write comes with its length. Every process costs the machine about a millisecond, so it starts few: one for
/// all of a kind, and none for what the shell can do or what is known.
pub(super) fn script(goal: &HostGoal, known: Option<&Kept>) -> Result<String> {
    check(goal)?;
    let HostGoal {
        hostname: _,
        packages: _,
        artifacts: _,
        images,
        modules,
        sysctls,
        files: _,
        services,
        swap_off: _,
        firewall,
        routes: _,
        probes,
        needs: _,
    } = goal;
    let kept = kept::Question::new(goal, known, &texts_script(sysctls));
    let mut script = format!(
        "export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec </dev/null
{}echo orbos-host 1
echo $now; read -r up _ </proc/uptime; echo $up; read -r _ memory _ </proc/meminfo; echo $memory
if [ -r /proc/sys/kernel/arch ]; then read -r it </proc/sys/kernel/arch; echo $it; else uname -m; fi; echo \"= machine $?\"
{}",
        kept.ask, kept.tell
    );
    let _ = writeln!(
        script,
        "ip -o -batch - <<E\naddr show scope global\nroute show proto {}\nE\necho \"= network $?\"",
        super::routes::PROTOCOL,
    );
    let _ = writeln!(
        script,
        "for it in {}; do [ ! -d /sys/module/$it ] || echo $it; done; echo \"= modules $?\"",
        words(module_names(modules))
    );
    let _ = writeln!(
        script,
        "[ ! -e {LOCK} ] || flock -sn 9 9<{LOCK} || grep -asH '' {LOCK} || echo held; echo \"= busy $?\""
    );
    let _ = writeln!(
        script,
        "for it in /etc/systemd/system/*.wants/*.swap {}; do [ ! -L $it ] || echo $it; done; echo \"= links $?\"",
        super::permit::WANTED
    );
    if firewall.is_some() {
        script.push_str(
            "said=$(nft -s -n list table inet orbos 2>/dev/null); printf 'firewall %s\\n%s\\n' ${#said} \"$said\"\n",
        );
    }
    if !services.is_empty() {
        let _ = writeln!(
            script,
            "timeout 10 systemctl show --timestamp=us+utc -p LoadState,ActiveState,UnitFileState,\
             ExecMainStartTimestamp,StateChangeTimestamp -- {}; echo \"= services $?\"",
            words(services.keys())
        );
    }
    if !images.is_empty() {
        script.push_str("timeout 10 ctr -n k8s.io images ls -q 2>/dev/null; echo \"= images $?\"\n");
    }
    for (index, command) in probes.values().enumerate() {
        let _ = writeln!(
            script,
            "said=$(timeout -k 1 {PROBE_SECONDS} sh -c {} 2>/dev/null)
printf 'probe {index} %s %s\\n%s\\n' $? ${{#said}} \"$said\"",
            quote(command)
        );
    }
    script.push_str("read -r up _ </proc/uptime; echo $up; echo \"= end $?\"\n");
    Ok(script)
}

/// One process prints all small texts, each line with its path; another how much disk is free.
///
/// Who listens only matters as long as ORBOS put nothing on the machine, and the kernel goes through all connections to
/// tell. Of these it prints those that listen, which the kernel calls `0A`.
fn texts_script(sysctls: &BTreeMap<String, String>) -> String {
    let texts = live_texts(sysctls).chain(files::STORED.map(str::to_owned));
    format!(
        "sockets=; [ -s {} ] || sockets='{}'
grep -asHvE '^ *[0-9]+: [0-9A-F]+:[0-9A-F]{{4}} [0-9A-F]+:[0-9A-F]{{4}} 0[^A] ' {} $sockets; echo \"= texts $?\"
stat -f -c '%a %S' /var/lib; echo \"= disk $?\"\n",
        files::MANAGED,
        files::SOCKETS.join(" "),
        words(texts),
    )
}

/// Those that are never remembered.
pub(super) fn live_texts(sysctls: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    files::KERNEL.map(str::to_owned).into_iter().chain(sysctls.keys().map(|it| sysctl_path(it)))
}

/// As the kernel calls them.
pub(super) fn module_names(modules: &BTreeSet<String>) -> impl Iterator<Item = String> {
    modules.iter().map(|it| it.replace('-', "_"))
}

pub(super) fn words(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    words.into_iter().map(|it| quote(it.as_ref()).into_owned()).collect::<Vec<_>>().join(" ")
}

/// What is in lines has to fit in lines.
fn check(goal: &HostGoal) -> Result<()> {
    goal.files.keys().chain(goal.artifacts.keys()).try_for_each(|it| check_path(it))?;
    goal.packages.iter().try_for_each(|it| check_word("package", it))?;
    goal.modules.iter().try_for_each(|it| check_word("module", it))?;
    goal.services.keys().try_for_each(|it| check_word("service", it))?;
    goal.images.keys().try_for_each(|it| check_word("image", it))?;
    goal.sysctls.keys().try_for_each(|it| check_path(&sysctl_path(it)))
}
