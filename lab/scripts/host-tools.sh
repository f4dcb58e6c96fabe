#!/usr/bin/env bash
# host-tools.sh - checks that this computer can be a lab, and installs the tools that the scripts call.
# The compiler, mmdebstrap, etcd and busybox are not among them: those are only unpacked into the cache.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

[ "$(id -u)" = 0 ] || die "the lab makes namespaces and mounts file systems: run it as root"
. /etc/os-release
[ "$ID-$VERSION_ID" = debian-12 ] || die "this is $ID-$VERSION_ID; the lab is built from and for Debian 12"
[ -d /sys/fs/cgroup/memory ] && [ -d /sys/fs/cgroup/systemd ] ||
  die "Kubernetes 1.20 in a machine needs the cgroup v1 hierarchies (boot with systemd.unified_cgroup_hierarchy=0)"

# command -> package
tools=(
  ip:iproute2 bridge:iproute2 unshare:util-linux nsenter:util-linux flock:util-linux mkfs.ext4:e2fsprogs ssh:openssh-client
  ssh-keygen:openssh-client gcc:gcc patch:patch python3:python3 perl:perl xz:xz-utils curl:curl awk:mawk gpgv:gpgv
)
missing=()
for tool in "${tools[@]}"; do command -v "${tool%%:*}" > /dev/null || missing+=("${tool#*:}"); done
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"
fi
