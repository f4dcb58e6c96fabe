# From a disk to a running systemd; part of machine.sh.

# Each machine has a sub-tree of every cgroup v1 hierarchy. What else runs in the hierarchies is not touched.
make_cgroups() {
  local hierarchy folder
  for hierarchy in "${hierarchies[@]}"; do
    if [ -d "/sys/fs/cgroup/$hierarchy" ]; then mkdir -p "/sys/fs/cgroup/$hierarchy/$cgroup/$1"; fi
  done
  # A new cpuset is empty, and nothing can run in it.
  for folder in "$cgroup" "$cgroup/$1"; do
    cat /sys/fs/cgroup/cpuset/cpuset.cpus > "/sys/fs/cgroup/cpuset/$folder/cpuset.cpus"
    cat /sys/fs/cgroup/cpuset/cpuset.mems > "/sys/fs/cgroup/cpuset/$folder/cpuset.mems"
  done
}

# The kernel releases a cgroup a moment after its last process.
remove_cgroups() {
  local hierarchy folder try
  for hierarchy in "${hierarchies[@]}"; do
    folder=/sys/fs/cgroup/$hierarchy/$cgroup/$1
    for try in $(seq 50); do
      [ -d "$folder" ] || break
      find "$folder" -depth -type d -exec rmdir {} + 2> /dev/null || sleep 0.1
    done
  done
}

# Joins the machine's cgroups and network first, so that the namespaces which `unshare` makes begin there.
boot_in_namespaces() {
  local name=$1 machine=$disks/$1 enter
  enter='for folder in /sys/fs/cgroup/*/"$1"; do echo $$ > "$folder/cgroup.procs"; done
    exec nsenter --net="/run/netns/$2" unshare --mount --uts --ipc --pid --cgroup --fork --kill-child --propagation private \
      bash "$3" __inside "$4"'
  LAB_NAME=$LAB_NAME setsid bash -c "$enter" boot "$cgroup/$name" "$namespace-$name" "$LAB_SCRIPTS/machine.sh" "$name" \
    > "$machine/console.log" 2>&1 < /dev/null &
  echo $! > "$machine/pid"
}

# Everything below runs as process 1 of the machine and ends by becoming systemd.
inside() {
  local name=$1 machine=$disks/$1 root=$disks/$1/root
  mount_disk "$machine" "$root"
  mount_kernel "$machine" "$root"
  make_devices "$root/dev"
  mount_cgroups "$root/sys/fs/cgroup"
  hostname "$name"
  mkdir -p "$root/.old"; cd "$root"; pivot_root . .old; umount -l /.old; rmdir /.old
  mount --make-rshared /
  exec env -i container=orbos-lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --log-target=journal --show-status=0
}

mount_disk() {
  local machine=$1 root=$2 folder
  mount -o loop,nobarrier,noatime "$machine/disk.img" "$machine/disk"
  mount -t overlay overlay -o "lowerdir=$LAB_IMAGE,upperdir=$machine/disk/upper,workdir=$machine/disk/work" "$root"
  if [ ! -e "$root/usr/lib/modules/$(uname -r)/modules.builtin.bin" ]; then chroot "$root" depmod "$(uname -r)" || true; fi
  for folder in containerd kubelet etcd; do   # containerd's own overlays cannot lie on an overlay
    mkdir -p "$root/var/lib/$folder"; mount --bind "$machine/disk/data/$folder" "$root/var/lib/$folder"
  done
  mount --make-rshared "$root/var/lib/kubelet"
}

mount_kernel() {
  local machine=$1 root=$2 file setting
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"; mkdir -p "$root/run/lock"
  for file in "$machine"/sysctl/*; do
    setting=$root/proc/sys/$(basename "$file" | tr . /)
    if [ -e "$setting" ]; then mount --bind "$file" "$setting"; fi
  done
}

make_devices() {
  local dev=$1 name numbers
  mount -t tmpfs -o mode=755,size=1m tmpfs "$dev"
  mkdir "$dev"/{pts,shm,mqueue}
  while read -r name numbers; do mknod -m 666 "$dev/$name" c $numbers; done <<< $'null 1 3\nzero 1 5\nfull 1 7\nrandom 1 8\nurandom 1 9\ntty 5 0\nkmsg 1 11\nfuse 10 229'
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
  mount -t tmpfs tmpfs "$dev/shm"
  mount -t mqueue mqueue "$dev/mqueue"
  ln -s pts/ptmx "$dev/ptmx"
  ln -s /proc/self/fd "$dev/fd"; ln -s fd/0 "$dev/stdin"; ln -s fd/1 "$dev/stdout"; ln -s fd/2 "$dev/stderr"
  : > "$dev/console"
}

mount_cgroups() {
  local folder=$1 hierarchy
  mount -t tmpfs -o mode=755 tmpfs "$folder"
  for hierarchy in "${hierarchies[@]}"; do
    [ -d "/sys/fs/cgroup/$hierarchy" ] || continue
    mkdir "$folder/$hierarchy"
    case $hierarchy in
      systemd) mount -t cgroup -o none,name=systemd cgroup "$folder/$hierarchy" ;;
      # Without a cgroup2 of its own, the machine's systemd would make its slices in the host's.
      unified) mount -t cgroup2 cgroup2 "$folder/$hierarchy" ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "$folder/$hierarchy" ;;
    esac
  done
}
