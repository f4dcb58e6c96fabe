#!/usr/bin/env bash
# demo.sh - a real Kubernetes cluster of three machines on this computer, taken off from a Git repository.
#
#   demo.sh                      installs and builds what is missing, takes off, and shows a Service at work; again: goes on
#   demo.sh orbctl COMMAND ...   orbctl for this orb, for example `demo.sh orbctl status`
#   demo.sh kubectl COMMAND ...  kubectl for this cluster, for example `demo.sh kubectl get pods -A`
#   demo.sh down                 removes the machines, the repository and the orb
#
# LAB_NAME: another name (default demo), for several at once. Everything is below ~/.cache/orbos-lab; what was built stays.
export LAB_NAME=${LAB_NAME:-demo}
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
SOURCE=$(cd "$LAB_SCRIPTS/../.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$SOURCE/target}/debug
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
KUBERNETES=v1.20.2
orb=$LAB_CACHE/demo/$LAB_NAME

say() { printf '\n== %s\n' "$*"; }
in_lab() { "$LAB_SCRIPTS/lab.sh" run "$@"; }
orbctl() { in_lab "$TARGET/orbctl" --orbconfig "$orb/config" --bundle "$LAB_BUNDLE" "$@"; }
kubectl() { in_lab "$LAB_BUNDLE/binaries/$KUBERNETES/kubectl" --kubeconfig "$orb/kubeconfig" "$@"; }
git_in_orb() { git -C "$orb/files" -c user.name=demo -c user.email=demo@localhost "$@"; }

# Builds what machines and programs are made of.
build() {
  say "tools and compiler"
  [ "$(id -u)" = 0 ] || die "machines need namespaces and mounts: run it as root"
  "$SOURCE/.ci/tools" build
  say "orbctl"
  cargo build --manifest-path "$SOURCE/Cargo.toml" --locked --package orbos --bin orbctl
  say "Debian machine, Kubernetes $KUBERNETES from source, bundle (ten minutes the first time)"
  "$LAB_SCRIPTS/prepare.sh"
}

# Three machines: m1 is the control plane, m2 and m3 work.
machines() {
  say "three machines"
  if [ ! -e "$LAB_RUN/$LAB_NAME/net" ] && [ -e "$orb" ]; then
    echo "the machines of an earlier time are gone; starting anew"
    rm -rf "$orb"
  fi
  net=$("$LAB_SCRIPTS/lab.sh" up)
  local number running pids=() pid
  running=$("$LAB_SCRIPTS/machine.sh" list)
  for number in 1 2 3; do
    if grep -q "^m$number .* up" <<< "$running"; then continue; fi
    "$LAB_SCRIPTS/machine.sh" start "m$number" "$net.1$number" & pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  "$LAB_SCRIPTS/machine.sh" list
}

# A bare repository as any Git server has it, and in it the one file that a human writes.
repository() {
  say "a Git repository with an orb: $orb/orb.git"
  mkdir -p "$orb"
  [ -e "$orb/orb.git/HEAD" ] || git init -q --bare --initial-branch=main "$orb/orb.git"
  [ -e "$orb/files/.git" ] || git clone -q "$orb/orb.git" "$orb/files" 2> /dev/null
  if ! git_in_orb rev-parse -q --verify HEAD > /dev/null; then
    orbiter_yml > "$orb/files/orbiter.yml"
    git_in_orb add orbiter.yml
    git_in_orb commit -qm "An orb: one control plane, two workers"
    git_in_orb push -q origin HEAD:main
  fi
  [ -e "$orb/config" ] || orbctl configure --repourl "file://$orb/orb.git"
  # The key that opens the bare machines. ORBITER makes one of its own with it, and leaves only that one authorised.
  git_in_orb pull -q origin main
  if ! grep -q bootstrapkeyprivate "$orb/files/orbiter.yml"; then
    orbctl secrets set providers.lab.spec.keys.bootstrapkeyprivate --file "$LAB_KEY"
    git_in_orb pull -q origin main
  fi
  echo "$orb/files/orbiter.yml:"
  grep -vE '^ +(encryption|encoding|value):' "$orb/files/orbiter.yml"
}

orbiter_yml() {
  cat << YML
kind: orbiter.caos.ch/Orb
version: v0
spec:
  verbose: false
clusters:
  k8s:
    kind: orbiter.caos.ch/KubernetesCluster
    version: v0
    spec:
      controlplane:
        provider: lab
        pool: masters
        nodes: 1
        updatesdisabled: false
        taints:
        - key: node-role.kubernetes.io/master
          effect: NoSchedule
      workers:
      - provider: lab
        pool: workers
        nodes: 2
        updatesdisabled: false
        taints: []
      networking:
        network: routed
        dnsdomain: cluster.local
        servicecidr: 10.96.0.0/12
        podcidr: 10.244.0.0/16
      versions:
        kubernetes: $KUBERNETES
        orbiter: ""
      verbose: false
providers:
  lab:
    kind: orbiter.caos.ch/StaticProvider
    version: v1
    spec:
      verbose: false
      pools:
        masters:
        - {id: m1, hostname: m1, ip: $net.11}
        workers:
        - {id: m2, hostname: m2, ip: $net.12}
        - {id: m3, hostname: m3, ip: $net.13}
      externalinterfaces: [eth0]
      privateinterface: eth0
    loadbalancing:
      kind: orbiter.caos.ch/DynamicLoadBalancer
      version: v2
      spec:
        masters:
        # The address behind which the Kubernetes API answers, whichever machine serves it.
        - ip: $net.200
          transport:
          - name: kubeapi
            frontendport: 443
            backendport: 6443
            backendpools: [masters]
            whitelist: [0.0.0.0/0]
            healthchecks: {protocol: https, path: /healthz, code: 200}
YML
}

takeoff() {
  say "orbctl plan"
  orbctl plan
  say "orbctl takeoff"
  orbctl takeoff
  (umask 077; orbctl kubeconfig > "$orb/kubeconfig")
  say "orbctl plan, again"
  orbctl plan
}

# A web server on one worker, and a client on the other that knows it by its Service's name only.
service() {
  say "a pod on m3 asks a Service whose pod runs on m2, by name"
  pods_yml | kubectl apply -f -
  kubectl wait --for=condition=Ready --timeout=180s pod/web pod/client
  kubectl get pods,services -o wide
  local try said
  for try in $(seq 30); do
    if said=$(kubectl exec client -- wget -qO- http://web.default.svc.cluster.local 2>&1); then break; fi
    [ "$try" -lt 30 ] || die "the Service does not answer: $said"
    sleep 1   # Its endpoint is on the way to both nodes' kube-proxy.
  done
  echo "client on m3 \$ wget -qO- http://web.default.svc.cluster.local"
  echo "$said"
  [ "$said" = "Hello from web on m2" ] || die "that is not what web says"
}

pods_yml() {
  cat << 'YML'
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: m2
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: docker.io/library/busybox:1.35
    command: [sh, -c, 'mkdir /www; echo "Hello from $(hostname) on $NODE" > /www/index.html; exec httpd -f -p 8080 -h /www']
    env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
    readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: m3
  terminationGracePeriodSeconds: 1
  containers:
  - name: client
    image: docker.io/library/busybox:1.35
    command: [sh, -c, 'exec sleep 2147483647']
YML
}

look() {
  say "orbctl status"
  orbctl status
  kubectl get nodes -o wide
  local demo=lab/scripts/demo.sh
  cat << TEXT

== Done. Have a look:
   $demo orbctl plan                     nothing left to do
   $demo orbctl status                   machines, members, endpoints
   $demo kubectl get pods -A -o wide     the cluster
   $demo orbctl nodes exec lab.workers.m2 --command uptime
   git -C $orb/files pull && git -C $orb/files log --oneline      what ORBITER wrote down
   Change $orb/files/orbiter.yml, commit, push, and: $demo orbctl takeoff
   $demo down                            removes all this
TEXT
}

down() {
  "$LAB_SCRIPTS/lab.sh" down
  rm -rf "$orb"
  rmdir --ignore-fail-on-non-empty "$LAB_CACHE/demo" 2> /dev/null || true
  echo "Machines, repository and orb are gone; what was built stays in $LAB_CACHE."
}

trap 'code=$?; [ $code = 0 ] || echo "demo.sh: stopped with exit code $code; run it again to go on, or \`demo.sh down\`" >&2' EXIT
command=${1:-up}; shift || true
case $command in
  up) build; machines; repository; takeoff; service; look ;;
  orbctl) trap - EXIT; orbctl "$@" ;;
  kubectl) trap - EXIT; kubectl "$@" ;;
  down) down ;;
  *) trap - EXIT; sed -n 2,10p "$0" >&2; exit 2 ;;
esac
