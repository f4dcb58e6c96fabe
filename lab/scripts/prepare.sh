#!/usr/bin/env bash
# prepare.sh - makes everything a lab needs, from nothing or from what is there. Two callers do not build at once: the
# second waits, and finds everything made.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
mkdir -p "$LAB_CACHE"
exec 9> "$LAB_CACHE/.lock"; flock 9
"$LAB_SCRIPTS/host-tools.sh"
"$LAB_SCRIPTS/machine-image.sh"
"$LAB_SCRIPTS/kubernetes-source.sh"
"$LAB_SCRIPTS/kubernetes-build.sh"
"$LAB_SCRIPTS/bundle.sh"
