#!/usr/bin/env bash
# machine.sh - machines without a hypervisor: each has its own mount, process, network, host name, IPC and cgroup
# namespaces, its own disk (a file system image over the machine image), its own systemd as process 1 and sshd on port 22.
#
#   machine.sh start NAME [IP]      creates it (the first time, with that address) and boots it; returns when one can log in
#   machine.sh stop NAME            orderly shutdown; the disk is kept
#   machine.sh kill NAME            power cut; the disk is kept
#   machine.sh destroy NAME         power cut, and the disk is deleted
#   machine.sh isolate NAME         its network drops every packet, also after a restart
#   machine.sh rejoin NAME          ... and passes them again
#   machine.sh ssh NAME [COMMAND]   over real ssh from the lab's network, as LAB_USER (default orbiter)
#   machine.sh list                 every machine of the lab
#
# LAB_DISK_SIZE: size of a new machine's disk (sparse; default 20G)
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
. "$LAB_SCRIPTS/machine-disk.sh"
. "$LAB_SCRIPTS/machine-boot.sh"
lab=$LAB_RUN/$LAB_NAME
[ -e "$lab/net" ] || die "there is no lab $LAB_NAME"
disks=$(cat "$lab/disks") net=$(cat "$lab/net")
namespace=orbos-lab-$LAB_NAME
cgroup=orbos-lab-$LAB_NAME
hierarchies=(cpu cpuacct cpuset memory devices freezer blkio pids systemd unified)

address() { cat "$disks/$1/ip" 2> /dev/null || die "lab $LAB_NAME has no machine $1"; }
port() { local ip; ip=$(address "$1"); echo "port${ip##*.}"; }   # its end of the cable, at the bridge

# The machine's process 1 as the host sees it: the only child of the `unshare` that made its namespaces.
init_of() {
  local pid child; pid=$(cat "$disks/$1/pid" 2> /dev/null) || return 1
  grep -qs "^unshare" "/proc/$pid/comm" || return 1
  child=$(cat "/proc/$pid/task/$pid/children" 2> /dev/null); [ -n "$child" ] && echo "${child%% *}"
}

# ssh_from NAMESPACE USER MACHINE [COMMAND]
ssh_from() {
  local from=$1 user=$2 ip; ip=$(address "$3"); shift 3
  ip netns exec "$from" ssh -i "$LAB_KEY" -o BatchMode=yes -o ConnectTimeout=5 -o LogLevel=ERROR \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$user@$ip" "$@"
}

unplug() {
  ip netns del "$namespace-$1" 2> /dev/null || true
  ip -n "$namespace" link del "$(port "$1")" 2> /dev/null || true
}

plug_in() {
  local name=$1 ip ns=$namespace-$1 port mac; ip=$(address "$name"); port=$(port "$name")
  # The same after every start, as that of a network card: its neighbours remember it.
  mac=$(printf '02:00:%02x:%02x:%02x:%02x' ${ip//./ })
  unplug "$name"
  ip netns add "$ns"
  ip -n "$namespace" link add "$port" type veth peer name eth0 address "$mac" netns "$ns"
  ip -n "$namespace" link set "$port" master br0 up
  ip -n "$ns" link set lo up
  ip -n "$ns" addr add "$ip/24" dev eth0
  ip -n "$ns" link set eth0 up
  ip -n "$ns" route add default via "$net.1"
  # kubelet asks for a cloud's metadata twice when it starts: 10 s each if dropped, nothing if refused.
  ip -n "$ns" route add unreachable 169.254.0.0/16
  if [ -e "$disks/$name/isolated" ]; then set_port "$name" disabled; fi
}

# A disabled bridge port drops frames in both directions, while the machine's own link stays up: for both sides this is
# a network that swallows packets, not a pulled cable that the kernel would report.
set_port() {
  local -A states=([disabled]=0 [forwarding]=3)
  bridge -n "$namespace" link set dev "$(port "$1")" state "${states[$2]}"
}

start() {
  local name=$1 ip=${2:-} machine=$disks/$1 boot try
  [[ $name =~ ^[a-z0-9][a-z0-9-]{0,62}$ ]] || die "not a host name: $name"
  if init_of "$name" > /dev/null; then die "$name is running"; fi
  if [ ! -e "$machine/ip" ]; then
    [[ $ip == "$net".* ]] || die "machine $name needs an address in $net.0/24"
    if grep -qsx "$ip" "$disks"/*/ip; then die "another machine of the lab has the address $ip"; fi
    create_disk "$name" "$ip"
  fi
  plug_in "$name"
  make_cgroups "$name"
  boot_in_namespaces "$name"
  boot=$(cat "$machine/pid")
  for try in $(seq 300); do
    # Root may log in before systemd lets ordinary users in, and also when `orbiter` has other keys by now. From its own
    # network namespace, since it may be isolated.
    if ssh_from "$namespace-$name" root "$name" "test ! -e /run/nologin && systemctl -q is-active systemd-user-sessions" \
      2> /dev/null; then return; fi
    if ! kill -0 "$boot" 2> /dev/null; then cat "$machine/console.log" >&2; die "$name did not boot"; fi
    sleep 0.05
  done
  die "$name booted, but one cannot log in"
}

gone() { local try; for try in $(seq "$2"); do kill -0 "$1" 2> /dev/null || return 0; sleep 0.05; done; return 1; }

halt() {
  local name=$1 how=$2 init wrapper; address "$name" > /dev/null
  if init=$(init_of "$name"); then
    wrapper=$(cat "$disks/$name/pid")
    # SIGRTMIN+3 is how one asks systemd in a container to power off.
    if [ "$how" = stop ]; then kill -s RTMIN+3 "$init"; gone "$init" 600 || echo "$name does not shut down; cutting the power" >&2; fi
    kill -9 "$init" 2> /dev/null || true
    gone "$init" 200 || die "$name's process 1 ($init) cannot be killed"
    gone "$wrapper" 200 || die "$name's namespaces ($wrapper) do not end"
  fi
  rm -f "$disks/$name/pid"
  unplug "$name"
  remove_cgroups "$name"
}

list() {
  local machine name state
  for machine in "$disks"/*/; do
    [ -e "$machine/ip" ] || continue
    name=$(basename "$machine")
    if init_of "$name" > /dev/null; then state=up; else state=down; fi
    if [ -e "$machine/isolated" ]; then state+=,isolated; fi
    echo "$name $(cat "$machine/ip") $state"
  done
}

command=${1:-}; shift || true
case $command in
  start) step "$LAB_NAME: boot $1" start "$@" ;;
  stop | kill) halt "$1" "$command" ;;
  destroy) if [ -e "$disks/$1/ip" ]; then halt "$1" kill; fi; rm -rf "${disks:?}/$1" ;;
  isolate) address "$1" > /dev/null; touch "$disks/$1/isolated"; if init_of "$1" > /dev/null; then set_port "$1" disabled; fi ;;
  rejoin) address "$1" > /dev/null; rm -f "$disks/$1/isolated"; if init_of "$1" > /dev/null; then set_port "$1" forwarding; fi ;;
  ssh) ssh_from "$namespace" "${LAB_USER:-orbiter}" "$@" ;;
  list) list ;;
  __inside) inside "$1" ;;
  *) sed -n 2,14p "$0" >&2; exit 2 ;;
esac
