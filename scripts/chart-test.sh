#!/usr/bin/env bash
# Tests the chart without a cluster: generated files, lint, what it renders, and the values that it must refuse.
set -euo pipefail

cd "$(dirname "$0")/.."
chart=charts/fleetscore
helm=scripts/helm.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "chart-test: $*" >&2; exit 1; }
render() { "$helm" template fleetscore "$chart" --namespace fleetscore-system --kube-version 1.33.0 "$@"; }

scripts/chart-generate.sh "$work/generated"
for file in README.md files/crds; do
  diff -ru "$chart/$file" "$work/generated/$file" || fail "$file is not current: run make generate"
done

for values in "$chart"/ci/*.yaml; do
  "$helm" lint --strict --quiet "$chart" -f "$values"
  render -f "$values" >"$work/$(basename "$values")"
  render -f "$values" | cmp - "$work/$(basename "$values")" || fail "$values: two renderings differ"
done

# Objects that a rendering must have (has FILE KIND NAME) or must not have (lacks FILE KIND).
objects() { awk '/^---/ {kind = ""} /^kind: / {kind = $2} /^  name: / && kind {print kind, $2; kind = ""}' "$work/$1.yaml"; }
has() { objects "$1" | grep -qx "$2 $3" || fail "ci/$1.yaml: no $2 $3 in: $(objects "$1")"; }
lacks() { ! objects "$1" | grep -q "^$2 " || fail "ci/$1.yaml: unexpected $2"; }
says() { grep -qF -- "$2" "$work/$1.yaml" || fail "ci/$1.yaml: does not say: $2"; }

# allows FILE RESOURCES VERBS: a rule of the operator for this API's group says exactly this, and no other names the resources.
allows() {
  local rules
  rules=$(sed '/^# Source: .*user-roles/,/^---/d' "$work/$1.yaml" | sed -n '/apiGroups: \[scoring.fleetscore.io\]/,/verbs:/p' | grep -F -A1 -- "resources: [$2]" | sed -n 's/ *verbs: //p' | sort -u)
  [[ $rules == "[$3]" ]] || fail "ci/$1.yaml: $2: $rules, not [$3]"
}

has default CustomResourceDefinition scoringruns.scoring.fleetscore.io
has default CustomResourceDefinition scoringschedules.scoring.fleetscore.io
has default CustomResourceDefinition readingstreams.scoring.fleetscore.io
has default ClusterRole fleetscore-operator
says default 'helm.sh/resource-policy: keep'
for values in default namespaced; do
  # The operator never writes a schedule or a stream, and of a run no more than its status.
  allows $values 'scoringschedules, readingstreams' 'get, list, watch'
  allows $values scoringruns 'get, list, watch, create, delete'
  allows $values 'scoringruns/status, scoringschedules/status, readingstreams/status' patch
  allows $values 'scoringruns/finalizers, scoringschedules/finalizers, readingstreams/finalizers' update
  # It deletes nothing of what streams are made of.
  grep -A2 'resources: \[\(deployments\|services\|poddisruptionbudgets\)\]' "$work/$values.yaml" | grep verbs | { ! grep -q delete; } || fail "ci/$values.yaml: a right to delete what streams are made of"
  # It reads no Secret, makes no token and runs no command in a pod, whatever runs bring.
  ! grep -nE 'resources: \[.*(secrets|serviceaccounts/token|pods/(exec|attach|ephemeralcontainers))' "$work/$values.yaml" || fail "ci/$values.yaml: a right to more than the operator needs"
done
# One Lease, by its name; the definitions, by theirs, and only where a cluster-wide right is given anyway.
says default '    resourceNames: [fleetscore-operator]'
[[ $(grep -c 'resources: \[leases\]' "$work/default.yaml") -eq 2 ]] || fail "ci/default.yaml: not two rules about leases"
says default '    resourceNames: [scoringruns.scoring.fleetscore.io, scoringschedules.scoring.fleetscore.io, readingstreams.scoring.fleetscore.io]'
! grep -q customresourcedefinitions "$work/namespaced.yaml" || fail "ci/namespaced.yaml: a right to definitions"
for kind in NetworkPolicy PodDisruptionBudget ServiceMonitor PodMonitor PrometheusRule; do
  lacks default "$kind"
  has aks "$kind" fleetscore-operator
done
[[ $(objects namespaced | grep -c '^Role fleetscore-operator$') -eq 2 ]] || fail "ci/namespaced.yaml: not one Role a namespace"
[[ $(objects namespaced | grep -c '^ServiceAccount fleetscore-scorer$') -eq 2 ]] || fail "ci/namespaced.yaml: not one ServiceAccount a namespace"
for kind in CustomResourceDefinition ClusterRole ClusterRoleBinding Service; do lacks namespaced "$kind"; done
says namespaced '--namespaces=plant-a,plant-b'
says aks 'plant.azurecr.io/fleetscore/fleetscore-operator@sha256:'
says aks 'plant.azurecr.io/fleetscore/fleetscore-scorer:0.1.0'
# Each namespace has its own identity, or else the common one.
identity() { awk -v namespace="$2" '/^---/ {kind = ""} /^kind: / {kind = $2} /^  namespace: / {here = $2} kind == "ServiceAccount" && here == namespace && /client-id:/ {print $2}' "$work/$1.yaml"; }
[[ $(identity aks plant-a) == 11111111-2222-3333-4444-555555555555 ]] || fail "ci/aks.yaml: identity of plant-a: $(identity aks plant-a)"
[[ $(identity aks plant-b) == aaaaaaaa-2222-3333-4444-555555555555 ]] || fail "ci/aks.yaml: identity of plant-b: $(identity aks plant-b)"
# Monitoring: the streams' pods too, as Azure's own operator reads it; series keep the namespace that they are about.
has aks PodMonitor fleetscore-streams
has aks ConfigMap fleetscore-dashboard-operations
has aks ConfigMap fleetscore-dashboard-fleet
[[ $(grep -c '^apiVersion: azmonitoring.coreos.com/v1$' "$work/aks.yaml") -eq 2 ]] || fail "ci/aks.yaml: not two monitors for Azure"
[[ $(grep -c 'honorLabels: true' "$work/aks.yaml") -eq 2 ]] || fail "ci/aks.yaml: not the two monitors of the operator keep the label namespace"
says aks '      - alert: FleetscoreOperatorDown'
says aks 'grafana_dashboard: "1"'
says aks 'cost: {"cpusPerNode":3.8,"currency":"EUR","idleSeconds":600,"pricePerNodeHour":0.19,"startSeconds":120}'
says aks '- --trace-passes'
says default 'metrics: {"perSchedule":true}'
! grep -q '^ *cost:' <(sed -n '/config.yaml: |/,/^---/p' "$work/default.yaml") || fail "ci/default.yaml: a cost that nobody gave"
says aks 'storage: {"allowed":[{"accounts":["plantastore"],"namespaces":["plant-a"]},{"accounts":["shared"],"containers":["models","data","b-predictions"],"namespaces":["plant-b"]}]}'
says default 'storage: {"allowed":[]}'
# Streams: their image and pods, and rights to policies only where policies are made.
says default '  image: "localhost/fleetscore-ingest:0.1.0"'
says aks '"serviceAccountName":"plant-streams"'
says aks 'networkPolicy: {"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"fleetscore-system"}},"podSelector":'
says aks 'resources: [networkpolicies]'
! grep -q networkpolicies "$work/default.yaml" || fail "ci/default.yaml: a right to NetworkPolicies"
says aks 'matchExpressions: [{key: scoring.fleetscore.io/stream, operator: Exists}]'
says aks 'resources: [scoringruns, scoringschedules, readingstreams]'
has aks ValidatingAdmissionPolicy fleetscore-storage
has aks ValidatingAdmissionPolicyBinding fleetscore-storage
lacks default ValidatingAdmissionPolicy
says aks '"serviceAccountName":"fleetscore-scorer"'
says aks '"nodeSelector":{"kubernetes.azure.com/mode":"system","kubernetes.io/os":"linux"}'
says ipv6 '--listen=[::]:8080'
says ipv6 'argocd.argoproj.io/sync-wave: "-1"'
for kind in ServiceAccount ClusterRole Role; do lacks ipv6 "$kind"; done
! grep -q 'resource-policy' "$work/ipv6.yaml" || fail "ci/ipv6.yaml: CRDs are kept"

# The dashboard: off by default; behind a proxy it answers its own pod alone, and reads no Secret and no log.
for kind in Deployment Service ServiceAccount ClusterRole ClusterRoleBinding NetworkPolicy; do
  has aks "$kind" fleetscore-dashboard
  ! objects default | grep -qx "$kind fleetscore-dashboard" || fail "ci/default.yaml: a dashboard that nobody asked for"
done
says aks '- --listen=127.0.0.1:8080'
says aks '- --upstream=http://127.0.0.1:8080/'
says aks '- --accounts=plantastore,shared'
says aks 'azure.workload.identity/client-id: bbbbbbbb-2222-3333-4444-555555555555'
# dashboard ARG...: the rights of the dashboard, a line a rule: resources and verbs.
dashboard() { render --show-only templates/dashboard-rbac.yaml -f "$chart/ci/aks.yaml" "$@" | sed -n 's/^ *resources: //p; s/^ *verbs: //p' | paste -d' ' - -; }
seen=$(dashboard)
for right in '[scoringruns, scoringschedules, readingstreams] [get, list, watch]' '[jobs] [get, list, watch]' '[pods, events] [get, list, watch]' '[nodes] [get, list, watch]' '[subjectaccessreviews] [create]'; do
  grep -qxF -- "$right" <<<"$seen" || fail "the dashboard has not the right $right: $seen"
done
[[ $(wc -l <<<"$seen") -eq 5 ]] || fail "the dashboard has other rights: $seen"
! dashboard --set dashboard.auth.mode=none | grep -q subjectaccessreviews || fail "a dashboard without sign-in may ask about people"
[[ $(dashboard --set 'watchNamespaces={a,b}' | grep -c scoringruns) -eq 2 ]] || fail "the dashboard has not one Role a namespace"

# The pods start anew when their configuration changes, and only then.
checksum() { render --show-only templates/deployment.yaml "$@" | sed -n 's/ *checksum\/config: //p'; }
[[ $(checksum) == "$(checksum --set replicas=2)" ]] || fail "the checksum depends on more than the configuration"
[[ $(checksum) != "$(checksum --set image.scorer.repository=other)" ]] || fail "the checksum ignores the configuration"

# refuses MESSAGE ARG...: the chart must not render, and must say why.
refuses() {
  local message=$1 answer
  shift
  ! answer=$(render "$@" 2>&1) || fail "accepted: $*"
  grep -qF -- "$message" <<<"$answer" || fail "$*: refused without saying '$message': $answer"
}
refuses "'replica' not allowed" --set replica=2
refuses "'imge' not allowed" --set imge.tag=1
refuses "'tags' not allowed" --set image.tags=1
refuses "replicas" --set replicas=two
refuses "pullPolicy" --set image.pullPolicy=Sometimes
refuses "registry" --set image.registry=https://plant.azurecr.io
refuses "digest" --set image.operator.digest=sha256:12
refuses "watchNamespaces" --set 'watchNamespaces={Plant A}'
refuses "watchNamespaces" --set 'watchNamespaces={a,a}'
refuses "clientId" --set scorer.workloadIdentity.clientId=me
refuses "clientIds" --set scorer.serviceAccount.create=true --set scorer.workloadIdentity.clientIds.plant-a=me
refuses "names the namespace plant-b" --set scorer.serviceAccount.create=true --set 'scorer.serviceAccount.namespaces={plant-a}' \
  --set scorer.workloadIdentity.clientIds.plant-b=11111111-2222-3333-4444-555555555555
refuses "allowed" --set 'storage.allowed[0].accounts={plantstore}'
refuses "storage.policy needs storage.allowed" --set storage.policy=true
refuses "accounts" --set 'storage.allowed[0].namespaces={a}' --set 'storage.allowed[0].accounts={Plant Store}'
refuses "'account' not allowed" --set 'storage.allowed[0].namespaces={a}' --set 'storage.allowed[0].account=plantstore'
refuses "podTemplate" --set scorer.podTemplate.nodeSelector.pool=scoring
refuses "podTemplate" --set ingest.podTemplate.nodeSelector.pool=a
refuses "ingressFrom" --set ingest.networkPolicy.ingressFrom=all
refuses "interval" --set metrics.podMonitor.interval=often
refuses "apiVersion" --set metrics.podMonitor.apiVersion=monitoring.coreos.com/v2
refuses "cpusPerNode" --set cost.cpusPerNode=four
refuses "cost.pricePerNodeHour needs cost.cpusPerNode" --set cost.pricePerNodeHour=0.19
refuses "apiServerPorts" --set 'networkPolicy.apiServerPorts={70000}'
refuses "otlpEndpoint" --set tracing.otlpEndpoint=collector:4318
refuses "serviceAccount.name is needed" --set serviceAccount.create=false
refuses "need scorer.serviceAccount.create" --set scorer.workloadIdentity.clientId=11111111-2222-3333-4444-555555555555
refuses "dashboard.hosts is needed" --set dashboard.enabled=true
refuses "needs dashboard.auth.proxy.args" --set dashboard.enabled=true --set 'dashboard.hosts={d.example}'
refuses "needs dashboard.networkPolicy" --set dashboard.enabled=true --set 'dashboard.hosts={d.example}' --set dashboard.auth.mode=none
refuses "needs dashboard.networkPolicy" --set dashboard.enabled=true --set 'dashboard.hosts={d.example}' --set dashboard.auth.mode=none --set dashboard.networkPolicy.enabled=true
refuses "hosts" --set dashboard.enabled=true --set 'dashboard.hosts={https://d.example/}'
refuses "mode" --set dashboard.auth.mode=token
refuses "accounts" --set 'dashboard.storage.accounts={Plant Store}'
refuses "1.33" --kube-version 1.32.0

echo "chart: ok"
