#!/usr/bin/env bash
# round.sh - rounds of ORBITER over real SSH servers on loopback, in a release build.
#
#   round.sh [MACHINES] [ROUNDS]      default 100 20
#
# Beside ORBITER's own processor time it prints that of the servers and of all that they start, from their cgroup.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
machines=${1:-100} rounds=${2:-20}
cargo bench --quiet --manifest-path "$here/../../Cargo.toml" -p orbos-infra --bench round --no-run
trap '"$here/sshd.sh" down' EXIT
"$here/sshd.sh" up "$machines"
# The servers' network hides the cgroups, but not what is open.
exec 3< "$("$here/sshd.sh" used)"
BENCH_USED=/proc/self/fd/3 "$here/sshd.sh" run "${CARGO:-cargo}" bench --quiet --manifest-path "$here/../../Cargo.toml" -p orbos-infra --bench round -- \
  /tmp/orbos-bench-sshd/key "$machines" "$rounds"
