#!/usr/bin/env bash
# The simulated plant on a real cluster, from its events to predictions: scripts/cluster-demo.sh FLEETSCORE [IMAGES]
# Starts testcluster/ with a Kafka broker and Azurite, installs the chart, has a stream publish what 60 sensors send, and a schedule score
# the hours. The cluster stays up.
set -euo pipefail

fleetscore=$1
cd "$(dirname "$0")/.."
images=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/images}
plant=$(mktemp -d)
trap 'rm -rf "$plant"' EXIT
cluster=${CLUSTER:-testcluster/cluster}
# Three whole hours that have passed; the last two are scored.
hour=$(($(date +%s) / 3600 * 3600))
at() { date -u -d "@$((hour + $1 * 3600))" +%Y-%m-%dT%H:%M:%SZ; }
run() {
  printf '\n\033[1m$ %s\033[0m\n' "$*"
  "$cluster" run "$@"
}

"$cluster" up
for image in operator scorer ingest; do
  "$cluster" load "$images/fleetscore-$image.tar"
done
"$cluster" azurite
"$cluster" broker
"$cluster" run scripts/azurite.sh container models readings predictions

run helm upgrade --install fleetscore charts/fleetscore --namespace fleetscore-system --create-namespace \
  --set image.tag=dev --set image.pullPolicy=Never --wait --timeout 2m
"$cluster" run kubectl create namespace plant --dry-run=client --output yaml | "$cluster" run kubectl apply -f - >/dev/null
"$cluster" run kubectl -n plant delete scoringschedule,readingstream plant --ignore-not-found

# Every start has a topic and folders of its own.
name=plant-$(date +%s)
run "$fleetscore" simulate --sensors 60 --hours 3 --seed 1 --start "$(at -4)" --out "$plant" --force --to-kafka "10.99.0.1:9092/$name"
"$fleetscore" train -f "$plant/train.yaml"
"$cluster" run scripts/azurite.sh upload models "$plant/models"

sed "s|topic: plant|topic: $name|; s|readings/plant/|readings/$name/|" examples/cluster/stream.yaml >"$plant/stream.yaml"
sed "s|readings/plant/|readings/$name/|; s|2026-01-05T02:00:00Z|$(at -2)|; s|2026-01-05T04:00:00Z|$(at 0)|" examples/cluster/schedule.yaml >"$plant/schedule.yaml"
run kubectl -n plant apply -f "$plant/stream.yaml"
run kubectl -n plant apply -f "$plant/schedule.yaml"
run kubectl -n plant wait readingstream/plant --for=condition=Ready --timeout=2m
run kubectl -n plant wait scoringschedule/plant --for=jsonpath='{.status.backfill.done}'=2 --timeout=5m
run kubectl -n plant get readingstream,scoringschedule,scoringrun
run "$fleetscore" report "az://predictions/$(date -u -d "$(at -2)" +%Y-%m-%dT%H)/" --account devstoreaccount1 --auth emulator \
  --endpoint http://10.99.0.1:10000
printf '\nLook around: %s run kubectl -n plant describe readingstream plant\nStop it:     %s down\n' "$cluster" "$cluster"
