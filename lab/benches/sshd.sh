#!/usr/bin/env bash
# sshd.sh - many SSH servers on loopback, each as a small machine of its own; for benchmarks.
#
#   sshd.sh up [COUNT]       starts 127.0.2.1:22, 127.0.2.2:22 … (default 100), reachable for root with the key in FOLDER/key
#   sshd.sh run COMMAND ...  runs a command where they can be reached
#   sshd.sh down             stops them all; nothing remains
#   sshd.sh used             prints the file that says how long they kept a processor busy so far, in nanoseconds
#
# They live in a network namespace of their own (orbos-bench), so their loopback and firewall are not this computer's. Each
# has its own host name and its own /etc, /var, /root, /mnt, /tmp and /run: what is written there goes to memory and ends with
# the server. Everything else is this computer's, and read-only. There is no systemd in them, so no services. All of them, and
# whatever they start, are in one cgroup (cgroup v1, cpuacct).
#
# BENCH_OS: what /etc/os-release says, for example `debian-12` (default) or an unknown one that ORBITER refuses to change.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/$(basename "${BASH_SOURCE[0]}")
namespace=orbos-bench
folder=/tmp/orbos-bench-sshd
group=/sys/fs/cgroup/cpuacct/orbos-bench-sshd
die() { echo "sshd.sh: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "namespaces need root"

config() {   # NUMBER
  cat <<CONFIG
ListenAddress 127.0.2.$1:22
HostKey $folder/host_key
PidFile none
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 1000:1:1000
LogLevel ERROR
CONFIG
}

# Everything below is in the server's own mount and host name spaces, and ends by becoming sshd.
inside() {
  local number=$1 name=m$1 own=$folder/$1 it
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 tmpfs "$own"
  mount -t tmpfs -o mode=700 tmpfs /root
  for it in etc var; do
    mkdir "$own/$it" "$own/$it.work"
    mount -t overlay overlay -o "lowerdir=/$it,upperdir=$own/$it,workdir=$own/$it.work" "/$it"
  done
  hostname "$name"
  echo "$name" > /etc/hostname
  printf 'ID=%s\nVERSION_ID="%s"\n' "${BENCH_OS%%-*}" "${BENCH_OS#*-}" > /etc/os-release.bench
  rm -f /etc/os-release; mv /etc/os-release.bench /etc/os-release
  mkdir -m 700 /root/.ssh
  cp "$folder/key.pub" /root/.ssh/authorized_keys
  config "$number" > /etc/ssh/sshd_config
  mount -t tmpfs tmpfs /run; mkdir -p /run/sshd /run/lock
  mount -t tmpfs tmpfs /mnt
  # The process that mounted the folder away still needs its files: host key and own disk.
  mkdir -p /etc/ssh; cp "$folder/host_key" /etc/ssh/bench_host_key; chmod 600 /etc/ssh/bench_host_key
  sed -i "s#$folder/host_key#/etc/ssh/bench_host_key#" /etc/ssh/sshd_config
  mount -t tmpfs -o mode=1777 tmpfs /tmp
  mount -o remount,bind,ro /
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
}

up() {
  local count=${1:-100} number pids=()
  [ "$count" -le 254 ] || die "at most 254"
  [ ! -e "$folder" ] || die "there are some already; first: sshd.sh down"
  mkdir -m 755 "$folder"
  ssh-keygen -q -t ed25519 -N '' -C bench -f "$folder/key"
  ssh-keygen -q -t ed25519 -N '' -C bench -f "$folder/host_key"
  mkdir -p "$group"
  ip netns add "$namespace"
  ip -n "$namespace" link set lo up
  for number in $(seq "$count"); do
    mkdir "$folder/$number"
    # Into the cgroup before the network is entered, which hides the cgroups.
    BENCH_OS=${BENCH_OS:-debian-12} setsid bash -c 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"' bash "$group" \
      ip netns exec "$namespace" unshare --mount --uts \
      bash "$here" __inside "$number" > "$folder/$number.log" 2>&1 < /dev/null &
    echo $! > "$folder/$number.pid"
  done
  for number in $(seq "$count"); do
    for try in $(seq 600); do
      if ip netns exec "$namespace" bash -c "exec 3<>/dev/tcp/127.0.2.$number/22" 2> /dev/null; then continue 2; fi
      kill -0 "$(cat "$folder/$number.pid")" 2> /dev/null || { cat "$folder/$number.log" >&2; die "server $number did not start"; }
      sleep 0.05
    done
    die "server $number does not listen: $(cat "$folder/$number.log")"
  done
  echo "$count servers, 127.0.2.1 to 127.0.2.$count, user root, key $folder/key"
}

down() {
  local it pid
  # By id, and only what is in the namespace: its servers and their sessions.
  for it in 1 2 3; do
    for pid in $(ip netns pids "$namespace" 2> /dev/null); do kill -9 "$pid" 2> /dev/null || true; done
  done
  ip netns del "$namespace" 2> /dev/null || true
  # It is empty as soon as the last of them is gone.
  for it in 1 2 3 4 5 6 7 8 9; do if [ ! -e "$group" ] || rmdir "$group" 2> /dev/null; then break; fi; sleep 0.1; done
  rm -rf "$folder"
}

command=${1:-}; shift || true
case $command in
  up) up "$@" ;;
  run) exec ip netns exec "$namespace" "$@" ;;
  down) down ;;
  used) echo "$group/cpuacct.usage" ;;
  __inside) inside "$1" ;;
  *) sed -n 2,15p "$0" >&2; exit 2 ;;
esac
