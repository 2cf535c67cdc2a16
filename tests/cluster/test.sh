#!/usr/bin/env bash
# Tests runs on a real cluster of its own, with the chart's operator, real pods and Azurite, under the Pod Security Standard
# `restricted`:  tests/cluster/test.sh [SCENARIO...]      without a name: all, in the order of scenarios/ below
#
#   IMAGES_DIR   holds fleetscore-operator.tar, fleetscore-scorer.tar, fleetscore-ingest.tar and fleetscore-dashboard.tar, as scripts/images.sh writes them (default: the cache)
#   FLEETSCORE   the program `fleetscore` (default: the release build of `make images`)
#   KEEP=1       leaves the cluster up, and uses it the next time
#
# It needs root on Linux. The exit code is the number of scenarios that failed.
# shellcheck disable=SC2317  # scenarios and checks are called by name
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(realpath "$here/../..")
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore
images=$(realpath -m "${IMAGES_DIR:-$cache/images}")
fleetscore=$(realpath -m "${FLEETSCORE:-${CARGO_TARGET_DIR:-$cache/target}/$(rustc -vV | sed -n 's/^host: //p')/release/fleetscore}")
# shellcheck disable=SC2034  # a scenario uses it
shared=$(realpath -m "${FLEETSCORE_SHARED:-$root/../shared}")
unset KUBECONFIG
export TESTCLUSTER_NAME=${TESTCLUSTER_NAME:-runs}
work=$(mktemp -d)

# shellcheck source=testcluster/lib/within.sh
source "$root/testcluster/lib/within.sh"
# shellcheck source=tests/cluster/lib.sh
source "$here/lib.sh"
for file in success crashes sensors disruptions blocked patience lifecycle places admission scale queued schedules streams stream_crashes volumes plugin alerts dashboard stranger worker; do
  # shellcheck source=/dev/null
  source "$here/scenarios/$file.sh"
done
scenarios=(
  batchai named_storage operator_killed apiserver_restarted failed_sensors storage_outage pod_killed node_removed node_dead result_lost
  one_pod_blocked one_pod_in_the_way image_absent secret_absent secret_wrong pod_denied job_denied quota_used_up
  template_refused image_late model_denied operator_upgraded one_place place_within config_map_clash namespace_unreadable
  fail_fast suspended suspended_collecting deadline deleted ttl manifests planned_spec from_zero queued
  schedule_windows schedule_killed schedule_leader schedule_no_drift schedule_manifests
  stream_ticks stream_moves stream_node_lost stream_killed stream_leader file_server
  plugin alerts dashboard stranger
  worker worker_without_image worker_image_absent worker_ends_at_once
)
[[ $# -eq 0 ]] || scenarios=("$@")

finish() {
  local code=$?
  [[ ${KEEP:-} == 1 ]] || cluster down
  rm -rf "$work"
  exit "$code"
}

set_up() {
  [[ -x $fleetscore ]] || fail "no program $fleetscore: make build, or set FLEETSCORE"
  [[ ${KEEP:-} == 1 ]] || cluster down
  cluster up
  cluster azurite >/dev/null
  if [[ -f $images/fleetscore-scorer.tar ]]; then
    cluster load "$images/fleetscore-operator.tar" >/dev/null
    cluster load "$images/fleetscore-scorer.tar" >/dev/null
    cluster load "$images/fleetscore-ingest.tar" >/dev/null
  else
    fail "no images in $images: make images, or set IMAGES_DIR"
  fi
  namespaces
  install_chart
  simulated_plant
}

namespaces() {
  local namespace
  for namespace in plant fenced quota; do
    make_namespace "$namespace"
  done
}

# install_chart [ARG...]: the chart serves these namespaces alone; operators that are killed serve namespaces of their own.
# shellcheck disable=SC2120  # scenarios give it arguments
install_chart() {
  cluster run helm upgrade --install fleetscore "$root/charts/fleetscore" --namespace fleetscore-system --create-namespace \
    --set image.tag=dev --set image.pullPolicy=Never --set 'watchNamespaces={plant,fenced,quota}' \
    --set-json 'scorer.podTemplate={"spec": {"containers": [{"name": "scorer", "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}]}}' \
    --wait --timeout 2m "$@" >/dev/null
  # The image of a cluster that was kept may be another one of the same name.
  cluster run kubectl -n fleetscore-system rollout restart deployment fleetscore-operator >/dev/null
  cluster run kubectl -n fleetscore-system rollout status deployment fleetscore-operator --timeout=2m >/dev/null
}

# 6 devices with 4 tags each.
simulated_plant() {
  "$fleetscore" simulate --sensors 24 --tags 4 --hours 2 --seed 1 --out "$work/plant" --force >/dev/null 2>&1
  "$fleetscore" train -f "$work/plant/train.yaml" >/dev/null 2>&1
  mkdir "$work/readings"
  mv "$work/plant/readings.csv" "$work/readings/"
  blob_storage container models readings predictions
  blob_storage upload models "$work/plant/models"
  blob_storage upload readings "$work/readings"
}

# To be called without `set -e`, and not under `if` or `||`, which would switch it off within the scenario.
run_scenario() {
  local name=$1 code started=$SECONDS
  : >"$work/runs"
  (set -e; "scenario_$name") >"$work/said" 2>&1
  code=$?
  if [[ $code -eq 0 ]]; then
    echo "ok $name ($((SECONDS - started)) s)$(sed 's/^/  /' "$work/said" | tail -n 3 | tr '\n' ';')"
    return 0
  fi
  echo "FAILED $name ($((SECONDS - started)) s)"
  sed 's/^/  /' "$work/said"
  explain | sed 's/^/  | /'
  # It may have failed while one of these was stopped.
  cluster restart-azurite
  cluster restart-controller-manager
  return 1
}

trap finish EXIT
for name in "${scenarios[@]}"; do
  declare -F "scenario_$name" >/dev/null || fail "no scenario $name; there are: $(declare -F | sed -n 's/declare -f scenario_//p' | xargs)"
done
set_up
failures=0
for name in "${scenarios[@]}"; do
  set +e
  run_scenario "$name"
  ((failures += $?))
  set -e
done
echo "$((${#scenarios[@]} - failures)) of ${#scenarios[@]} scenarios passed"
exit "$failures"
