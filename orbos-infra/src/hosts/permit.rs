//! Replaces the firewall without ever locking ourselves out.

use std::time::Duration;

use orbos_ssh::Shell;
use orbos_state::{Error, Result};

use super::{
    Reconnect,
    firewall::firewall_text,
    observe::files,
    script::{STATE, run, run_with},
};
use crate::{network::Firewall, plan::firewall_fingerprint};

/// What makes the firewall come back at boot.
pub(super) const WANTED: &str = "/etc/systemd/system/sysinit.target.wants/orbos-firewall.service";
/// How long a second connection may take before the former firewall comes back.
const PROOF: Duration = Duration::from_secs(20);

/// Replaces the firewall in one step and keeps it only if a second connection gets through.
///
/// The machine itself takes it back after half a minute unless told otherwise, also if this program dies.
pub(super) async fn permit(shell: &dyn Shell, firewall: &Firewall, reconnect: &dyn Reconnect) -> Result<()> {
    let text = firewall_text(firewall);
    run_with(shell, "loading the firewall", TRY, text.as_bytes()).await?;
    let proof = async {
        let second = reconnect.fresh().await?;
        run(&*second, "keeping the firewall", &keep_script(&firewall_fingerprint(firewall))).await
    };
    let failure = match tokio::time::timeout(PROOF, proof).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => Error::unreachable("the machine, by a second connection"),
    };
    // The first connection may still work, then nobody has to wait for the timer.
    let back = tokio::time::timeout(PROOF, run(shell, "taking the firewall back", BACK)).await;
    let how = if matches!(back, Ok(Ok(_))) {
        "the former one is back"
    } else {
        "the former one comes back within 30 s"
    };
    Err(Error::failed("replacing the firewall", format!("no second connection got through, {how}"))
        .because(failure))
}

/// What is not proven yet is never what a later rollback returns to.
const TRY: &str = "mkdir -p /run/orbos
cat > /run/orbos/firewall.new
nft -c -f /run/orbos/firewall.new
if systemctl -q is-active orbos-firewall-rollback.timer; then
  systemctl stop orbos-firewall-rollback.timer
else
  { printf 'table inet orbos\\ndelete table inet orbos\\n'; nft -s list table inet orbos 2>/dev/null || true; } > /run/orbos/firewall.old
fi
systemd-run -q --unit=orbos-firewall-rollback --collect --on-active=30s --timer-property=AccuracySec=1s nft -f /run/orbos/firewall.old
nft -f /run/orbos/firewall.new
";

const BACK: &str = "nft -f /run/orbos/firewall.old
systemctl stop orbos-firewall-rollback.timer
";

/// Runs on the second connection, whose existence is the proof.
fn keep_script(fingerprint: &str) -> String {
    let (boot, stamp) = (files::FIREWALL_BOOT, files::FIREWALL);
    format!(
        "systemctl stop orbos-firewall-rollback.timer
mkdir -p /etc/orbos {STATE}
cp /run/orbos/firewall.new {boot}.orbos
mv {boot}.orbos {boot}
if [ ! -L {WANTED} ]; then
  cat > /etc/systemd/system/orbos-firewall.service <<'UNIT'
{UNIT}UNIT
  systemctl daemon-reload
  systemctl -q enable orbos-firewall.service
fi
hash() {{ sha256sum | cut -d ' ' -f 1; }}
echo \"{fingerprint} $(nft -s -n list table inet orbos | hash) $(hash < {boot})\" > {stamp}
"
    )
}

const UNIT: &str = "[Unit]
Description=Firewall of ORBOS
DefaultDependencies=no
After=local-fs.target nftables.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/orbos/firewall.nft

[Install]
WantedBy=sysinit.target
";

/// Takes our firewall away, now and at boot.
pub(super) async fn unprotect(shell: &dyn Shell) -> Result<()> {
    run(shell, "removing the firewall", &unprotect_script()).await?;
    Ok(())
}

fn unprotect_script() -> String {
    let (boot, stamp) = (files::FIREWALL_BOOT, files::FIREWALL);
    format!(
        "systemctl stop orbos-firewall-rollback.timer 2>/dev/null || true
[ ! -L {WANTED} ] || systemctl -q disable orbos-firewall.service
rm -f {boot} /etc/systemd/system/orbos-firewall.service
if command -v nft >/dev/null; then printf 'table inet orbos\\ndelete table inet orbos\\n' | nft -f -; fi
rm -f {stamp}
rmdir /etc/orbos 2>/dev/null || true
"
    )
}
