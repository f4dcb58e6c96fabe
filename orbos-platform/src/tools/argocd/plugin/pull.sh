#!/bin/sh
# Brings every store up to date; what it says is no manifest.
set -eu
for store in "$HOME"/stores/*/; do
  [ ! -d "$store" ] || git -C "$store" pull --quiet --ff-only >&2
done
