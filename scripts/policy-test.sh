#!/usr/bin/env bash
# Tests admission on an API server that has the CRDs: the sample policy for pod templates, and the chart's policy for storage.
#   scripts/policy-test.sh KUBECTL...     KUBECTL... is a command such as `kubectl --context test`
set -euo pipefail

cd "$(dirname "$0")/.."
kubectl=("${@:-kubectl}")
work=$(mktemp -d)
finish() {
  "${kubectl[@]}" delete namespace guarded open --ignore-not-found --wait=false >/dev/null
  "${kubectl[@]}" delete -f examples/policies --ignore-not-found >/dev/null
  [[ ! -s $work/storage.yaml ]] || "${kubectl[@]}" delete -f "$work/storage.yaml" --ignore-not-found >/dev/null
  rm -rf "$work"
}
trap finish EXIT
fail() { echo "policy-test: $*" >&2; exit 1; }

for namespace in guarded open; do "${kubectl[@]}" create namespace "$namespace" >/dev/null; done
"${kubectl[@]}" label namespace guarded fleetscore.io/pod-templates=guarded >/dev/null

# submit NAMESPACE KIND SPEC: what the API server says to a run, a schedule of it, or a stream, with these fields of the spec; nothing is kept.
submit() {
  python3 - "$@" <<'PY' | "${kubectl[@]}" create --dry-run=server -f - 2>&1
import json, sys
namespace, kind, more = sys.argv[1:]
spec = {
    "model": {"location": "az://models/model_{device}"},
    "input": {"location": "az://data/readings.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
    "output": {"location": "az://predictions/{run}/", "file": "{device}.csv"},
    "storage": {"azure": {"account": "plantstore"}},
}
if kind == "ReadingStream":
    spec = {
        "source": {"eventHub": {"namespace": "plant", "name": "telemetry"}},
        "event": {
            "fields": {"ts": {"type": "Time"}, "device": {}, "v": {"type": "Number"}},
            "columns": {"time": "ts", "keys": {"device": "device"}, "features": ["v"]},
        },
        "output": {"location": "az://readings/pumps/"},
        "storage": {"azure": {"account": "plantstore"}},
    }
spec.update(json.loads(more))
if kind == "ScoringSchedule":
    spec = {"schedule": "@hourly", "runTemplate": {"spec": spec}}
metadata = {"name": "pumps", "namespace": namespace}
print(json.dumps({"apiVersion": "scoring.fleetscore.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}))
PY
}
count=0
kinds=(ScoringRun ScoringSchedule)
takes() { # takes NAMESPACE SPEC
  local kind said
  for kind in "${kinds[@]}"; do
    said=$(submit "$1" "$kind" "$2") || fail "$1: a $kind with $2 is refused: $said"
    count=$((count + 1))
  done
}
refuses() { # refuses NAMESPACE WORDS SPEC
  local kind said
  for kind in "${kinds[@]}"; do
    ! said=$(submit "$1" "$kind" "$3") || fail "$1: a $kind with $3 is taken"
    grep -qF -- "$2" <<<"$said" || fail "$1: a $kind with $3 is refused without saying '$2': $said"
    count=$((count + 1))
  done
}
in_force() { # in_force NAMESPACE SPEC: waits until such a run is refused
  for _ in $(seq 60); do
    submit "$1" ScoringRun "$2" >/dev/null || return 0
    sleep 1
  done
  fail "the policy is not in force after a minute"
}
pod() { printf '{"%s": {"spec": %s}}' "${2:-podTemplate}" "$1"; }
scorer() { pod '{"containers": [{"name": "scorer", '"$1"'}]}' "${2:-podTemplate}"; }

# The sample, as it is.
"${kubectl[@]}" apply -f examples/policies/pod-templates.yaml >/dev/null
in_force guarded "$(scorer '"image": "evil/image:1"')"
warnings=$("${kubectl[@]}" get validatingadmissionpolicy fleetscore-pod-templates -o 'jsonpath={.status.typeChecking.expressionWarnings}')
[[ -z $warnings ]] || fail "warnings: $warnings"
takes open "$(scorer '"image": "evil/image:1"')"
takes guarded '{}'
takes guarded "$(scorer '"image": "plant.azurecr.io/fleetscore/fleetscore-scorer:1", "resources": {"limits": {"memory": "1Gi"}}, "env": [{"name": "A", "value": "1"}]')"
takes guarded "$(pod '{"nodeSelector": {"pool": "scoring"}, "tolerations": [{"operator": "Exists"}], "serviceAccountName": "fleetscore-scorer"}')"
takes guarded "$(pod '{"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "w", "emptyDir": {}}]}')"
takes guarded '{"storage": {"azure": {"account": "plantstore", "auth": "Secret", "secretRef": {"name": "plantstore"}}}}'
worker() { printf '{"model": {"location": "az://models/model_{device}", "worker": {%s}}}' "$1"; }
takes guarded "$(worker '"module": "predict"')"
takes guarded "$(worker '"image": "plant.azurecr.io/fleetscore/predict:3"')"
refuses guarded "model.worker.image must begin with" "$(worker '"image": "evil/image:1"')"
takes open "$(worker '"image": "evil/image:1"')"
for template in podTemplate coordinatorTemplate; do
  refuses guarded "an image in podTemplate" "$(scorer '"image": "evil/image:1"' $template)"
  refuses guarded "an image in podTemplate" "$(scorer '"image": "plant.azurecr.io.evil.test/fleetscore/x"' $template)"
  refuses guarded "an image in podTemplate" "$(pod '{"initContainers": [{"name": "i", "image": "evil"}]}' $template)"
  refuses guarded "the service accounts fleetscore-scorer" "$(pod '{"serviceAccountName": "admin"}' $template)"
  refuses guarded "the service accounts" "$(pod '{"serviceAccount": "admin"}' $template)"
  refuses guarded "mount no token" "$(pod '{"automountServiceAccountToken": true}' $template)"
  for source in '"hostPath": {"path": "/"}' '"secret": {"secretName": "s"}' '"projected": {"sources": [{"secret": {"name": "s"}}]}' '"csi": {"driver": "d"}' '"nfs": {"server": "s", "path": "/"}'; do
    refuses guarded "a volume in podTemplate" "$(pod '{"volumes": [{"name": "v", '"$source"'}]}' $template)"
  done
  refuses guarded "no variable from a secret" "$(scorer '"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]' $template)"
  refuses guarded "no variable from a secret" "$(scorer '"envFrom": [{"secretRef": {"name": "s"}}]' $template)"
  for field in '"hostNetwork": true' '"hostPID": true' '"hostIPC": true' '"nodeName": "n"'; do
    refuses guarded "the node's network" "$(pod "{$field}" $template)"
  done
  refuses guarded "must leave securityContext" "$(scorer '"securityContext": {"privileged": true}' $template)"
  refuses guarded "must leave securityContext" "$(pod '{"securityContext": {"runAsUser": 0}}' $template)"
