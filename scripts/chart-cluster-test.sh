#!/usr/bin/env bash
# Tests the chart on a cluster of its own: install, test, upgrade, uninstall, under the Pod Security Standard `restricted`.
#   scripts/chart-cluster-test.sh [DIR]    DIR holds fleetscore-operator.tar and fleetscore-scorer.tar, as `make images` writes them
set -euo pipefail

cd "$(dirname "$0")/.."
images=$(realpath "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/images}")
chart=charts/fleetscore
work=$(mktemp -d)
unset KUBECONFIG
export TESTCLUSTER_NAME=${TESTCLUSTER_NAME:-chart}
cluster=${CLUSTER:-testcluster/cluster}
kubectl() { "$cluster" run kubectl "$@"; }
helm() { "$cluster" run helm "$@"; }
fail() { echo "chart-cluster-test: $*" >&2; exit 1; }

finish() {
  local code=$?
  if [[ $code -ne 0 ]]; then
    kubectl -n operators get pods,events || true
    kubectl -n operators logs --all-containers --prefix --tail=20 -l app.kubernetes.io/instance=scoring || true
  fi >&2
  "$cluster" down
  rm -rf "$work"
}
"$cluster" down
"$cluster" up
trap finish EXIT
"$cluster" load "$images/fleetscore-operator.tar"
"$cluster" load "$images/fleetscore-scorer.tar"

for namespace in operators plant-a plant-b; do
  kubectl create namespace "$namespace"
  kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted
done

