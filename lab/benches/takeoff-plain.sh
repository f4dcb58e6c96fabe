#!/usr/bin/env bash
# takeoff-plain.sh - a cluster by ssh alone, as one would write it down once; called by takeoff.sh, which explains it.
#
#   takeoff-plain.sh PLANES WORKERS NET WORK KEY BUNDLE
#
# Machine N is NET.(10+N), the first PLANES of them are the control plane; WORK/mN.tar are its files of configuration.
set -euo pipefail
planes=$1 workers=$2 net=$3 work=$4 key=$5 bundle=$6 all=$(($1 + $2))
version=v1.20.2 vip=$net.200
control=$(mktemp -d)
pids=()
trap 'for number in $(seq $all); do ssh -O exit -o ControlPath="$control/%h" "$net.$((10 + number))" 2> /dev/null || true; done; rm -rf "$control"' EXIT
began=$EPOCHREALTIME
say() { awk -v text="$*" "BEGIN { printf \"%6.1f s  %s\n\", $EPOCHREALTIME - $began, text }"; }
on() {   # NUMBER COMMAND, as root, over one connection per machine
  local number=$1; shift
  ssh -i "$key" -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ControlMaster=auto -o ControlPersist=60 -o ControlPath="$control/%h" "orbiter@$net.$((10 + number))" "sudo sh -euc '${*//\'/\'\\\'\'}'"
}
wait_all() { local pid; for pid in "${pids[@]}"; do wait "$pid"; done; pids=(); }

# Uploads, verifies and installs everything one machine needs before it can join.
prepare() {
  local number=$1 image packages="chrony containerd containernetworking ebtables ethtool libjansson4 libnftables1 nftables runc socat" images
  images="busybox-1.35 coredns-1.7.0 kube-proxy-$version pause-3.2"
  if [ "$number" -le "$planes" ]; then
    packages+=" haproxy keepalived libglib2.0-0 liblua5.3-0 libnl-3 libnl-genl libopentracing libpci3 libsensors libsnmp pci.ids"
    images+=" etcd-3.4.13-0 kube-apiserver-$version kube-controller-manager-$version kube-scheduler-$version"
  fi
  local files=() name
  for name in $packages; do files+=("$bundle/packages/debian-12/$name"*.deb); done
  files=("${files[@]#"$bundle/"}")
  (cd "$bundle"; sha256sum "${files[@]}" > "$control/sums.$number"; tar -c "${files[@]}" -C "$control" "sums.$number") |
    on "$number" "mkdir -p /var/tmp/up; cd /var/tmp/up; tar -x; sha256sum -c --quiet sums.$number
      export DEBIAN_FRONTEND=noninteractive; dpkg --force-confold -i packages/debian-12/*.deb > dpkg.log 2>&1 || { cat dpkg.log; exit 1; }
      rm -rf packages"
  say "m$number has its packages"
  on "$number" 'tar -xP; swapoff -a; modprobe -a br_netfilter overlay; sysctl -q -p /etc/sysctl.d/90-orbos.conf
    mkdir -p /opt/cni/bin; cp -u /usr/lib/cni/* /opt/cni/bin/
    mv /etc/cni/net.d/10-orbos.conflist /var/tmp/up/
    rm -f /etc/orbos/routes
    systemctl daemon-reload; systemctl -q enable kubelet orbos-firewall.service; systemctl restart containerd
    nft -f /etc/orbos/firewall.nft
    if [ -e /etc/haproxy/haproxy.cfg ]; then systemctl -q enable haproxy keepalived; systemctl restart haproxy keepalived; fi' < "$work/m$number.tar"
  (cd "$bundle"; sha256sum binaries/v1.20.0/crictl binaries/$version/kube* > "$control/sums.$number"
    tar -c --transform 's#^binaries/[^/]*/##' binaries/v1.20.0/crictl binaries/$version/kube*; ) |
    on "$number" 'cd /usr/local/bin; tar -x --no-same-owner; chmod 755 crictl kube*; sync -d crictl kube*'
  sed 's#  binaries/[^/]*/#  #' "$control/sums.$number" | on "$number" 'cd /usr/local/bin; sha256sum -c --quiet -'
  say "m$number has its binaries"
  for image in $images; do
    on "$number" "cat > /var/tmp/up/image.tar; echo '$(sha256sum < "$bundle/images/$image.tar" | cut -d' ' -f1)  /var/tmp/up/image.tar' | sha256sum -c --quiet -
      ctr -n k8s.io images import /var/tmp/up/image.tar > /dev/null; rm /var/tmp/up/image.tar" < "$bundle/images/$image.tar"
  done
  say "m$number has its images"
}

