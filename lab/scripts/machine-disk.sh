# A machine's disk as it is before the first boot; part of machine.sh.

create_disk() {
  local name=$1 ip=$2 machine=$disks/$1 seed=$disks/$1/seed
  rm -rf "$machine"
  mkdir -p "$machine"/{root,disk} "$seed"/{work,upper/etc/ssh,upper/usr/local/sbin} "$seed"/data/{containerd,kubelet,etcd}
  chmod 700 "$seed/data/etcd"
  identity "$name" "$ip" "$seed/upper"
  kernel_modules "$seed/upper"
  runc_wrapper > "$seed/upper/usr/local/sbin/runc"; chmod 755 "$seed/upper/usr/local/sbin/runc"
  kernel_settings "$machine/sysctl"
  cp "$seed/upper/etc/ssh/ssh_host_ed25519_key.pub" "$machine/host_key.pub"
  # A disk of its own, since kubelet stops scheduling when the disk it sees is nearly full, whoever filled it.
  truncate -s "${LAB_DISK_SIZE:-20G}" "$machine/disk.img"
  mkfs.ext4 -q -F -m 0 -E lazy_itable_init=1,lazy_journal_init=1 -d "$seed" "$machine/disk.img"
  rm -rf "$seed"
  echo "$ip" > "$machine/ip"
}

identity() {
  local name=$1 ip=$2 upper=$3
  echo "$name" > "$upper/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$ip" "$name" > "$upper/etc/hosts"
  : > "$upper/etc/resolv.conf"
  tr -d - < /proc/sys/kernel/random/uuid > "$upper/etc/machine-id"
  ssh-keygen -q -t ed25519 -N '' -C "root@$name" -f "$upper/etc/ssh/ssh_host_ed25519_key"
}

# The lab's kernel has everything built in. It has to say so, for `modprobe br_netfilter` to succeed as on a server.
# /proc/modules does not exist on such a kernel; `lsmod` is for people who look for a name.
kernel_modules() {
  local upper=$1 modules=$1/usr/lib/modules/$(uname -r) name
  mkdir -p "$modules"
  : > "$modules/modules.order"
  for name in fs/overlayfs/overlay net/bridge/{bridge,br_netfilter} net/netfilter/{nf_conntrack,nf_tables} \
    net/netfilter/ipvs/ip_vs{,_rr,_wrr,_sh} net/ipv4/netfilter/ip_tables drivers/net/vxlan/vxlan; do
    echo "kernel/$name.ko"
  done > "$modules/modules.builtin"
  cat > "$upper/usr/local/sbin/lsmod" <<'LSMOD'
#!/bin/sh
echo "Module                  Size  Used by"
sed 's#.*/##; s#.ko$##; s#$# 16384 0#' "/lib/modules/$(uname -r)/modules.builtin"
LSMOD
  chmod 755 "$upper/usr/local/sbin/lsmod"
}

# Without CAP_SYS_RESOURCE, which a container host may lack, a negative oom_score_adj is refused and runc gives up.
# The wrapper stands before runc in PATH and lifts negative values to 0, so that any containerd configuration works.
runc_wrapper() {
  cat <<'RUNC'
#!/bin/sh
bundle=.; before=
for argument in "$@"; do [ "$before" = --bundle ] && bundle=$argument; before=$argument; done
case " $* " in *" create "* | *" run "*) sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$bundle/config.json" ;; esac
exec /usr/sbin/runc "$@"
RUNC
}

# kubelet insists on six settings that are the whole kernel's. Each machine gets files of its own in their place, which
# already have the values that kubelet wants.
kernel_settings() {
  local folder=$1; mkdir -p "$folder"
  echo 1 > "$folder/vm.overcommit_memory"
  echo 0 > "$folder/vm.panic_on_oom"
  echo 10 > "$folder/kernel.panic"
  echo 1 > "$folder/kernel.panic_on_oops"
  echo 1000000 > "$folder/kernel.keys.root_maxkeys"
  echo 25000000 > "$folder/kernel.keys.root_maxbytes"
}
