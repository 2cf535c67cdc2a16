#!/usr/bin/env bash
# A plant of 200 sensors from nothing to a report: scripts/demo.sh FLEETSCORE [DIR]
set -euo pipefail

fleetscore=$1
here=$(cd "$(dirname "$0")/.." && pwd)
dir=${2:-${TMPDIR:-/tmp}/fleetscore-demo}
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

say fleetscore simulate --sensors 200 --hours 4 --seed 1 --out "$dir" --force
"$fleetscore" simulate --sensors 200 --hours 4 --seed 1 --out "$dir" --force
say fleetscore train -f "$dir/train.yaml"
"$fleetscore" train -f "$dir/train.yaml"
cp "$here/examples/plant.yaml" "$dir/plant.yaml"
say fleetscore run -f "$dir/plant.yaml"
"$fleetscore" run -f "$dir/plant.yaml"
printf '\nOpen the report: file://%s/predictions/_run/report.html\n' "$dir"
