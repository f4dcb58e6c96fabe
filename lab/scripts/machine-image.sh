#!/usr/bin/env bash
# machine-image.sh - what a machine's disk looks like when it is new: a bare Debian 12 server with systemd and sshd,
# a user `orbiter` who may use sudo, and the lab's key. Every machine is an overlay over it.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
debian=$LAB_SCRIPTS/debian.sh
packages=(
  systemd systemd-sysv dbus openssh-server sudo iproute2 iputils-ping procps kmod ca-certificates curl netcat-openbsd
  iptables conntrack python3-minimal less
)
# What makes no sense in a container, or would wait for hardware that is not there.
masked=(
  systemd-{udevd,networkd,resolved,timesyncd,logind,remount-fs,modules-load,sysctl}.service getty.target
  console-getty.service dev-hugepages.mount sys-kernel-{debug,tracing}.mount sys-fs-fuse-connections.mount
  apt-daily{,-upgrade}.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer
)

# Tools of the host side: unpacked into the cache, not installed.
make_host_debs() {
  local package tools=(mmdebstrap busybox etcd-server etcd-client)
  mkdir -p "$LAB_DEBS" "$LAB_ROOT"
  "$debian" apt-get update
  (cd "$LAB_DEBS" && "$debian" apt-get download "${tools[@]}")
  for package in "${tools[@]}"; do dpkg -x "$LAB_DEBS/${package}"_*.deb "$LAB_ROOT"; done
}

bootstrap() {
  local image=$1 uri keyring excluded
  read -r uri keyring < <("$debian" source)
  excluded=(--dpkgopt=path-exclude=/usr/share/{man,doc,locale}/\*)
  PATH=$LAB_ROOT/usr/bin:$PATH perl "$LAB_ROOT/usr/bin/mmdebstrap" --quiet --mode=root --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
    "${excluded[@]}" bookworm "$image" "deb [signed-by=$keyring] $uri bookworm main"
}

configure() {
  local image=$1 unit
  rm -f "$image"/etc/apt/sources.list "$image"/etc/apt/sources.list.d/*   # machines reach nothing but each other
  for unit in "${masked[@]}"; do ln -sf /dev/null "$image/etc/systemd/system/$unit"; done
  echo force-unsafe-io > "$image/etc/dpkg/dpkg.cfg.d/unsafe-io"           # no fsync per file: installs are five times faster
  : > "$image/etc/machine-id"
  rm -f "$image"/etc/ssh/ssh_host_*
}

people() {
  local image=$1 home
  [ -e "$LAB_KEY" ] || ssh-keygen -q -t ed25519 -N '' -C orbos-lab -f "$LAB_KEY"
  chroot "$image" useradd --create-home --shell /bin/bash orbiter
  echo 'orbiter ALL=(ALL) NOPASSWD: ALL' > "$image/etc/sudoers.d/orbiter"; chmod 440 "$image/etc/sudoers.d/orbiter"
  for home in home/orbiter root; do
    install -d -m 700 "$image/$home/.ssh"
    install -m 600 "$LAB_KEY.pub" "$image/$home/.ssh/authorized_keys"
  done
  chroot "$image" chown -R orbiter: /home/orbiter/.ssh
}

make_image() {
  # Running machines have the image below their disks; it must not be exchanged under their feet.
  if [ -e "$LAB_IMAGE" ] && compgen -G "$LAB_RUN/*/" > /dev/null; then die "a lab is running; take it down before the machine image is made anew"; fi
  local new=$LAB_IMAGE.new
  rm -rf "$new"
  bootstrap "$new"; configure "$new"; people "$new"
  rm -rf "$LAB_IMAGE"; mv "$new" "$LAB_IMAGE"
}
artefact host-debs "$(inputs "$(declare -f make_host_debs)")" make_host_debs
artefact machine-image "$(inputs "${BASH_SOURCE[0]}")" make_image
