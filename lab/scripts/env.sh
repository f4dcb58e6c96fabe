# Settings and functions that all scripts of the lab share; to be sourced.
#
# ORBOS_LAB_CACHE is where everything that is built stays (sources, compiler, binaries, machine image, bundle).
# LAB_NAME is the lab that a command is about; several labs can run at once.
set -euo pipefail

LAB_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_CACHE=${ORBOS_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/orbos-lab}
LAB_NAME=${LAB_NAME:-lab}
LAB_VERSIONS=${LAB_VERSIONS:-v1.20.2 v1.20.4 v1.21.0}   # the stamps Kubernetes is linked with

LAB_BIN=$LAB_CACHE/bin              # what was compiled
LAB_ROOT=$LAB_CACHE/root            # unpacked Debian packages that the host itself does not have installed
LAB_DEBS=$LAB_CACHE/debs            # ... and their .deb files
LAB_IMAGE=$LAB_CACHE/machine-image  # what every machine's disk starts as
LAB_BUNDLE=$LAB_CACHE/bundle        # what ORBOS is given instead of the internet
LAB_KEY=$LAB_CACHE/id_ed25519       # opens every machine, as `orbiter` and as root
LAB_RUN=/run/orbos-lab              # one folder per running lab

die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# step NAME COMMAND...: runs a command and writes down how long it took.
step() {
  local name=$1 from=$EPOCHREALTIME; shift
  "$@"
  mkdir -p "$LAB_CACHE"
  awk -v name="$name" -v from="$from" -v to="$EPOCHREALTIME" 'BEGIN { printf "%-32s %7.1f s\n", name, to - from }' |
    tee -a "$LAB_CACHE/timings.log" >&2
}

# inputs WORD|FILE...: a hash of words and of files, not counting lines that are only a comment.
inputs() {
  local input
  for input in "$@"; do
    if [ -f "$input" ]; then grep -vE '^[[:space:]]*(#|//)' "$input"; else echo "$input"; fi
  done | sha256sum | cut -d' ' -f1
}

# artefact NAME KEY COMMAND...: runs the command, unless it already made NAME from the inputs that KEY stands for.
# A stamp is written only after success, so what was interrupted is made again.
artefact() {
  local name=$1 key=$2 stamp=$LAB_CACHE/stamps/$1; shift 2
  if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then return; fi
  mkdir -p "$LAB_CACHE/stamps"; rm -f "$stamp"
  step "$name" "$@"
  echo "$key" > "$stamp"
}

# stamp NAME: the key of something that was made, as an input for what is made from it.
stamp() { cat "$LAB_CACHE/stamps/$1"; }
