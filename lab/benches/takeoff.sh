#!/usr/bin/env bash
# takeoff.sh - how long `orbctl takeoff` takes, divided by how long a plain shell script takes for the same steps.
#
#   takeoff.sh [PLANES] [WORKERS] [TIMES]      default 1 1 1
#
# Both take off on machines of the lab that have just booted for the first time, one after the other, TIMES times. The script
# (takeoff-plain.sh) does what the critical path needs and nothing else: it plans nothing, looks at nothing, records nothing, and
# takes all files of configuration from what orbctl made of the machines before. Its clock ends when all nodes are Ready, as
# orbctl's does. ORBOS_BIN: a folder with orbctl; default target/release of this checkout.
export LAB_NAME=${LAB_NAME:-bench}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../scripts/env.sh"
planes=${1:-1} workers=${2:-1} times=${3:-1} all=$((${1:-1} + ${2:-1}))
bin=${ORBOS_BIN:-$here/../../target/release}
work=$(mktemp -d)
trap '[ -n "${BENCH_KEEP:-}" ] || { "$LAB_SCRIPTS/lab.sh" down; rm -rf "$work"; }' EXIT
net=$("$LAB_SCRIPTS/lab.sh" up)

in_lab() { "$LAB_SCRIPTS/lab.sh" run "$@"; }
as_root() { local machine=$1; shift; LAB_USER=root "$LAB_SCRIPTS/machine.sh" ssh "$machine" "$@"; }
load() { cut -d' ' -f1 /proc/loadavg; }

fresh_machines() {
  local number pids=() pid
  for number in $(seq "$all"); do
    ( "$LAB_SCRIPTS/machine.sh" destroy "m$number"; "$LAB_SCRIPTS/machine.sh" start "m$number" "$net.$((10 + number))" ) 2> "$work/boot" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || { cat "$work/boot" >&2; exit 1; }; done
}

listed() { local number; for number in $(seq "$1" "$2"); do echo "        - {id: m$number, ip: $net.$((10 + number))}"; done; }

orbiter_yml() {
  cat <<YML
kind: orbiter.caos.ch/Orb
version: v0
clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    version: v0
    spec:
      controlplane:
        provider: lab
        pool: masters
        nodes: $planes
        taints: [{key: node-role.kubernetes.io/master, effect: NoSchedule}]
      workers: [{provider: lab, pool: workers, nodes: $workers, taints: []}]
      networking: {network: routed, dnsdomain: cluster.local, servicecidr: 10.96.0.0/12, podcidr: 10.244.0.0/16}
      versions: {kubernetes: v1.20.2, orbiter: ""}
providers:
  lab:
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      pools:
        masters:
$(listed 1 "$planes")
        workers:
$(listed $((planes + 1)) "$all")
      externalinterfaces: [eth0]
      privateinterface: eth0
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec:
        masters:
        - ip: $net.200
          transport:
          - name: kubeapi
            frontendport: 443
            backendport: 6443
            backendpools: [masters]
            whitelist: [0.0.0.0/0]
            healthchecks: {protocol: https, path: /healthz, code: 200}
YML
}

orb() {
  rm -rf "$work/orb"; mkdir "$work/orb"
  git init -q --bare --initial-branch=main "$work/orb/orb.git"
  git clone -q "$work/orb/orb.git" "$work/orb/files" 2> /dev/null
  orbiter_yml > "$work/orb/files/orbiter.yml"
  git -C "$work/orb/files" add orbiter.yml
  git -C "$work/orb/files" -c user.name=bench -c user.email=bench@localhost commit -qm "An orb"
  git -C "$work/orb/files" push -q origin HEAD:main
  in_lab "$bin/orbctl" --orbconfig "$work/orb/config" configure --repourl "file://$work/orb/orb.git" > /dev/null
  in_lab "$bin/orbctl" --orbconfig "$work/orb/config" secrets set providers.lab.spec.keys.bootstrapkeyprivate --file "$LAB_KEY" > /dev/null
}

# What orbctl put on each machine, for the script to put there too.
harvest() {
  local number
  for number in $(seq "$all"); do
    as_root "m$number" "cd / && { sed -n 's/^file //p' var/lib/orbos/managed; ls /etc/orbos/* /etc/sysctl.d/90-orbos.conf \
      /etc/modules-load.d/orbos.conf /etc/systemd/system/orbos-*.service; } | sort -u | xargs tar -cP" > "$work/m$number.tar"
  done
}

timed() {   # LABEL COMMAND...: prints and remembers seconds
  local label=$1 from to before; before=$(load); shift
  from=$EPOCHREALTIME
  "$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; die "$label failed"; }
  to=$EPOCHREALTIME
  seconds=$(awk "BEGIN { printf \"%.1f\", $to - $from }")
  echo "$label $planes+$workers: $seconds s (load $before at its beginning, $(load) at its end)"
  cp "$work/log" "${BENCH_LOGS:-$work}/$(date +%H%M%S)-${label// /-}.log"
}

sum_orbctl=0 sum_plain=0
for time in $(seq "$times"); do
  fresh_machines; orb
  timed "orbctl takeoff" in_lab "$bin/orbctl" --orbconfig "$work/orb/config" --bundle "$LAB_BUNDLE" takeoff
  sum_orbctl=$(awk "BEGIN { print $sum_orbctl + $seconds }")
  harvest
  fresh_machines
  timed "plain script" in_lab bash "$here/takeoff-plain.sh" "$planes" "$workers" "$net" "$work" "$LAB_KEY" "$LAB_BUNDLE"
  sum_plain=$(awk "BEGIN { print $sum_plain + $seconds }")
done
awk "BEGIN { printf \"%d+%d, %d time(s): orbctl %.1f s, plain script %.1f s, ratio %.2f (goal 1.05)\n\", $planes, $workers, $times, $sum_orbctl / $times, $sum_plain / $times, $sum_orbctl / $sum_plain }"