done
kinds=(ScoringRun ScoringSchedule ReadingStream)
refuses guarded "may name the secrets plantstore" '{"storage": {"azure": {"account": "plantstore", "auth": "Secret", "secretRef": {"name": "others"}}}}'
for server in '"nfs": {"server": "s", "path": "/"}' '"csi": {"driver": "d"}'; do
  refuses guarded "may name claims alone" '{"storage": {"azure": {"account": "plantstore"}, "volumes": [{"name": "v", "mountPath": "/data", '"$server"'}]}}'
done
takes guarded '{"storage": {"azure": {"account": "plantstore"}, "volumes": [{"name": "v", "mountPath": "/data", "claim": "c"}]}}'
kinds=(ReadingStream)
takes guarded '{}'
takes guarded '{"source": {"eventHub": {"namespace": "plant", "name": "telemetry", "auth": "Secret", "secretRef": {"name": "plantstore"}}}}'
for source in '"eventHub": {"namespace": "plant", "name": "telemetry", "auth": "Secret", "secretRef": {"name": "others"}}' \
  '"kafka": {"bootstrapServers": ["b:9092"], "topic": "t", "tls": true, "sasl": {"mechanism": "Plain", "secretRef": {"name": "others"}}}'; do
  refuses guarded "may name the secrets plantstore" "{\"source\": {$source}}"
done
refuses guarded "an image in podTemplate" "$(scorer '"image": "evil/image:1"')"
kinds=(ScoringRun ScoringSchedule)

# What the chart makes of storage.allowed.
scripts/helm.sh template fleetscore charts/fleetscore --show-only templates/storage-policy.yaml --set storage.policy=true \
  --set 'storage.allowed[0].namespaces={guarded}' --set 'storage.allowed[0].accounts={plantstore}' --set 'storage.allowed[0].containers={models,data,predictions,readings}' \
  --set 'storage.allowed[1].namespaces={*}' --set 'storage.allowed[1].accounts={public}' --set 'storage.allowed[1].endpoints={https://azurite.test:10000/public}' \
  >"$work/storage.yaml"
"${kubectl[@]}" apply -f "$work/storage.yaml" >/dev/null
azure() { printf '{"storage": {"azure": {"account": "%s"%s}}%s}' "$1" "${2:+, \"endpoint\": \"$2\"}" "${3:+, $3}"; }
in_force open "$(azure plantstore)"
warnings=$("${kubectl[@]}" get validatingadmissionpolicy fleetscore-storage -o 'jsonpath={.status.typeChecking.expressionWarnings}')
[[ -z $warnings ]] || fail "warnings: $warnings"
takes guarded "$(azure plantstore)"
takes guarded "$(azure plantstore https://plantstore.blob.core.windows.net/)"
takes open "$(azure public)"
takes open "$(azure public https://azurite.test:10000/public/)"
refuses open "may not use plantstore" "$(azure plantstore)"
refuses guarded "may not use another" "$(azure another)"
refuses guarded "may not use https://evil.test" "$(azure plantstore https://evil.test)"
refuses guarded "may not use https://plantstore.blob.core.windows.net.evil.test" "$(azure plantstore https://plantstore.blob.core.windows.net.evil.test)"
refuses guarded "may not use: others;" "$(azure plantstore '' '"output": {"location": "az://others/{run}/", "file": "{device}.csv"}')"
refuses guarded "may not use: others;" "$(azure plantstore '' '"logs": {"location": "az://others/"}')"
kinds=(ReadingStream)
takes guarded "$(azure plantstore)"
refuses open "the streams of the namespace open may not use plantstore" "$(azure plantstore)"
refuses guarded "may not use: others;" "$(azure plantstore '' '"output": {"location": "az://others/"}')"
refuses guarded "may not use: others;" "$(azure plantstore '' '"deadLetter": {"location": "az://others/"}')"

echo "policies: ok ($count objects)"
