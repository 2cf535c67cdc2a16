#!/usr/bin/env bash
# The simulated plant on a real cluster: scripts/cluster-demo.sh FLEETSCORE [IMAGES]
# Starts testcluster/ and Azurite, installs the chart, scores 200 sensors in pods and shows the run. The cluster stays up.
set -euo pipefail

fleetscore=$1
cd "$(dirname "$0")/.."
images=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/images}
plant=$(mktemp -d)
trap 'rm -rf "$plant"' EXIT
cluster=${CLUSTER:-testcluster/cluster}
run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$cluster" run "$@"
}

"$cluster" up
"$cluster" load "$images/fleetscore-operator.tar"
"$cluster" load "$images/fleetscore-scorer.tar"
"$cluster" azurite

"$fleetscore" simulate --sensors 200 --hours 4 --seed 1 --out "$plant" --force
"$fleetscore" train -f "$plant/train.yaml"
mkdir "$plant/readings"
mv "$plant/readings.csv" "$plant/readings/"
"$cluster" run scripts/azurite.sh container models readings predictions
"$cluster" run scripts/azurite.sh upload models "$plant/models"
"$cluster" run scripts/azurite.sh upload readings "$plant/readings"

run helm upgrade --install fleetscore charts/fleetscore --namespace fleetscore-system --create-namespace \
  --set image.tag=dev --set image.pullPolicy=Never --wait --timeout 2m
"$cluster" run kubectl create namespace plant --dry-run=client --output yaml | "$cluster" run kubectl apply -f - >/dev/null
run kubectl -n plant delete scoringrun plant --ignore-not-found
run kubectl -n plant apply -f examples/cluster/run.yaml
run kubectl -n plant wait scoringrun/plant --for=condition=Reconciling=false --timeout=5m
run kubectl -n plant get jobs
run kubectl -n plant get scoringrun plant --output wide
run "$fleetscore" report az://predictions/plant/ --account devstoreaccount1 --auth emulator --endpoint http://10.99.0.1:10000
printf '\nLook around: %s run kubectl -n plant describe scoringrun plant\nStop it:     %s down\n' "$cluster" "$cluster"
