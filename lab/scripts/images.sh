#!/usr/bin/env bash
# images.sh - the container images of a kubeadm cluster, from the compiled binaries and Debian's packages, under the
# names that kubeadm asks for when nobody tells it otherwise. Writes images/NAME-TAG.tar into the folder given and prints
# a line "REFERENCE TAG FILE" for each.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
out=$1; mkdir -p "$out"
work=$(mktemp -d "$LAB_CACHE/images.XXXXXX"); trap 'rm -rf "$work"' EXIT
libraries=/usr/lib/x86_64-linux-gnu

# pack REFERENCE TAG [OPTION...]: the work folder becomes an image, and is empty again.
pack() {
  local reference=$1 tag=$2 file; shift 2
  file=$(basename "$reference")-$tag.tar
  python3 "$LAB_SCRIPTS/mkimage.py" "$out/$file" "$reference:$tag" "$work" "$@"
  echo "$reference $tag $file"
  find "$work" -mindepth 1 -delete
}

# The layout of a Debian root, in which /bin and /lib are links.
skeleton() {
  local folder
  for folder in bin sbin lib lib64; do mkdir -p "$work/usr/$folder"; [ -e "$work/$folder" ] || ln -s "usr/$folder" "$work/$folder"; done
  mkdir -p "$work"/{etc,tmp,root}
}

# needed FILE...: the libraries (in the machine image) that dynamically linked files need.
copy_libraries() {
  local file library
  for file in "$@"; do
    for library in $(chroot "$LAB_IMAGE" ldd "$file" | grep -oE '/[^ ]+' | sort -u); do
      mkdir -p "$work$(dirname "$library")"; cp -L "$LAB_IMAGE$library" "$work$library"
    done
  done
}

# copy FILE...: from the machine image, with libraries; Debian's alternatives become plain links.
copy() {
  local file target
  skeleton
  for file in "$@"; do
    target=$(chroot "$LAB_IMAGE" readlink -f "$file")
    (cd "$LAB_IMAGE" && cp -a --parents ".$target" "$work/")
    if [ ! -e "$work$file" ]; then mkdir -p "$work$(dirname "$file")"; ln -s "$target" "$work$file"; fi
    copy_libraries "$file"
  done
}

# copy_foreign FILE TARGET: a dynamically linked file that is not in the machine image but needs only its libraries.
copy_foreign() {
  skeleton
  install -D "$1" "$work$2"
  install -D "$1" "$LAB_IMAGE/tmp/foreign"; copy_libraries /tmp/foreign; rm "$LAB_IMAGE/tmp/foreign"
}

static() { mkdir -p "$work"/{etc,tmp}; install -D "$1" "$work/usr/local/bin/$2"; }

for version in $LAB_VERSIONS; do
  for name in kube-apiserver kube-controller-manager kube-scheduler; do
    static "$LAB_BIN/$version/$name" "$name"; pack "k8s.gcr.io/$name" "$version"
  done
  static "$LAB_BIN/$version/kube-proxy" kube-proxy
  copy /usr/sbin/ip{,6}tables{,-save,-restore} /usr/sbin/conntrack
  # Every match and target of iptables is a plug-in with libraries of its own.
  mapfile -t plugins < <(cd "$LAB_IMAGE" && find ".$libraries/xtables" -name '*.so' | sed 's#^\.##' | sort)
  copy "${plugins[@]}"
  pack k8s.gcr.io/kube-proxy "$version"
done

install "$LAB_BIN/pause" "$work/pause"; pack k8s.gcr.io/pause 3.2 --entrypoint '["/pause"]'
copy_foreign "$LAB_ROOT/usr/bin/etcd" /usr/bin/etcd; install "$LAB_ROOT/usr/bin/etcdctl" "$work/usr/bin/"; pack k8s.gcr.io/etcd 3.4.13-0
static "$LAB_BIN/minidns" coredns; pack k8s.gcr.io/coredns 1.7.0 --entrypoint '["/usr/local/bin/coredns"]'

# The dynamically linked busybox, so that names are looked up by a complete libc.
copy_foreign "$LAB_ROOT/bin/busybox" /usr/bin/busybox
for name in $("$LAB_ROOT/bin/busybox" --list); do [ "$name" = busybox ] || ln -s busybox "$work/usr/bin/$name"; done
echo 'root:x:0:0:root:/root:/bin/sh' > "$work/etc/passwd"
mkdir -p "$work/var/www"; echo hello > "$work/var/www/index.html"
pack docker.io/library/busybox 1.35 --cmd '["sh"]'
