#!/usr/bin/env bash
# memory.sh - how much memory `orbiter` takes with many machines.
#
#   memory.sh [MACHINES] [ROUNDS]      default 100 10
#
# The real program, a real repository, real SSH servers on loopback (sshd.sh), a KubernetesCluster of one control plane and all
# others workers. All machines accept the orb's own key, as in a cluster that has been taken off, and ORBITER looks at all that
# Kubernetes needs on each, round by round. They say that they run an operating system which ORBITER does not know, so it changes
# nothing.
# ORBOS_BIN: a folder with orbctl and orbiter; default target/release of this checkout. BUNDLE: a bundle; default none.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
machines=${1:-100} rounds=${2:-10}
bin=${ORBOS_BIN:-$here/../../target/release}
work=$(mktemp -d) orbiter=
down() { [ -z "$orbiter" ] || kill "$orbiter" 2> /dev/null || true; "$here/sshd.sh" down; rm -rf "$work"; }
trap down EXIT
listed() { local number; for number in $(seq "$1" "$2"); do echo "        - {id: m$number, ip: 127.0.2.$number}"; done; }

BENCH_OS=unknown-1 "$here/sshd.sh" up "$machines"
git init -q --bare --initial-branch=main "$work/orb.git"
git clone -q "$work/orb.git" "$work/files" 2> /dev/null
cat > "$work/files/orbiter.yml" <<YML
kind: orbiter.caos.ch/Orb
version: v0
clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    version: v0
    spec:
      controlplane: {provider: bench, pool: masters, nodes: 1}
      workers: [{provider: bench, pool: workers, nodes: $((machines - 1))}]
      networking: {network: routed, dnsdomain: cluster.local, servicecidr: 10.96.0.0/12, podcidr: 10.128.0.0/9}
      versions: {kubernetes: v1.20.2, orbiter: ""}
providers:
  bench:
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      user: root
      pools:
        masters:
$(listed 1 1)
        workers:
$(listed 2 "$machines")
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec:
        masters:
        - ip: 127.0.3.1
          transport:
          - name: kubeapi
            frontendport: 443
            backendport: 6443
            backendpools: [masters]
            whitelist: [0.0.0.0/0]
            healthchecks: {protocol: https, path: /healthz, code: 200}
YML
git -C "$work/files" add orbiter.yml
git -C "$work/files" -c user.name=bench -c user.email=bench@localhost commit -qm "An orb"
git -C "$work/files" push -q origin HEAD:main
"$bin/orbctl" --orbconfig "$work/config" configure --repourl "file://$work/orb.git" > /dev/null
"$bin/orbctl" --orbconfig "$work/config" secrets set providers.bench.spec.keys.bootstrapkeyprivate --file /tmp/orbos-bench-sshd/key > /dev/null

maintenance=providers.bench.spec.keys.maintenancekey
"$bin/orbctl" --orbconfig "$work/config" secrets generate > /dev/null
"$bin/orbctl" --orbconfig "$work/config" secrets show "${maintenance}public" > "$work/maintenance.pub"
for number in $(seq "$machines"); do
  "$here/sshd.sh" run ssh -q -i /tmp/orbos-bench-sshd/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    "root@127.0.2.$number" 'cat > .ssh/authorized_keys' < "$work/maintenance.pub"
done

listen=127.0.0.1:9900
"$here/sshd.sh" run "$bin/orbiter" --orbconfig "$work/config" ${BUNDLE:+--bundle "$BUNDLE"} --interval 2 --listen "$listen" 2> "$work/log" &
orbiter=$!
metric() { "$here/sshd.sh" run curl -s "http://$listen/metrics" | sed -n "s/^orbiter_$1 //p"; }
memory() { awk '/^VmRSS|^VmHWM|^RssAnon|^RssFile|^Threads/ { printf "%s %s  ", $1, $2 }' "/proc/$orbiter/status"; }
last=-1
while now=$(metric rounds_total || true); [ "${now:-0}" -lt "$rounds" ]; do
  kill -0 "$orbiter" || { cat "$work/log" >&2; exit 1; }
  if [ -n "$now" ] && [ "$now" != "$last" ]; then
    echo "round $now: $(metric machines) machines, $(metric plan_waiting) wait, $(metric round_seconds) s: $(memory)kB"
    last=$now
  fi
  sleep 0.5
done
ticks=$(awk '{ print $14 + $15 }' "/proc/$orbiter/stat")
echo "after $now rounds with $(metric machines) machines: $(memory)kB; processor $((ticks * 10)) ms in all; load $(cut -d' ' -f1 /proc/loadavg)"
git -C "$work/files" pull -q origin main
ls -la "$work/files/caos-internal/orbiter/"
