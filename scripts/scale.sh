#!/usr/bin/env bash
# Checks that time and memory grow with the fleet, not faster: scripts/scale.sh FLEETSCORE
#
# - 5 million rows of 15 sensors in one CSV file: peak memory within the default bound of 256 MiB.
# - 1,250, 2,500 and 5,000 sensors: prints seconds and peak memory of each, and fails where four times the sensors take more than
#   six times the time or memory.
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

# Interleaved, five times each, and the median. Each into a folder of its own and nothing removed before the end: for some seconds
# after many files were deleted, ext4 is slow to make new ones, which would pass for a slow program.
fleets=(1250 2500 5000)
for sensors in "${fleets[@]}"; do
  "$fleetscore" simulate --sensors "$sensors" --hours 1 --interval-seconds 60 --train-hours 4 --seed 1 --out "fleet-$sensors" >/dev/null
  "$fleetscore" train -f "fleet-$sensors/train.yaml" >/dev/null
done
sync
for round in {1..5}; do
  for sensors in "${fleets[@]}"; do
    measure "$fleetscore" run --quiet -f "fleet-$sensors/run.yaml" --set "spec.output.location=predictions-$round/"
    echo "$sensors $seconds $mib" >>figures-of-fleets
  done
done
python3 - figures-of-fleets <<'PYTHON'
import statistics, sys
from collections import defaultdict

times, memory = defaultdict(list), defaultdict(list)
for line in open(sys.argv[1]):
    sensors, seconds, mib = line.split()
    times[int(sensors)].append(float(seconds))
    memory[int(sensors)].append(int(mib))
for sensors in sorted(times):
    print(f"{sensors} sensors: {statistics.median(times[sensors]):.2f} s, peak memory {max(memory[sensors])} MiB")
small, large = (max(statistics.median(times[sensors]), 0.05) for sensors in (min(times), max(times)))
if large > 6 * small or max(memory[max(times)]) > 6 * max(memory[min(times)]):
    sys.exit("time or memory grows faster than the fleet")
PYTHON