registration() {   # NUMBER POOL TIER
  cat <<YML
nodeRegistration:
  name: m$1
  criSocket: unix:///run/containerd/containerd.sock
  kubeletExtraArgs: {node-ip: $net.$((10 + $1)), node-labels: "orbos.ch/pool=$2,orbos.ch/tier=$3"}
YML
  if [ "$3" = controlplane ]; then echo '  taints: [{key: node-role.kubernetes.io/master, effect: NoSchedule}]'; else echo '  taints: []'; fi
}

found() {
  { cat <<YML
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
bootstrapTokens: [{token: $token, ttl: 10m0s}]
certificateKey: $certificates
localAPIEndpoint: {advertiseAddress: $net.11, bindPort: 6443}
$(registration 1 masters controlplane)
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
clusterName: k8s
kubernetesVersion: $version
controlPlaneEndpoint: $vip:443
networking: {dnsDomain: cluster.local, podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/12}
apiServer: {certSANs: [$vip], timeoutForControlPlane: 4m0s}
dns: {type: CoreDNS}
etcd: {local: {dataDir: /var/lib/etcd, extraArgs: {listen-metrics-urls: "http://0.0.0.0:2381"}}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, tcpEstablishedTimeout: 0s}
YML
  } | on 1 'mkdir -p /run/orbos; cat > /run/orbos/kubeadm.yaml
    kubeadm init --config /run/orbos/kubeadm.yaml --upload-certs --ignore-preflight-errors=Port-6443 > /var/log/kubeadm.log 2>&1 || { tail -n 20 /var/log/kubeadm.log; journalctl -q --no-pager -u kubelet -u keepalived -u haproxy -n 40; ip addr show eth0; ss -ltn; ctr -n k8s.io containers ls; exit 1; }'
  say "m1 is founded"
}

join() {   # NUMBER POOL TIER
  { cat <<YML
apiVersion: kubeadm.k8s.io/v1beta2
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: "$net.11:6443", token: $token, unsafeSkipCAVerification: true}
  timeout: 5m0s
$(registration "$@")
YML
    if [ "$3" = controlplane ]; then
      echo "controlPlane: {localAPIEndpoint: {advertiseAddress: $net.$((10 + $1)), bindPort: 6443}, certificateKey: $certificates}"
    fi
  } | on "$1" 'mkdir -p /run/orbos; cat > /run/orbos/kubeadm.yaml
    kubeadm join --config /run/orbos/kubeadm.yaml --ignore-preflight-errors=Port-6443 > /var/log/kubeadm.log 2>&1 || { tail -n 20 /var/log/kubeadm.log; journalctl -q --no-pager -u kubelet -u keepalived -u haproxy -n 40; ip addr show eth0; ss -ltn; ctr -n k8s.io containers ls; exit 1; }'
  say "m$1 joined"
}

kubectl() { on 1 "kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://$net.11:6443 $*"; }

# Its own range for a machine's pods, and the ways to the others'.
network() {
  local ranges=$1 number=$2 own routes
  own=$(awk -v name="m$number" '$1 == name { print $2 }' <<< "$ranges")
  routes=$(awk -v name="m$number" '$1 != name { print $2, $3 }' <<< "$ranges")
  on "$number" "sed 's#\"subnet\": \"[^\"]*\"#\"subnet\": \"$own\"#' /var/tmp/up/10-orbos.conflist > /etc/cni/net.d/10-orbos.conflist
    echo '$routes' | sort > /etc/orbos/routes
    while read -r to via; do [ -z \"\$to\" ] || ip route replace \$to via \$via proto 77; done < /etc/orbos/routes
    systemctl -q enable orbos-routes.service"
}

token=$(tr -dc a-z0-9 < /dev/urandom | head -c 6).$(tr -dc a-z0-9 < /dev/urandom | head -c 16) || true
certificates=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
for number in $(seq "$all"); do prepare "$number" & pids+=($!); done
wait_all
found
for number in $(seq $((planes + 1)) "$all"); do join "$number" workers workers & pids+=($!); done
for number in $(seq 2 "$planes"); do join "$number" masters controlplane; done
wait_all
until ranges=$(kubectl get nodes -o "jsonpath='{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[0].address}{\"\\n\"}{end}'") &&
  [ "$(grep -c ' 10.244.' <<< "$ranges")" = "$all" ]; do :; done
for number in $(seq "$all"); do network "$ranges" "$number" & pids+=($!); done
wait_all
kubectl wait node --all --for=condition=Ready --timeout=120s
say "all nodes are Ready"