# The kinds of the Prometheus operator, by its own CRDs; those of Azure's managed Prometheus are the same under another group.
monitors=$(go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
for group in monitoring.coreos.com azmonitoring.coreos.com; do
  for kind in servicemonitors podmonitors prometheusrules; do
    sed "s/monitoring\.coreos\.com/$group/" "$monitors/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" | kubectl apply --server-side -f - >/dev/null
    kubectl wait --for=condition=Established --timeout=1m "crd/$kind.$group" >/dev/null
  done
done

# Every rendering is what this API server takes, to the last field.
for values in "$chart"/ci/*.yaml; do
  helm template fleetscore "$chart" --no-hooks --namespace operators -f "$values" >"$work/rendered.yaml"
  kubectl apply --dry-run=server --validate=strict -f "$work/rendered.yaml" >/dev/null 2>"$work/warnings" || fail "$values: $(<"$work/warnings")"
  [[ ! -s $work/warnings ]] || fail "$values: warnings: $(<"$work/warnings")"
done

release() { # release CHART ARG...: installs or upgrades, and waits until the operator is ready
  helm upgrade --install scoring "$1" --namespace operators --set image.tag=dev --set image.pullPolicy=Never --wait --timeout 2m "${@:2}" >/dev/null
}
may() { # may yes|no NAMESPACE VERB RESOURCE [FLAG]: whether the operator's service account may do so
  local answer
  answer=$(kubectl auth can-i "${@:3}" ${2:+-n "$2"} --as system:serviceaccount:operators:scoring-fleetscore-operator 2>/dev/null || true)
  [[ $answer == "$1" ]] || fail "may the operator ${*:3} in $2: $answer, not $1"
}
installed_test() {
  helm test scoring --namespace operators --timeout 2m >/dev/null
  [[ $(kubectl -n operators get pod scoring-fleetscore-test -o 'jsonpath={.status.phase}') == Succeeded ]] || fail "helm test did not run its pod"
}

# An older chart, by its CRD, for one namespace.
cp -r "$chart" "$work/older"
sed -i '/^    shortNames:/,+1d' "$work/older/files/crds/scoringruns.yaml"
release "$work/older" --set 'watchNamespaces={plant-a}'
[[ -z $(kubectl get crd scoringruns.scoring.fleetscore.io -o 'jsonpath={.spec.names.shortNames}') ]] || fail "the older CRD was not installed"
installed_test
may yes plant-a create jobs
may no plant-b create jobs
may no plant-b list scoringruns.scoring.fleetscore.io
older=$(kubectl -n operators get pods -o name)

# The current one, for all namespaces.
release "$chart" --set replicas=2 --set networkPolicy.enabled=true --set podDisruptionBudget.enabled=true \
  --set metrics.serviceMonitor.enabled=true --set metrics.podMonitor.enabled=true
[[ $(kubectl get srun -A 2>&1) == "No resources found" ]] || fail "the upgrade left the older CRD"
kubectl diff --server-side --force-conflicts -f crds/yaml || fail "the installed CRDs are not those of crds/yaml"
installed_test
for namespace in plant-a plant-b; do
  may yes "$namespace" create jobs
  may yes "$namespace" patch scoringruns.scoring.fleetscore.io --subresource=status
  may no "$namespace" get secrets
  may no "$namespace" create pods
  may no "$namespace" patch scoringruns.scoring.fleetscore.io
  may yes "$namespace" create scoringruns.scoring.fleetscore.io
  may yes "$namespace" patch scoringschedules.scoring.fleetscore.io --subresource=status
  for verb in create update patch delete; do may no "$namespace" "$verb" scoringschedules.scoring.fleetscore.io; done
done
may yes operators create leases.coordination.k8s.io
may yes operators patch leases.coordination.k8s.io/scoring-fleetscore-operator
may no operators patch leases.coordination.k8s.io/another
may no operators update leases.coordination.k8s.io/scoring-fleetscore-operator
may no operators list leases.coordination.k8s.io
may yes "" get customresourcedefinitions.apiextensions.k8s.io/scoringruns.scoring.fleetscore.io
may no "" get customresourcedefinitions.apiextensions.k8s.io/others.example.org
may no plant-a create leases.coordination.k8s.io
[[ -z $(kubectl -n plant-a get role,rolebinding -o name) ]] || fail "the upgrade left roles in plant-a"
[[ $(kubectl -n operators get pods -l app.kubernetes.io/component=operator --field-selector status.phase=Running -o name | grep -cvxF "$older") -ge 2 ]] ||
  fail "the pods were not replaced"

# What the monitors select is there, and answers with metrics at the port and path that they name.
for monitor in servicemonitors.monitoring.coreos.com:services:endpoints podmonitors.monitoring.coreos.com:pods:podMetricsEndpoints; do
  IFS=: read -r kind selected endpoints <<<"$monitor"
  found=$(kubectl -n operators get "$kind" scoring-fleetscore-operator -o json)
  labels=$(python3 -c 'import json, sys; print(",".join("=".join(pair) for pair in json.load(sys.stdin)["spec"]["selector"]["matchLabels"].items()))' <<<"$found")
  endpoint=$(python3 -c 'import json, sys; one = json.load(sys.stdin)["spec"][sys.argv[1]][0]; print(one["port"] + "/proxy" + one["path"])' "$endpoints" <<<"$found")
  name=$(kubectl -n operators get "$selected" -l "$labels" -o 'jsonpath={.items[0].metadata.name}')
  # A pod's port has no name in the API server's proxy.
  [[ $selected == services ]] || endpoint=${endpoint/#http/8080}
  kubectl get --raw "/api/v1/namespaces/operators/$selected/$name:$endpoint" | grep -q '^fleetscore_' || fail "$kind: no metrics at $selected/$name:$endpoint"
done

# Kubernetes' own roles for people include the runs.
kubectl -n plant-a create rolebinding ann --clusterrole=edit --user=ann
kubectl -n plant-a create rolebinding bob --clusterrole=view --user=bob
[[ $(kubectl auth can-i create scoringruns.scoring.fleetscore.io -n plant-a --as ann) == yes ]] || fail "edit does not include runs"
[[ $(kubectl auth can-i list scoringruns.scoring.fleetscore.io -n plant-a --as bob) == yes ]] || fail "view does not include runs"
[[ $(kubectl auth can-i create scoringruns.scoring.fleetscore.io -n plant-a --as bob 2>&1) == no ]] || fail "view allows to create runs"

scripts/policy-test.sh "$cluster" run kubectl

# Uninstalled, the CRDs stay; installed again, they are taken over; at last they go.
helm uninstall scoring --namespace operators --wait >/dev/null
kubectl get crd scoringruns.scoring.fleetscore.io scoringschedules.scoring.fleetscore.io readingstreams.scoring.fleetscore.io >/dev/null
[[ -z $(kubectl get clusterrole,clusterrolebinding -l app.kubernetes.io/instance=scoring -o name) ]] || fail "uninstall left roles"
release "$chart" --set crds.keep=false
helm uninstall scoring --namespace operators --wait >/dev/null
[[ -z $(kubectl get crd -l app.kubernetes.io/instance=scoring -o name) ]] || fail "uninstall left CRDs in spite of crds.keep=false"

echo "chart on a cluster: ok"
