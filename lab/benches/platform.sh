#!/usr/bin/env bash
# platform.sh - all tools of BOOM on an API server of the lab: beside kubectl, and how much memory `boom` takes.
#
# Renders orbos-platform/tests/data/all.yml (without metrics-server, for which that API server is too old) with permissive
# definitions, gives the objects to objects.sh, once more with definitions that are there already, and then runs `boom` for
# ever on the same file and reads its memory. TIMES as in objects.sh. ORBOS_BIN: a folder with orbctl and boom; default
# target/release of this checkout.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../scripts/env.sh"
bin=${ORBOS_BIN:-$here/../../target/release}
work=$(mktemp -d) boom=
down() { [ -z "$boom" ] || kill "$boom" || true; "$LAB_SCRIPTS/api.sh" down "$work/api"; rm -rf "$work"; }
trap down EXIT

# Nobody answers for webhooks here, and no orb opens what is sealed: Grafana's password is a Secret of the cluster.
admin="admin: { existingUsername: { name: admin, key: user }, existingPassword: { name: admin, key: password } }"
ignored="patches: [{target: {group: admissionregistration.k8s.io, name: cert-manager-webhook}, json: [{op: replace, path: /webhooks/0/failurePolicy, value: Ignore}]}]"
sed -e '/^  metricsServer:/d' -e 's/^spec:/spec:\n  crds: { allowPermissive: true }/' -e "s#^    admin: .*#    $admin#" \
  -e "s#certificates: { deploy: true }#certificates: { deploy: true, $ignored }#" \
  "$here/../../orbos-platform/tests/data/all.yml" > "$work/boom.yml"
"$bin/orbctl" boom render --file "$work/boom.yml" --kubernetes 1.20 --definitions -o json > "$work/all.json"
python3 - "$work/all.json" > "$work/objects.yaml" << 'PY'
import json, sys
for it in json.load(open(sys.argv[1]))["items"]:
    if not it["kind"].endswith("WebhookConfiguration"):
        if it["kind"] == "Secret":  # What they hold is not shown.
            it["data"] = {key: "" for key in it.get("data") or {}}
        print("---\n" + json.dumps(it))
PY
"$here/objects.sh" "$work/objects.yaml"
echo "once more, with definitions that are there already:"
DEFINITIONS=kept "$here/objects.sh" "$work/objects.yaml"

LAB_AUDIT=1 "$LAB_SCRIPTS/api.sh" up "$work/api" "${PORT:-26443}" > /dev/null
"$bin/boom" --file "$work/boom.yml" --kubeconfig "$work/api/admin.conf" --interval 1 --listen 127.0.0.1:22112 --log off &
boom=$!
metric() { curl -s http://127.0.0.1:22112/metrics | sed -n "s/^$1 //p"; }
asked() { grep -c '"userAgent":"orbos-k8s/' "$work/api/audit.log" || true; }
rounds() { metric boom_rounds_total; }
reach() { local _; for _ in $(seq 180); do [ "$(rounds)" -ge "$1" ] 2> /dev/null && return; sleep 1; done; die "boom does not get to round $1"; }
reach 12
from=$(rounds) before=$(asked)
reach 22
to=$(rounds) after=$(asked)
echo "boom after $to rounds over $(metric boom_objects) objects: newest round $(metric boom_round_seconds) s, $(((after - before) / (to - from))) requests a round, $(grep -h '^VmRSS' "/proc/$boom/status" | tr -s '\t ' ' '), $(grep -h '^VmHWM' "/proc/$boom/status" | tr -s '\t ' ' ')"
