#!/usr/bin/env bash
# objects.sh - applying objects and finding nothing to do, beside `kubectl apply --server-side`, on one API server of the lab.
#
#   objects.sh [PATH...]      YAML files or directories with objects; default: 150 objects made up here
#
# Turn by turn, TIMES times (default 3): kubectl applies everything on a cluster that has none of it, it is deleted; the engine
# applies the same, finds nothing to do, and it is deleted. Wall times are those of whole processes. Requests are counted in the
# API server's own log (audit) by user agent. kubectl is called for namespaces and definitions first and waits for these, since
# it refuses objects of kinds that are not served yet.
# Each turn begins when the API server is idle: for seconds after definitions came or went it renews what it tells of them.
# DEFINITIONS=kept: definitions stay when the rest is deleted.
# PORT: the API server's (default 26443; etcd takes the next two). BENCH_KEEP=1 leaves the files. PROGRAM: the bench program of
# orbos-k8s, already built.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../scripts/env.sh"
times=${TIMES:-3} port=${PORT:-26443}
work=$(mktemp -d)
down() { "$LAB_SCRIPTS/api.sh" down "$work/api"; [ -n "${BENCH_KEEP:-}" ] || rm -rf "$work"; }
trap down EXIT

# Objects as tools have them: ten of each kind, and five kinds of their own.
generated() {
  local tool
  for tool in $(seq -f 'tool%g' 10); do
    sed "s/TOOL/$tool/g" << 'YML'
---
apiVersion: v1
kind: Namespace
metadata: { name: TOOL }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: TOOL, namespace: TOOL }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: bench-TOOL }
rules: [{ apiGroups: [''], resources: [pods, nodes], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: bench-TOOL }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: bench-TOOL }
subjects: [{ kind: ServiceAccount, name: TOOL, namespace: TOOL }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: TOOL, namespace: TOOL }
data: { a.conf: 'level = info', b.conf: 'name = TOOL' }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: TOOL-dashboards, namespace: TOOL }
data: { one.json: '{"title": "TOOL"}' }
---
apiVersion: v1
kind: Secret
metadata: { name: TOOL, namespace: TOOL }
stringData: { password: hunter2 }
---
apiVersion: v1
kind: Service
metadata: { name: TOOL, namespace: TOOL }
spec: { selector: { app: TOOL }, ports: [{ port: 80, protocol: TCP, name: http, targetPort: http }] }
---
apiVersion: v1
kind: Service
metadata: { name: TOOL-peers, namespace: TOOL }
spec: { clusterIP: None, selector: { app: store }, ports: [{ port: 9000, protocol: TCP, name: peers }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: TOOL, namespace: TOOL }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: TOOL } } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: TOOL, namespace: TOOL }
spec: { podSelector: { matchLabels: { app: TOOL } }, ingress: [{ ports: [{ port: 80, protocol: TCP }], from: [{ namespaceSelector: {} }] }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: TOOL, namespace: TOOL }
spec:
  replicas: 1
  selector: { matchLabels: { app: TOOL } }
  template:
    metadata: { labels: { app: TOOL } }
    spec:
      serviceAccountName: TOOL
      containers:
      - { name: TOOL, image: 'example.com/TOOL:1', args: [--config, /conf/a.conf], ports: [{ containerPort: 80, name: http, protocol: TCP }],
          resources: { requests: { cpu: 10m, memory: 16Mi } }, securityContext: { runAsNonRoot: true, capabilities: { drop: [ALL] } } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store, namespace: TOOL }
spec:
  serviceName: TOOL-peers
  replicas: 1
  selector: { matchLabels: { app: store } }
  template: { metadata: { labels: { app: store } }, spec: { containers: [{ name: store, image: 'example.com/store:1' }] } }
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: { name: backup, namespace: TOOL }
spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: backup, image: 'example.com/backup:1' }] } } } } }
YML
  done
  for tool in $(seq -f 'tool%g' 5); do
    sed "s/TOOL/$tool/g" << 'YML'
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: flows.TOOL.example.com }
spec: { group: TOOL.example.com, scope: Namespaced, names: { kind: Flow, plural: flows }, versions: [{ name: v1, served: true, storage: true,
  schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }] }
---
apiVersion: TOOL.example.com/v1
kind: Flow
metadata: { name: all, namespace: TOOL }
spec: { to: loki }
YML
  done
}

