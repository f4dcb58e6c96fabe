//! Name, swap, kernel modules and kernel parameters.

use std::collections::{BTreeMap, BTreeSet};

use orbos_ssh::{Shell, quote};
use orbos_state::{Error, Result};

use super::{
    observe::files,
    script::{check_path, check_word, run, run_with},
};

/// Gives a machine its name, by which it also finds itself.
pub(super) async fn name(shell: &dyn Shell, name: &str) -> Result<()> {
    check_word("host name", name)?;
    run(shell, &format!("naming the machine {name}"), &name_script(name)).await?;
    Ok(())
}

pub(super) fn name_script(name: &str) -> String {
    format!(
        r#"name={name}
# Or else cloud-init takes the name back at the next boot.
if [ -d /etc/cloud/cloud.cfg.d ]; then echo 'preserve_hostname: true' > /etc/cloud/cloud.cfg.d/99-orbos.cfg; fi
if ! awk -v name="$name" '!/^[[:space:]]*#/ {{ for (i = 2; i <= NF; i++) if ($i == name) found = 1 }} END {{ exit !found }}' /etc/hosts; then
  {{ sed '/^127\.0\.1\.1[[:space:]]/d' /etc/hosts; echo "127.0.1.1 $name"; }} > /etc/hosts.orbos
  chmod 644 /etc/hosts.orbos; mv /etc/hosts.orbos /etc/hosts
fi
hostnamectl set-hostname "$name" 2>/dev/null || true
echo "$name" > /etc/hostname
[ "$(cat /proc/sys/kernel/hostname)" = "$name" ] || hostname "$name"
"#,
        name = quote(name)
    )
}

/// Turns swap off, now and at boot.
pub(super) async fn swap_off(shell: &dyn Shell) -> Result<()> {
    run(shell, "turning swap off", SWAP_OFF).await?;
    Ok(())
}

const SWAP_OFF: &str = r"if [ -e /etc/fstab ]; then
  sed -E '/^[[:space:]]*[^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap([[:space:]]|$)/s/^/# by orbos: /' /etc/fstab > /etc/fstab.orbos
  if cmp -s /etc/fstab.orbos /etc/fstab; then rm /etc/fstab.orbos; else chmod 644 /etc/fstab.orbos; mv /etc/fstab.orbos /etc/fstab; fi
fi
for unit in /etc/systemd/system/*.wants/*.swap; do
  [ ! -L $unit ] || systemctl disable --now -- ${unit##*/}
done
swapoff -a
";

/// Loads kernel modules, now and at boot.
pub(super) async fn load(shell: &dyn Shell, modules: &BTreeSet<String>) -> Result<()> {
    modules.iter().try_for_each(|it| check_word("module", it))?;
    run_with(shell, "loading kernel modules", &load_script(modules), lines(modules).as_bytes()).await?;
    Ok(())
}

pub(super) fn load_script(modules: &BTreeSet<String>) -> String {
    let names: Vec<_> = modules.iter().map(|it| quote(it)).collect();
    format!(
        "modprobe -a -- {names}
mkdir -p /etc/modules-load.d
{{ cat {file} 2>/dev/null || true; cat; }} | sort -u > {file}.orbos
mv {file}.orbos {file}
",
        names = names.join(" "),
        file = files::MODULES
    )
}

fn lines(modules: &BTreeSet<String>) -> String {
    modules.iter().map(|it| format!("{it}\n")).collect()
}

/// Sets kernel parameters, now and at boot.
pub(super) async fn tune(shell: &dyn Shell, values: &BTreeMap<String, String>) -> Result<()> {
    for (key, value) in values {
        check_path(&sysctl_path(key))?;
        if key.contains(char::is_whitespace)
            || key.contains('=')
            || value.contains(|it: char| it.is_control() && it != '\t')
        {
            return Err(Error::invalid(
                format!("kernel parameter {key}"),
                format!("`{value}` has to be one line"),
            ));
        }
    }
    let lines: String = values.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    run_with(shell, "setting kernel parameters", &tune_script(values), lines.as_bytes()).await?;
    Ok(())
}

/// First now, which may be refused; then at boot, where later lines win over earlier ones.
pub(super) fn tune_script(values: &BTreeMap<String, String>) -> String {
    let settings: Vec<_> =
        values.iter().map(|(key, value)| quote(&format!("{key}={value}")).into_owned()).collect();
    format!(
        "sysctl -q -w {settings}
mkdir -p /etc/sysctl.d
{{ cat {file} 2>/dev/null || true; cat; }} | awk -F ' = ' 'NF {{ value[$1] = $0 }} END {{ for (key in value) print value[key] }}' | sort > {file}.orbos
mv {file}.orbos {file}
",
        settings = settings.join(" "),
        file = files::SYSCTLS
    )
}

/// Where a kernel parameter can be read: as in sysctl(8), the first separator decides which one it is.
pub(super) fn sysctl_path(key: &str) -> String {
    let dots = key.find(['.', '/']).is_none_or(|at| key.as_bytes()[at] == b'.');
    let swap = |it: char| match it {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let path: String = if dots { key.chars().map(swap).collect() } else { key.to_owned() };
    format!("/proc/sys/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_either_spelling() {
        assert_eq!(sysctl_path("net.ipv4.ip_forward"), "/proc/sys/net/ipv4/ip_forward");
        assert_eq!(
            sysctl_path("net.ipv4.conf.eth0/1.forwarding"),
            "/proc/sys/net/ipv4/conf/eth0.1/forwarding"
        );
        assert_eq!(
            sysctl_path("net/ipv4/conf/eth0.1/forwarding"),
            "/proc/sys/net/ipv4/conf/eth0.1/forwarding"
        );
    }
}
