#!/usr/bin/env bash
# bundle.sh - everything that ORBOS would otherwise download, as a folder with an index.yml (orbiter.caos.ch/Bundle).
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
new=$LAB_BUNDLE.new
# What ORBOS installs on a machine; the folder gets them with all they depend on.
packages=(
  containerd runc containernetworking-plugins conntrack socat ebtables ethtool iptables nftables haproxy keepalived chrony
  etcd-client
)

# entry KIND NAME VERSION OS PATH: one line for each artefact, sorted later. An empty OS is "-".
entry() { printf '%s\t%s\t%s\t%s\t%s\n' "$@"; }

binaries() {
  local version name
  for version in $LAB_VERSIONS; do
    for name in kubeadm kubelet kubectl; do
      install -D "$LAB_BIN/$version/$name" "$new/binaries/$version/$name"
      entry binary "$name" "$version" - "binaries/$version/$name"
    done
  done
  install -D "$LAB_BIN/crictl" "$new/binaries/v1.20.0/crictl"
  entry binary crictl v1.20.0 - binaries/v1.20.0/crictl
}

images() {
  local reference tag file
  "$LAB_SCRIPTS/images.sh" "$new/images" | while read -r reference tag file; do entry image "$reference" "$tag" - "images/$file"; done
}

# Resolved by apt for a machine as the machine image is.
debian_packages() {
  local cache=$LAB_CACHE/apt/bookworm/cache/archives status=$LAB_CACHE/apt/bookworm/state/machine/status deb folder=packages/debian-12
  mkdir -p "$new/$folder" "$(dirname "$status")"
  cp "$LAB_IMAGE/var/lib/dpkg/status" "$status"
  "$LAB_SCRIPTS/debian.sh" apt-get clean
  LAB_DPKG_STATUS=$status "$LAB_SCRIPTS/debian.sh" apt-get -y --no-install-recommends --download-only install "${packages[@]}" >&2
  for deb in "$cache"/*.deb; do
    cp "$deb" "$new/$folder/"
    entry package "$(dpkg-deb -f "$deb" Package)" "$(dpkg-deb -f "$deb" Version)" debian-12 "$folder/$(basename "$deb")"
  done
}

# Quoted, since YAML would read 3.2 and some hashes as numbers.
index() {
  local kind name version os path
  printf 'kind: orbiter.caos.ch/Bundle\nversion: v0\nartifacts:\n'
  while IFS=$'\t' read -r kind name version os path; do
    printf -- '- kind: %s\n  name: %s\n  version: "%s"\n  path: "%s"\n' "$kind" "$name" "$version" "$path"
    printf '  sha256: "%s"\n  size: %s\n' "$(sha256sum < "$new/$path" | cut -d' ' -f1)" "$(stat -c %s "$new/$path")"
    [ "$os" = - ] || printf '  os: %s\n' "$os"
  done
}

make_bundle() {
  rm -rf "$new"; mkdir -p "$new"
  { binaries; images; debian_packages; } | LC_ALL=C sort -t$'\t' -k1,4 > "$LAB_CACHE/bundle.list"
  index < "$LAB_CACHE/bundle.list" > "$new/index.yml"
  rm -rf "$LAB_BUNDLE"; mv "$new" "$LAB_BUNDLE"
}
artefact bundle "$(inputs "$LAB_SCRIPTS"/{bundle,images}.sh "$LAB_SCRIPTS/mkimage.py" "$(stamp kubernetes-build)" "$(stamp machine-image)")" make_bundle
