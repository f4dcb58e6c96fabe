//! Looks at a machine: one script, one round trip.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use orbos_ssh::{Shell, quote};
use orbos_state::{Error, Result};

use super::{
    kernel::sysctl_path,
    parse::{self, Clock},
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
    let script = script(goal)?;
    let started = Instant::now();
    let output = shell.run(&script).await.map_err(|it| failure("looking at the machine", it))?;
    let round_trip = started.elapsed();
    let sent =
        now.duration_since(UNIX_EPOCH).map_err(|it| Error::failed("reading the clock", it.to_string()))?;
    parse::seen(&output.stdout, goal, &Clock { sent, round_trip }).map_err(|why| {
        let said = output.stderr_text();
        let said = if said.is_empty() { String::new() } else { format!(" ({})", tail(&said)) };
        Error::failed("looking at the machine", format!("{why}{said}"))
    })
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
    pub(in crate::hosts) const TEXTS: [&str; 12] = [
        BOOT_ID,
        HOSTNAME,
        BOOT_HOSTNAME,
        OS,
        SWAPS,
        FSTAB,
        SYSCTLS,
        MODULES,
        MANAGED,
        ARTIFACTS,
        FIREWALL,
        ROUTES,
    ];
}

/// How long a probe may take, in seconds.
const PROBE_SECONDS: u32 = 5;

/// The script whose output `parse::seen` reads.
///
/// Every part ends with a line `= NAME STATUS`, so that what is missing or failed is noticed. What other
/// people write comes with its length. It starts few processes: one for all of a kind.
pub(super) fn script(goal: &HostGoal) -> Result<String> {
    check(goal)?;
    let HostGoal {
        hostname: _,
        packages,
        artifacts,
        images,
        modules,
        sysctls,
        files,
        services,
        swap_off: _,
        firewall: _,
        routes: _,
        probes,
        needs: _,
    } = goal;
    let mut script = String::from(
        "export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec </dev/null
echo orbos-host 1
date +%s.%N; read -r up _ </proc/uptime; echo $up; read -r _ memory _ </proc/meminfo; echo $memory
if [ -r /proc/sys/kernel/arch ]; then read -r it </proc/sys/kernel/arch; echo $it; else uname -m; fi; echo \"= machine $?\"
",
    );
    let texts =
        files::TEXTS.iter().map(|it| (*it).to_owned()).chain(sysctls.keys().map(|it| sysctl_path(it)));
    let _ = writeln!(script, "grep -asH '' {}; echo \"= texts $?\"", words(texts));
    script.push_str("stat -f -c '%a %S' /var/lib; echo \"= disk $?\"\n");
    let _ = writeln!(
        script,
        "ip -o -batch - <<E\naddr show scope global\nroute show proto {}\nE\necho \"= network $?\"",
        super::routes::PROTOCOL,
    );
    script.push_str(&tables_script(packages, modules));
    let _ = writeln!(
        script,
        "[ ! -e {LOCK} ] || flock -sn {LOCK} true || grep -asH '' {LOCK} || echo held; echo \"= busy $?\""
    );
    let _ = writeln!(
        script,
        "for it in /etc/systemd/system/*.wants/*.swap {}; do [ ! -L $it ] || echo $it; done; echo \"= links $?\"",
        super::permit::WANTED
    );
    let stated: Vec<&String> = artifacts.keys().chain(files.keys()).collect();
    if !stated.is_empty() {
        let _ = writeln!(
            script,
            "stat -L -c '%a %.9Y %.9Z %s %F|%n' -- {} 2>/dev/null; echo \"= stat $?\"",
            words(stated)
        );
    }
    script.push_str(&hash_script(goal));
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

/// One process reads what the kernel and dpkg keep as tables: who listens, which modules are built in, which
/// packages there are. Asking `ss` and `dpkg-query` takes several times as long as all else together.
///
/// A module counts as loaded if the kernel shows it; one that is built in and has nothing to set is only known
/// by the kernel's list. What dpkg has not yet merged into its table of packages lies beside it, and may be merged
/// while it is read; then it is read again.
fn tables_script(packages: &BTreeSet<String>, modules: &BTreeSet<String>) -> String {
    let modules = words(modules.iter().map(|it| it.replace('-', "_")));
    format!(
        r#"read -r kernel </proc/sys/kernel/osrelease
tables() {{
set --
for it in /proc/net/tcp /proc/net/tcp6 /lib/modules/$kernel/modules.builtin /var/lib/dpkg/status /var/lib/dpkg/updates/[0-9]*
do [ ! -r $it ] || set -- "$@" $it; done
awk -v packages={} -v modules={} '
BEGIN {{
  count = split(packages, list); for (at = 1; at <= count; at++) package[list[at]] = 1
  count = split(modules, list); for (at = 1; at <= count; at++) module[list[at]] = 1
}}
function stanza() {{ if (name != "") print "package", name, architecture, version, status; name = "" }}
FNR == 1 {{ stanza(); split(FILENAME, folder, "/") }}
folder[2] == "proc" {{ if ($4 == "0A") {{ sub(/.*:/, "", $2); print "listen", $2 }} next }}
folder[2] == "lib" {{ sub(/.*\//, ""); sub(/\.ko.*/, ""); gsub(/-/, "_"); if ($0 in module) print "module", $0; next }}
/^Package: / {{ stanza(); name = $2 in package ? $2 : ""; architecture = version = status = "-" }}
name == "" {{ next }}
/^Architecture: / {{ architecture = $2 }}
/^Status: / {{ status = $2 " " $3 " " $4 }}
/^Version: / {{ version = $2 }}
END {{ stanza() }}
' "$@"
}}
tables || tables; status=$?
for it in {modules}; do [ ! -d /sys/module/$it ] || echo module $it; done
echo "= tables $status"
"#,
        quote(&packages.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
        quote(&modules),
    )
}

/// One process hashes all files, and the firewall as it is if one is wanted.
fn hash_script(goal: &HostGoal) -> String {
    let files = words(goal.files.keys());
    match (&goal.firewall, goal.files.is_empty()) {
        (None, true) => String::new(),
        (None, false) => format!("sha256sum -- {files} 2>/dev/null; echo \"= hashes $?\"\n"),
        (Some(_), _) => format!(
            "nft -s -n list table inet orbos 2>/dev/null | sha256sum -- - {} {files} 2>/dev/null; echo \"= hashes $?\"\n",
            files::FIREWALL_BOOT
        ),
    }
}

fn words(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
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
