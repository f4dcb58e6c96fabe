#!/usr/bin/env bash
# api.sh - a Kubernetes API without machines: etcd, kube-apiserver, controller-manager and scheduler as plain processes on
# loopback. Enough for everything that only reads and writes objects; pods are scheduled to no node.
#
#   api.sh up FOLDER [PORT]   starts it with its state in the folder; returns when it is ready; prints the kubeconfig's path
#   api.sh down FOLDER        stops it; the state is kept
#   api.sh status FOLDER      its processes and their memory
#
# PORT is the API server's (default 6443); etcd takes the next two. LAB_VERSION: which of LAB_VERSIONS (default the first).
# LAB_FSYNC=1: etcd writes to the disk before it answers, as on real machines; otherwise it does not wait, which is faster.
# LAB_AUDIT=1: every request is a line of FOLDER/audit.log once it was answered.
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
[ $# -ge 2 ] || { sed -n 2,11p "$0" >&2; exit 2; }
command=$1 folder=$(realpath -m "$2") port=${3:-6443}
bin=$LAB_BIN/${LAB_VERSION:-${LAB_VERSIONS%% *}}
pki=$folder/pki
processes=(scheduler controller-manager apiserver etcd)   # in the order of stopping

running() { local pid; pid=$(cat "$folder/$1.pid" 2> /dev/null) && [ "$(cat "/proc/$pid/comm" 2> /dev/null)" = "$2" ] && echo "$pid"; }
program() { if [ "$1" = etcd ]; then echo etcd; else echo "kube-$1" | cut -c1-15; fi; }   # as /proc/PID/comm has it

spawn() { local name=$1; shift; setsid "$@" > "$folder/$name.log" 2>&1 < /dev/null & echo $! > "$folder/$name.pid"; }

# Certificates and kubeconfigs as kubeadm makes them. It refuses a loopback address; the documentation address that it is
# given instead only gets into the certificates, and into kubeconfigs where it is replaced.
credentials() {
  local phase
  [ -e "$folder/scheduler.conf" ] && return
  cat > "$folder/kubeadm.yaml" <<Y
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.1, bindPort: $port}
nodeRegistration: {name: api}
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: $(basename "$bin")
controlPlaneEndpoint: 127.0.0.1:$port
certificatesDir: $pki
apiServer: {certSANs: [127.0.0.1, localhost]}
Y
  for phase in "certs all" "kubeconfig admin" "kubeconfig controller-manager" "kubeconfig scheduler"; do
    case $phase in kubeconfig*) phase+=" --kubeconfig-dir $folder" ;; esac
    "$bin/kubeadm" init phase $phase --config "$folder/kubeadm.yaml" >> "$folder/kubeadm.log" 2>&1
  done
  sed -i "s#https://192.0.2.1:#https://127.0.0.1:#" "$folder"/*.conf
}

etcd() {
  local client="https://127.0.0.1:$((port + 1))" peer="http://127.0.0.1:$((port + 2))"
  local sync=(--unsafe-no-fsync); [ -z "${LAB_FSYNC:-}" ] || sync=()
  spawn etcd "$LAB_ROOT/usr/bin/etcd" --name api --data-dir "$folder/etcd" "${sync[@]}" \
    --listen-client-urls "$client" --advertise-client-urls "$client" --listen-peer-urls "$peer" \
    --initial-advertise-peer-urls "$peer" --initial-cluster "api=$peer" --cert-file "$pki/etcd/server.crt" \
    --key-file "$pki/etcd/server.key" --trusted-ca-file "$pki/etcd/ca.crt" --client-cert-auth
}

# audit: the API server's arguments for a log of requests, if it shall have one.
audit() {
  [ -n "${LAB_AUDIT:-}" ] || return 0
  printf '%s\n' 'apiVersion: audit.k8s.io/v1' 'kind: Policy' 'omitStages: [RequestReceived]' 'rules: [{level: Metadata}]' \
    > "$folder/audit.yaml"
  echo "--audit-policy-file=$folder/audit.yaml --audit-log-path=$folder/audit.log --audit-log-format=json"
}

apiserver() {
  local audit; read -ra audit <<< "$(audit)"
  spawn apiserver "$bin/kube-apiserver" --advertise-address=127.0.0.1 --bind-address=127.0.0.1 --secure-port="$port" \
    --insecure-port=0 --etcd-servers="https://127.0.0.1:$((port + 1))" --etcd-cafile="$pki/etcd/ca.crt" \
    --etcd-certfile="$pki/apiserver-etcd-client.crt" --etcd-keyfile="$pki/apiserver-etcd-client.key" \
    --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --enable-bootstrap-token-auth=true \
    --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-cluster-ip-range=10.96.0.0/12 \
    --allow-privileged=true --kubelet-client-certificate="$pki/apiserver-kubelet-client.crt" \
    --kubelet-client-key="$pki/apiserver-kubelet-client.key" --proxy-client-cert-file="$pki/front-proxy-client.crt" \
    --proxy-client-key-file="$pki/front-proxy-client.key" --requestheader-client-ca-file="$pki/front-proxy-ca.crt" \
    --requestheader-allowed-names=front-proxy-client --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --requestheader-group-headers=X-Remote-Group --requestheader-username-headers=X-Remote-User "${audit[@]}"
}

# Their own HTTP ports are off (0), so that several APIs can run at once.
controllers() {
  local name client
  for name in controller-manager scheduler; do
    client=(--kubeconfig="$folder/$name.conf" --authentication-kubeconfig="$folder/$name.conf"
      --authorization-kubeconfig="$folder/$name.conf" --bind-address=127.0.0.1 --port=0 --secure-port=0 --leader-elect=false)
    if [ $name = scheduler ]; then spawn scheduler "$bin/kube-scheduler" "${client[@]}"; continue; fi
    spawn controller-manager "$bin/kube-controller-manager" "${client[@]}" --client-ca-file="$pki/ca.crt" \
      --root-ca-file="$pki/ca.crt" --requestheader-client-ca-file="$pki/front-proxy-ca.crt" \
      --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
      --service-account-private-key-file="$pki/sa.key" --use-service-account-credentials=true \
      --controllers='*,bootstrapsigner,tokencleaner' --allocate-node-cidrs=true --cluster-cidr=10.244.0.0/16
  done
}

ready() {
  local try
  for try in $(seq 600); do
    kill -0 "$(cat "$folder/apiserver.pid")" 2> /dev/null || break
    "$bin/kubectl" --kubeconfig "$folder/admin.conf" get --raw /readyz > /dev/null 2>&1 && return
    sleep 0.1
  done
  tail -n 20 "$folder/apiserver.log" >&2; die "the API server is not ready"
}

up() {
  mkdir -p "$folder/etcd" "$pki"; chmod 700 "$folder/etcd"
  credentials
  etcd; apiserver; ready; controllers
}

down() {
  local name pid try
  for name in "${processes[@]}"; do
    if pid=$(running "$name" "$(program "$name")"); then
      kill "$pid"
      for try in $(seq 200); do kill -0 "$pid" 2> /dev/null || break; sleep 0.05; done
      kill -9 "$pid" 2> /dev/null || true
    fi
    rm -f "$folder/$name.pid"
  done
}

status() {
  local name pid
  for name in "${processes[@]}"; do
    pid=$(running "$name" "$(program "$name")") || { echo "$name: not running"; continue; }
    echo "$name: process $pid, $(awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status") MiB"
  done
}

case $command in
  up) step "API on port $port" up; echo "$folder/admin.conf" ;;
  down) down ;; status) status ;; *) sed -n 2,11p "$0" >&2; exit 2 ;;
esac
