#!/usr/bin/env bash
# Shows a large history and checks time, memory and size: scripts/dashboard-scale.sh SAMPLE_HISTORY FLEETSCORE SENSORS RUNS
set -euo pipefail

sample=$1 fleetscore=$2 sensors=$3 runs=$4
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

echo "writing $runs runs of $sensors sensors"
"$sample" "$work/plant" "$sensors" "$runs" 2026-11-28T16:00:00Z
# As in the chart's pod, what is freed goes back at once; otherwise the allocator keeps up to 100 MB of it for the next time.
: >"$work/address"
MIMALLOC_PURGE_DELAY=0 "$fleetscore" dashboard "$work/plant" --port 0 >"$work/address" 2>"$work/log" &
server=$!
until grep -q token "$work/address"; do
  kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
  read -rt 0.2 <> <(:) || true
done
address=$(<"$work/address")
origin=${address%%/\?*}
curl -s -o /dev/null -c "$work/cookies" "$address"

failed=0
# page NAME PATH MILLISECONDS: asks for a page, and says where it takes longer or is larger than 200 KB.
page() {
  local took size
  read -r took size < <(curl -sf -b "$work/cookies" -o /dev/null -w '%{time_total} %{size_download}\n' "$origin$2")
  awk -v name="$1" -v took="$took" -v size="$size" -v limit="$3" 'BEGIN {
    ok = took * 1000 <= limit && size <= 200000
    printf "%-22s %7.0f ms of %5d  %7d bytes  %s\n", name, took * 1000, limit, size, ok ? "ok" : "TOO MUCH"
    exit !ok
  }' || failed=1
}
sensor=$(curl -sf -b "$work/cookies" "$origin/runs.json?schedule=pumps" | sed -n 's/.*"link": "\(.*\)",/\1/p' | head -1)
page 'overview, cold' / 3000
page 'schedule, cold' /schedules/plant-a/pumps 3000
page 'run, cold' "$sensor" 3000
page 'sensor, cold' '/sensors/plant-a/pumps/device=pump-00003,tag=flow' 3000
for path in / /runs /schedules/plant-a/pumps /health/plant-a/pumps "$sensor" '/sensors/plant-a/pumps/device=pump-00003,tag=flow'; do
  page "warm $(cut -d/ -f2 <<<"$path")" "$path" 300
done
memory=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$server/status")
echo "memory at most ${memory} MiB of 256"
((memory <= 256)) || failed=1
exit "$failed"
