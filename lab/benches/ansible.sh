#!/usr/bin/env bash
# ansible.sh - processor time of the controlling side for ten file tasks on twenty machines: ORBITER beside ansible-core.
#
#   ansible.sh [MACHINES]      default 20
#
# Both write the same ten files to the same SSH servers on loopback (sshd.sh), then find that there is nothing to do. Counted is
# all user and system time of the controlling side: the program, everything it starts, and the ssh clients that it leaves
# running; they are in a cgroup of their own (cgroup v1, cpuacct). The servers' side is not counted.
# ansible-core comes from PyPI into a folder below /tmp, unless ANSIBLE names a folder with ansible-playbook.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
machines=${1:-20} key=/tmp/orbos-bench-sshd/key
work=$(mktemp -d)
group=/sys/fs/cgroup/cpuacct/orbos-bench-$$
ansible=${ANSIBLE:-/tmp/orbos-bench-ansible/bin}
[ -x "$ansible/ansible-playbook" ] || { python3 -m venv "${ansible%/bin}"; "$ansible/pip" install -q ansible-core; }
cargo bench --quiet --manifest-path "$here/../../Cargo.toml" -p orbos-infra --bench round --no-run
down() { "$here/sshd.sh" down; rmdir "$group" 2> /dev/null || true; rm -rf "$work"; }
trap down EXIT
mkdir "$group"
export ANSIBLE_HOME=$work/ansible

load() { cut -d' ' -f1 /proc/loadavg; }

# counted LABEL COMMAND...: runs it in the cgroup, in the servers' network.
counted() {
  local label=$1 from=$EPOCHREALTIME before after; shift
  before=$(cat "$group/cpuacct.usage")
  # Before the network is entered, which hides the cgroups.
  bash -c 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"' bash "$group" "$here/sshd.sh" run "$@" > "$work/log" 2>&1 ||
    { cat "$work/log"; exit 1; }
  # ssh clients that ansible keeps for the next run end themselves; what they used so far counts.
  after=$(cat "$group/cpuacct.usage")
  awk -v label="$label" -v used="$((after - before))" -v from="$from" -v to="$EPOCHREALTIME" -v machines="$machines" -v load="$(load)" \
    'BEGIN { printf "%-44s %6.1f s, processor %7.2f s, %7.2f ms per machine and task; load %s\n", label, to - from, used / 1e9, used / 1e6 / machines / 10, load }'
}

playbook() {
  mkdir "$work/files"
  local number
  { echo "- hosts: all"; echo "  gather_facts: false"; echo "  tasks:"; } > "$work/play.yml"
  for number in $(seq 0 9); do
    { echo "# file $number"; for _ in $(seq 48); do echo "one line of sixteen."; done; } > "$work/files/file-$number"
    echo "  - copy: {src: $work/files/file-$number, dest: /mnt/ansible-$number, mode: '0644'}" >> "$work/play.yml"
  done
  { echo "[all]"; for number in $(seq "$machines"); do echo "127.0.2.$number"; done
    echo "[all:vars]"; echo "ansible_user=root"; echo "ansible_ssh_private_key_file=$key"; echo "ansible_python_interpreter=/usr/bin/python3"
  } > "$work/hosts"
}

"$here/sshd.sh" up "$machines"
playbook
export ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_FORKS=$machines ANSIBLE_LOCAL_TEMP=$work/tmp
echo "$("$ansible/ansible-playbook" --version | head -n 1), forks $machines"
counted "ansible, first run" "$ansible/ansible-playbook" -i "$work/hosts" "$work/play.yml"
counted "ansible, nothing to do" "$ansible/ansible-playbook" -i "$work/hosts" "$work/play.yml"
export ANSIBLE_PIPELINING=True
counted "ansible with pipelining, nothing to do" "$ansible/ansible-playbook" -i "$work/hosts" "$work/play.yml"
echo "ORBITER; every line counts the program's own processor time:"
"$here/sshd.sh" run "${CARGO:-cargo}" bench --quiet --manifest-path "$here/../../Cargo.toml" -p orbos-infra --bench round -- "$key" "$machines" 20
