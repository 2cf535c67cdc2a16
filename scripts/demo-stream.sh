#!/usr/bin/env bash
# A plant from its events to a report: scripts/with-broker.sh scripts/demo-stream.sh FLEETSCORE [DIR]
# Needs a Kafka broker at $FLEETSCORE_KAFKA, where it makes a topic of its own.
set -euo pipefail

fleetscore=$1
here=$(cd "$(dirname "$0")/.." && pwd)
dir=${2:-${TMPDIR:-/tmp}/fleetscore-demo-stream}
broker=${FLEETSCORE_KAFKA:?run it with scripts/with-broker.sh}
topic=plant-$(date +%s)-$$
# Four whole hours that have passed; the second one is scored.
hour=$(($(date +%s) / 3600 * 3600))
at() { date -u -d "@$((hour + $1 * 3600))" +%Y-%m-%dT%H:%M:%SZ; }
rm -rf "$dir/stream" "$dir/refused" "$dir/predictions"
show() {
  printf '\n\033[1m$ fleetscore %s\033[0m\n' "$*"
  "$fleetscore" "$@"
}

show simulate --sensors 60 --hours 4 --seed 1 --start "$(at -5)" --out "$dir" --force --to-kafka "$broker/$topic" --partitions 4
show train -f "$dir/train.yaml"
sed "s|127.0.0.1:9092|$broker|; s|topic: plant|topic: $topic|" "$here/examples/plant-stream.yaml" >"$dir/plant-stream.yaml"
cp "$here/examples/plant-stream-run.yaml" "$dir/plant-stream-run.yaml"
show plan -f "$dir/plant-stream.yaml"
show ingest -f "$dir/plant-stream.yaml" --until Latest
show run -f "$dir/plant-stream-run.yaml" --set spec.window.start="$(at -4)" --set spec.window.end="$(at -3)"
printf '\nPublished readings: %s\n' "$dir/stream/"
printf 'Open the report: file://%s\n' "$(echo "$dir"/predictions/*/_run/report.html)"
