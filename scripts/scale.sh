#!/usr/bin/env bash
# Checks that time and memory grow with the fleet, not faster, and that memory keeps to its bound: scripts/scale.sh FLEETSCORE
#
# - 5 million rows of 15 sensors in one CSV file: peak memory within the default bound of 256 MiB.
# - 1 to 10,000 sensors, readings and predictions in CSV and Parquet, small and large models, with bounds of 64 to 256 MiB: peak
#   memory within the bound and 15% more, and the same predictions with 256 files open at most.
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

# A plant in the folder $1 with $2 sensors and $3 hours of readings every $4 seconds, and its models.
plant() {
  "$fleetscore" simulate --sensors "$2" --hours "$3" --interval-seconds "$4" --train-hours 4 --train-interval-seconds 60 --seed 1 \
    --out "$1" >/dev/null
  "$fleetscore" train -f "$1/train.yaml" >/dev/null
}

# Every model of the plant in the folder $1 becomes one of $2 support vectors.
enlarge() {
  python3 - "$1" "$2" <<'PYTHON'
import glob, os, sys
folder, vectors = sys.argv[1], int(sys.argv[2])
lines = [f"{1 / vectors} 1:{20 + 10 * number / vectors} \n" for number in range(vectors)]
head = f"svm_type one_class\nkernel_type rbf\ngamma 0.1\nnr_class 2\ntotal_sv {vectors}\nrho 0.3\nSV\n"
first = None
for path in sorted(glob.glob(f"{folder}/models/*")):
    os.remove(path)
    if first is None:
        first = path
        open(path, "w").writelines([head, *lines])
    else:
        os.link(first, path)
PYTHON
}

# Scores the plant in the folder $1 within $2 MiB, with predictions in the format $3, into the folder $4.
within() {
  measure "$fleetscore" run --quiet --memory "$2" -f "$1/run.yaml" --set "spec.output.location=$4/" \
    --set "spec.output.file=preds_{device}_{tag}.$3"
  echo "  $1, $3: $seconds s, peak memory $mib MiB of $2"
  [[ $((mib * 100)) -le $(($2 * 115)) ]] || { echo "more than $2 MiB and 15%" >&2; exit 1; }
}

echo "5 million rows of 15 sensors"
"$fleetscore" simulate --sensors 15 --hours 463 --seed 1 --train-hours 6 --out rows >/dev/null
"$fleetscore" train -f rows/train.yaml >/dev/null
measure "$fleetscore" run --quiet -f rows/run.yaml
echo "  $(($(wc -l <rows/readings.csv) - 1)) rows, $seconds s, peak memory $mib MiB"
[[ $mib -le 256 ]] || { echo "more than 256 MiB" >&2; exit 1; }

echo "the bound of memory"
"$fleetscore" simulate --sensors 15 --hours 463 --seed 1 --train-hours 6 --format parquet --out rows-parquet >/dev/null
"$fleetscore" train -f rows-parquet/train.yaml >/dev/null
plant one 1 500 1
plant 3000-sensors 3000 2 1
plant 10000-sensors 10000 2 10
plant large-models 1000 1 10
enlarge large-models 30000
for folder in one 3000-sensors 10000-sensors large-models rows rows-parquet; do
  for format in csv parquet; do
    within "$folder" 256 "$format" "bound-$format"
    rm -rf "$folder/bound-$format"
  done
done
for format in csv parquet; do
  within large-models 64 "$format" "bound-$format"
  within rows-parquet 128 "$format" "bound-$format"
  within 3000-sensors 64 "$format" "bound-$format"
  (ulimit -n 256 && within 3000-sensors 256 "$format" "few-files-$format")
  diff -rq --exclude _run "3000-sensors/bound-$format" "3000-sensors/few-files-$format"
  rm -rf 3000-sensors/{bound,few-files}-"$format"
done
rm -rf one ./*-sensors large-models rows-parquet

# Interleaved, five times each, and the median. Each into a folder of its own and nothing removed before the end: for some seconds
# after many files were deleted, ext4 is slow to make new ones, which would pass for a slow program.
fleets=(1250 2500 5000)
for sensors in "${fleets[@]}"; do
  plant "fleet-$sensors" "$sensors" 1 60
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
