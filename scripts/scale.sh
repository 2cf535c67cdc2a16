#!/usr/bin/env bash
# Checks that time and memory grow with the fleet, not faster: scripts/scale.sh FLEETSCORE
#
# - 5 million rows of 15 sensors in one CSV file: peak memory within the default bound of 256 MiB.
# - 1,250, 2,500 and 5,000 sensors: prints seconds and peak memory of each, and fails where four times the sensors take more than
#   six times the time.
set -euo pipefail

fleetscore=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Runs a command; sets `seconds` and `mib` (peak memory) of it.
measure() {
  python3 - "$@" <<'PYTHON' >figures
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(f"{time.perf_counter() - start:.2f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} {code}")
PYTHON
  read -r seconds mib code <figures
  [[ $code -eq 0 ]] || { echo "exit code $code: $*" >&2; exit 1; }
}

echo "5 million rows of 15 sensors"
"$fleetscore" simulate --sensors 15 --hours 463 --seed 1 --train-hours 6 --out rows >/dev/null
"$fleetscore" train -f rows/train.yaml >/dev/null
measure "$fleetscore" run --quiet -f rows/run.yaml
echo "  $(($(wc -l <rows/readings.csv) - 1)) rows, $seconds s, peak memory $mib MiB"
[[ $mib -le 256 ]] || { echo "more than 256 MiB" >&2; exit 1; }
rm -r rows

for sensors in 1250 2500 5000; do
  "$fleetscore" simulate --sensors $sensors --hours 1 --interval-seconds 60 --train-hours 4 --seed 1 --out fleet >/dev/null
  "$fleetscore" train -f fleet/train.yaml >/dev/null
  measure "$fleetscore" run --quiet -f fleet/run.yaml
  echo "$sensors sensors: $seconds s, peak memory $mib MiB"
  times+=("$seconds")
  rm -r fleet
done
python3 -c "import sys; small, _, large = map(float, sys.argv[1:]); sys.exit(large > 6 * max(small, 0.05))" "${times[@]}" ||
  { echo "time grows faster than the fleet" >&2; exit 1; }