kubectl() { "$LAB_BIN/v1.20.2/kubectl" --kubeconfig "$work/api/admin.conf" --cache-dir "$work/cache" "$@"; }
answered() { grep -c "\"userAgent\":\"$1/" "$work/api/audit.log" || true; }

# timed LABEL AGENT COMMAND...: wall time of a command, and what the API server was asked by that user agent meanwhile.
timed() {
  local label=$1 agent=$2 from before; shift 2
  before=$(answered "$agent") from=$EPOCHREALTIME
  "$@" > "$work/log" 2>&1 || { cat "$work/log"; die "$label"; }
  awk -v label="$label" -v from="$from" -v to="$EPOCHREALTIME" -v before="$before" -v after="$(answered "$agent")" -v objects="$objects" \
    'BEGIN { printf "%-28s %7.2f s, %5d requests, %.3f per object\n", label, to - from, after - before, (after - before) / objects }' | tee -a "$work/results"
}

# settle: waits until the API server is idle.
settle() {
  local pid before after
  pid=$(cat "$work/api/apiserver.pid") after=$(ticks "$pid")
  until before=$after; sleep 1; after=$(ticks "$pid"); [ $((after - before)) -lt 10 ]; do :; done
}
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }   # of processor time, a hundredth of a second each

with_kubectl() {
  kubectl apply --server-side -f "$work/first.yml"
  if grep -q '^kind: CustomResourceDefinition' "$work/first.yml"; then
    kubectl wait --for=condition=Established --timeout=60s crd $(awk '/^kind: CustomResourceDefinition/ { found = 1 } found && /^  name: / { print $2; found = 0 }' "$work/first.yml")
  fi
  kubectl apply --server-side -f "$work/rest.yml"
}

# gone: what of first.yml is deleted.
gone() {
  if [ "${DEFINITIONS:-}" = kept ]; then
    awk 'BEGIN { RS = "\n---\n"; ORS = "\n---\n" } !/\nkind: CustomResourceDefinition/' "$work/first.yml"
  else
    cat "$work/first.yml"
  fi
}

remove() {
  local what
  for what in "-f $work/rest.yml" "-f $work/gone.yml" "namespace bench-system"; do
    kubectl delete --wait --ignore-not-found $what > "$work/log" 2>&1 || { cat "$work/log"; die "deleting"; }
  done
}

# ratio: the engine's fastest application divided by kubectl's fastest.
ratio() {
  awk '/^kubectl apply/ && (!kubectl || $3 < kubectl) { kubectl = $3 } /^engine apply/ && (!engine || $3 < engine) { engine = $3 }
    END { printf "engine / kubectl, the fastest of each: %.2f\n", engine / kubectl }' "$work/results"
}

# build: the bench program; prints its path. Its time counts without cargo's.
build() {
  local arguments=(bench --quiet --manifest-path "$here/../../Cargo.toml" -p orbos-k8s --no-default-features --features objects --bench objects --no-run)
  "${CARGO:-cargo}" "${arguments[@]}" >&2
  "${CARGO:-cargo}" "${arguments[@]}" --message-format=json 2> /dev/null | sed -n 's/.*"executable":"\([^"]*\/objects-[^"]*\)".*/\1/p' | tail -n 1
}

program=${PROGRAM:-$(build)}
mkdir "$work/api"
LAB_AUDIT=1 LAB_FSYNC=1 "$LAB_SCRIPTS/api.sh" up "$work/api" "$port" > /dev/null
if [ $# = 0 ]; then generated > "$work/generated.yml"; set -- "$work/generated.yml"; fi
"$program" split "$work/api/admin.conf" "$work" "$@"
objects=$(cat "$work/first.yml" "$work/rest.yml" | grep -c '^kind: ')
echo "$objects objects; load $(cut -d' ' -f1 /proc/loadavg)"

gone > "$work/gone.yml"
for _ in $(seq "$times"); do
  settle
  timed "kubectl apply" kubectl with_kubectl
  settle
  timed "kubectl nothing" kubectl with_kubectl
  remove
  settle
  timed "engine apply" orbos-k8s "$program" apply "$work/api/admin.conf" "$@"
  grep -E '^looking|first: ' "$work/log"
  settle
  timed "engine nothing" orbos-k8s "$program" idle "$work/api/admin.conf" 0 "$@"
  "$program" idle "$work/api/admin.conf" 20 "$@"
  remove
done
ratio
echo "load $(cut -d' ' -f1 /proc/loadavg)"
