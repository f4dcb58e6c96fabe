//! Routes to ranges behind other machines.

use std::net::IpAddr;

use orbos_ssh::Shell;
use orbos_state::{Error, Result};

use super::{observe::files, script::run};
use crate::network::Cidr;

/// The number by which our routes are recognised among all others.
pub(super) const PROTOCOL: u8 = 77;

/// Adds or corrects a route, now and at boot.
pub(super) async fn route(shell: &dyn Shell, to: Cidr, via: IpAddr) -> Result<()> {
    let IpAddr::V4(_) = via else {
        return Err(Error::unsupported(
            format!("a route to {to} by {via}"),
            "IPv4 ranges need an IPv4 address",
        ));
    };
    run(shell, &format!("routing {to} by {via}"), &route_script(to.network(), via)).await?;
    Ok(())
}

pub(super) fn route_script(to: Cidr, via: IpAddr) -> String {
    let (file, unit) = (files::ROUTES, UNIT);
    format!(
        "ip route replace {to} via {via} proto {PROTOCOL}
mkdir -p /etc/orbos
{{ grep -vF '{to} ' {file} 2>/dev/null || true; echo '{to} {via}'; }} | sort > {file}.orbos
mv {file}.orbos {file}
if [ ! -L /etc/systemd/system/multi-user.target.wants/orbos-routes.service ]; then
  cat > /etc/systemd/system/orbos-routes.service <<'UNIT'
{unit}UNIT
  systemctl daemon-reload
  systemctl -q enable orbos-routes.service
fi
"
    )
}

const UNIT: &str = "[Unit]
Description=Routes of ORBOS to ranges behind other machines
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'while read -r to via; do ip route replace \"$to\" via \"$via\" proto 77; done < /etc/orbos/routes'

[Install]
WantedBy=multi-user.target
";

/// Takes a route away, now and at boot.
pub(super) async fn unroute(shell: &dyn Shell, to: Cidr) -> Result<()> {
    run(shell, &format!("removing the route to {to}"), &unroute_script(to.network())).await?;
    Ok(())
}

pub(super) fn unroute_script(to: Cidr) -> String {
    let file = files::ROUTES;
    format!(
        "if ip route show {to} proto {PROTOCOL} | grep -q .; then ip route del {to} proto {PROTOCOL}; fi
if [ -e {file} ]; then
  {{ grep -vF '{to} ' {file} || [ $? = 1 ]; }} > {file}.orbos
  mv {file}.orbos {file}
fi
if [ ! -s {file} ]; then
  [ ! -e /etc/systemd/system/orbos-routes.service ] || systemctl -q disable orbos-routes.service
  rm -f {file} /etc/systemd/system/orbos-routes.service
  rmdir /etc/orbos 2>/dev/null || true
fi
"
    )
}
