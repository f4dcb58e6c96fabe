#!/usr/bin/env bash
# platform.sh - all tools of BOOM on an API server of the lab: beside kubectl, and how much memory `boom` takes.
#
# Renders orbos-platform/tests/data/all.yml (without metrics-server, for which that API server is too old) with permissive
# definitions, gives the objects to objects.sh, and then runs `boom` for ever on the same file and reads its memory. TIMES as in
# objects.sh. ORBOS_BIN: a folder with orbctl and boom; default target/release of this checkout.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../scripts/env.sh"
bin=${ORBOS_BIN:-$here/../../target/release}
work=$(mktemp -d) boom=
down() { [ -z "$boom" ] || kill "$boom" || true; "$LAB_SCRIPTS/api.sh" down "$work/api"; rm -rf "$work"; }
trap down EXIT

# Nobody answers for webhooks here, and nobody generates secrets into a file.
ignored="patches: [{target: {group: admissionregistration.k8s.io, name: cert-manager-webhook}, json: [{op: replace, path: /webhooks/0/failurePolicy, value: Ignore}]}]"
sed -e '/^  metricsServer:/d' -e 's/^spec:/spec:\n  crds: { allowPermissive: true }/' -e "s#certificates: { deploy: true }#certificates: { deploy: true, $ignored }#" \
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

"$LAB_SCRIPTS/api.sh" up "$work/api" "${PORT:-26443}" > /dev/null
"$bin/boom" --file "$work/boom.yml" --kubeconfig "$work/api/admin.conf" --interval 1 --listen 127.0.0.1:22112 --log off &
boom=$!
metric() { curl -s http://127.0.0.1:22112/metrics | sed -n "s/^$1 //p"; }
for _ in $(seq 120); do
  [ "$(metric boom_rounds_total)" -ge 12 ] 2> /dev/null && break
  sleep 1
done
echo "boom after $(metric boom_rounds_total) rounds over $(metric boom_objects) objects: newest round $(metric boom_round_seconds) s, $(grep -h '^VmRSS' "/proc/$boom/status" | tr -s '\t ' ' '), $(grep -h '^VmHWM' "/proc/$boom/status" | tr -s '\t ' ' ')"
