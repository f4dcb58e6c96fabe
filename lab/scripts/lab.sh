#!/usr/bin/env bash
# lab.sh - a lab is a network of its own: a bridge in a network namespace, with a /24 that no other lab has.
#
#   lab.sh up            makes the lab LAB_NAME (nothing to do if it is there); prints its network's first three numbers
#   lab.sh down          destroys its machines and the lab
#   lab.sh run COMMAND   runs a command where the machines can be reached
#   lab.sh list          every lab and its machines
#   lab.sh sweep         takes down the labs whose owner has died without doing so
#
# LAB_OWNER: the process (by id) that the lab belongs to; without one it stays until `down`.
# LAB_DISKS: where its machines' disks are; memory if there is plenty, since that makes etcd and image imports 3-5 times faster.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[[ $LAB_NAME =~ ^[a-z0-9][a-z0-9-]{0,40}$ ]] || die "a lab's name has lower case letters, digits and hyphens: $LAB_NAME"
lab=$LAB_RUN/$LAB_NAME
namespace=orbos-lab-$LAB_NAME

# A process id alone may have been given to another process since; with its start time it is unique.
started() { local stat; stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 1; stat=${stat##*) }; cut -d' ' -f20 <<< "$stat"; }

# Claims the lowest network that no lab has. Called with the registry locked.
claim() {
  local number
  for number in $(seq 254); do grep -qsx "10.89.$number" "$LAB_RUN"/*/net || { echo "10.89.$number"; return; }; done
  die "254 labs are running"
}

disks() {
  local free; free=$(df --output=avail -k /dev/shm 2> /dev/null | tail -n1) || free=0
  if [ "${free:-0}" -gt $((4 << 20)) ]; then echo "/dev/shm/orbos-lab-$LAB_NAME"; else echo "$LAB_CACHE/machines/$LAB_NAME"; fi
}

register() (
  mkdir -p "$LAB_RUN"
  exec 9> "$LAB_RUN/.lock"; flock 9
  [ -e "$lab/net" ] && exit
  mkdir -p "$lab"
  echo "${LAB_DISKS:-$(disks)}" > "$lab/disks"
  if [ -n "${LAB_OWNER:-}" ]; then echo "$LAB_OWNER $(started "$LAB_OWNER")" > "$lab/owner"; fi
  claim > "$lab/net.new"; mv "$lab/net.new" "$lab/net"
)

up() {
  register
  local net; net=$(cat "$lab/net")
  mkdir -p "$(cat "$lab/disks")"
  if [ ! -e "/run/netns/$namespace" ]; then
    ip netns add "$namespace"
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link add br0 type bridge
    ip -n "$namespace" addr add "$net.1/24" dev br0
    ip -n "$namespace" link set br0 up
    # Nothing leaves the lab, and what tries fails at once instead of waiting for an answer.
    ip -n "$namespace" route add unreachable default
    ip netns exec "$namespace" sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
  fi
  echo "$net"
}

down() {
  [ -e "$lab" ] || return 0
  local machine pids=() pid disks; disks=$(cat "$lab/disks")
  for machine in "$disks"/*/; do
    [ -d "$machine" ] || continue
    "$LAB_SCRIPTS/machine.sh" destroy "$(basename "$machine")" & pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  if [ -e "/run/netns/$namespace" ]; then ip netns del "$namespace"; fi
  find /sys/fs/cgroup -maxdepth 2 -type d -name "orbos-lab-$LAB_NAME" -exec rmdir {} +
  rmdir "$disks"
  rm -rf "$lab"
}

list() {
  local folder
  for folder in "$LAB_RUN"/*/; do
    [ -e "$folder/net" ] || continue
    echo "$(basename "$folder") $(cat "$folder/net").0/24"
    LAB_NAME=$(basename "$folder") "$LAB_SCRIPTS/machine.sh" list | sed 's/^/  /'
  done
}

sweep() {
  local folder pid start
  for folder in "$LAB_RUN"/*/; do
    [ -e "$folder/owner" ] || continue
    read -r pid start < "$folder/owner"
    [ "$(started "$pid" || true)" = "$start" ] || LAB_NAME=$(basename "$folder") "$LAB_SCRIPTS/lab.sh" down
  done
}

command=${1:-}; shift || true
case $command in
  up) up ;; down) down ;; list) list ;; sweep) sweep ;;
  run) [ -e "$lab/net" ] || die "there is no lab $LAB_NAME"; exec ip netns exec "$namespace" "$@" ;;
  *) sed -n 2,11p "$0" >&2; exit 2 ;;
esac
