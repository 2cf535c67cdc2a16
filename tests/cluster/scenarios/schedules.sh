# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Runs on a schedule, on a real clock: per-minute schedules, operators that are killed, manifests that are applied again.

# schedule_of NAME: a manifest; every minute, or as CRON says. PAUSED=1: its runs are suspended. Standard input: more of its spec, on the
# level of `schedule`.
schedule_of() {
  cat <<Y
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringSchedule
metadata: {name: $1, namespace: $NAMESPACE}
spec:
  schedule: "${CRON:-* * * * *}"
  runTemplate:
    spec:
      suspend: $([[ ${PAUSED:-} == 1 ]] && echo true || echo false)
      sensors: {list: [{device: "1", tag: "1"}]}
      model: {location: "$MODEL"}
      input: {location: "$INPUT", columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}, onNoReadings: Succeed}
      output: {location: "$OUTPUT", file: "preds_{device}_{tag}.csv"}
      storage: $STORAGE
Y
  cat
}

# begin_schedule NAME: creates a schedule, with more of its spec from standard input. One of an earlier time goes first, with its runs.
begin_schedule() {
  local manifest
  manifest=$(schedule_of "$1")
  kube delete scoringschedule "$1" --ignore-not-found --cascade=foreground >/dev/null
  kube create -f - <<<"$manifest" >/dev/null
}

of_schedule() { # of_schedule NAME JSONPATH
  kube get scoringschedule "$1" -o "jsonpath={$2}"
}

runs_of() { # runs_of NAME: names of its runs, oldest first
  kube get scoringruns -l "scoring.fleetscore.io/schedule=$1" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' | sort
}

has_runs() { # has_runs NAME NUMBER: at least so many
  [[ $(runs_of "$1" | wc -l) -ge $2 ]]
}

ended_well() { # ended_well NAME NUMBER: at least so many of its runs have
  [[ $(kube get scoringruns -l "scoring.fleetscore.io/schedule=$1" -o 'jsonpath={range .items[*]}{.status.phase}{"\n"}{end}' | grep -c '^Succeeded$') -ge $2 ]]
}

is_ready() { # is_ready NAME: the operator has seen the schedule as it is now
  [[ $(of_schedule "$1" '.status.conditions[?(@.type=="Ready")].status') == True &&
    $(of_schedule "$1" .status.observedGeneration) == "$(of_schedule "$1" .metadata.generation)" ]]
}

# readings_around_now FILE: one reading every ten seconds, from two minutes ago to six minutes ahead, of the sensor that has a model.
readings_around_now() {
  python3 - "$1" <<'P'
import datetime
import sys

now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
first = now - datetime.timedelta(minutes=2)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write("TS,Device,Tag,Value\n")
    for number in range(48):
        time = first + datetime.timedelta(seconds=10 * number)
        file.write(f"{time:%Y-%m-%dT%H:%M:%SZ},1,1,{20 + number % 7}\n")
P
}

# Three ticks of real runs; every reading within their windows is scored once.
scenario_schedule_windows() {
  local run names
  mkdir -p "$work/minutely"
  readings_around_now "$work/minutely/minutely.csv"
  blob_storage upload readings "$work/minutely"
  blobs clear predictions minutely/
  INPUT=az://readings/minutely.csv OUTPUT='az://predictions/{schedule}/{run}/'
  begin_schedule minutely <<<'  concurrencyPolicy: Queue
  history: {succeeded: 10}'
  within 20 is_ready minutely
  within 240 ended_well minutely 3
  kube patch scoringschedule minutely --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
  mapfile -t names < <(runs_of minutely | head -n 3)
  for run in "${names[@]}"; do
    equal "minutely-$(date -u -d "$(field "$run" .spec.window.end)" +%s)" "$run" "name of the run of the window that ends at its tick"
    blobs get predictions "minutely/$run/preds_1_1.csv" >"$work/minutely/$run.csv"
    field "$run" '.spec.window.start} {.spec.window.end'
    echo
  done >"$work/minutely/windows"
  python3 "$here/partition.py" "$work/minutely/minutely.csv" "$work/minutely/windows" "$work/minutely/"minutely-*.csv
  equal 0 "$(of_schedule minutely .status.missedRuns)" "missed ticks"
  kube describe scoringschedule minutely | grep -q RunCreated || fail "no event tells of the runs"
}

# An operator of its own is killed at every call around a tick. Whatever happens, the tick has one run.
scenario_schedule_killed() {
  crash_setup
  killed_ticks before
  killed_ticks after
}

# killed_ticks WHEN: kills at call 1, 2, 3, ... , a few rounds at a time, until a tick passes without being killed. The tick of all rounds
# is due before any of their operators is started.
killed_ticks() {
  local when=$1 number=1 last=0 lane pids tick
  while :; do
    if ((number > last)); then
      ((number < 100)) || fail "no tick was done within 100 calls"
      last=$((number + 8 * LANES - 1))
      tick=$(tick_ahead)
      for ((lane = number; lane <= last; lane++)); do
        plan_tick "tick-$when-$lane" "$tick"
      done
      within 200 has_come "$tick"
    fi
    pids=()
    for ((lane = 0; lane < LANES; lane++)); do
      (set -e; killed_tick "tick-$when-$((number + lane))" "$((number + lane))" "$when" "$tick") &
      pids+=($!)
    done
    for ((lane = 0; lane < LANES; lane++)); do
      wait "${pids[lane]}" || fail "$when call $((number + lane)): $(cat "$work/crash/tick-$when-$((number + lane))".{what,errors} 2>&1)"
    done
    ((number += LANES))
    ! grep -lqx "not reached" "$work"/crash/tick-"$when"-*.what || break
  done
  echo "killed $when the answer of $(grep -Lx "not reached" "$work"/crash/tick-"$when"-*.what | wc -l) calls"
}

tick_ahead() { # in seconds since 1970: a full minute with time to prepare before it
  echo $(($(date +%s) / 60 * 60 + 180))
}

# plan_tick NAMESPACE TICK: a schedule that ticks then, and not again on that day. Its runs are suspended: no pods.
plan_tick() {
  local NAMESPACE=$1
  make_namespace "$NAMESPACE"
  PAUSED=1 CRON=$(date -u -d "@$2" '+%-M %-H %-d %-m *') begin_schedule tick </dev/null
}

killed_tick() { # killed_tick NAMESPACE NUMBER WHEN TICK
  local NAMESPACE=$1 tick=$4
  cluster run timeout 300 python3 "$here/crash.py" "$2" "$3" "$NAMESPACE" "tick@$tick" -- "$work/crash/operator" \
    --config "$work/crash/config.yaml" --namespaces "$NAMESPACE" --listen 127.0.0.1:0 --no-leader-election --log warn \
    >"$work/crash/$1.what" 2>"$work/crash/$1.errors" || return 1
  equal "tick-$tick" "$(runs_of tick)" "runs"
  equal 0 "$(of_schedule tick .status.missedRuns)" "missed ticks"
  equal "$tick" "$(date -d "$(of_schedule tick .status.settled.until)" +%s)" "the last settled tick"
  cluster run kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

has_come() { # has_come SECONDS since 1970
  [[ $(date +%s) -ge $1 ]]
}

# Two operators, of which one leads; it is killed. The next tick is late by no more than the lease, and none is lost.
scenario_schedule_leader() {
  crash_setup
  local NAMESPACE=leader first second lead follow created tick late
  make_namespace leader
  PAUSED=1 begin_schedule led <<'Y'
  concurrencyPolicy: Allow
  missedRuns: {policy: All}
Y
  start_operator first
  start_operator second
  within 90 has_leader
  within 100 has_runs led 1
  lead=$(kube get lease schedules -o 'jsonpath={.spec.holderIdentity}')
  kill -KILL "$(<"$work/crash/$lead.pid")"
  follow=first
  [[ $lead != first ]] || follow=second
  within 90 led_by "$follow"
  # The first tick after the change, and all before it.
  within 130 has_runs led 3
  kill -TERM "$(<"$work/crash/$follow.pid")"
  equal 0 "$(of_schedule led .status.missedRuns)" "ticks lost between the leaders"
  while read -r tick created; do
    late=$(($(date -d "$created" +%s) - ${tick#led-}))
    ((late <= 45)) || fail "$tick was created $late s late"
  done < <(kube get scoringruns -o 'jsonpath={range .items[*]}{.metadata.name} {.metadata.creationTimestamp}{"\n"}{end}')
  echo "runs: $(runs_of led | xargs)"
  cluster run kubectl delete namespace leader --wait=false >/dev/null
}

# start_operator NAME: a process of its own, with that identity; its process id goes to $work/crash/NAME.pid.
start_operator() {
  # shellcheck disable=SC2016  # that shell's own process id
  cluster run env POD_NAME="$1" bash -c 'echo $$ >"$1"; shift; exec "$@"' operator "$work/crash/$1.pid" "$work/crash/operator" \
    --config "$work/crash/config.yaml" --namespaces leader --lease-name schedules --lease-namespace leader --listen 127.0.0.1:0 --log warn \
    >"$work/crash/$1.log" 2>&1 &
}

has_leader() {
  [[ $(kube get lease schedules -o 'jsonpath={.spec.holderIdentity}') == @(first|second) ]]
}

led_by() { # led_by NAME
  [[ $(kube get lease schedules -o 'jsonpath={.spec.holderIdentity}') == "$1" ]]
}

# Applying the same manifest again, on either side, changes nothing; neither does the operator.
scenario_schedule_no_drift() {
  local manifest=$work/steady.yaml before
  PAUSED=1 schedule_of steady >"$manifest" <<'Y'
  timeZone: Europe/Berlin
  concurrencyPolicy: Allow
  window: {offsetSeconds: 60}
  backfill: {from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:02:00Z", maxConcurrent: 2}
Y
  kube delete scoringschedule steady --ignore-not-found --cascade=foreground >/dev/null
  kube apply -f - <"$manifest" >/dev/null
  within 100 has_runs steady 3
  before=$(steady_state)
  kube annotate scoringschedule steady scoring.fleetscore.io/trigger=once >/dev/null
  within 30 has_triggered
  kube diff -f - <"$manifest" >"$work/steady.diff" || fail "kubectl diff: $(<"$work/steady.diff")"
  kube apply -f - <"$manifest" >/dev/null
  kube apply --server-side --force-conflicts --field-manager=gitops -f - <"$manifest" >/dev/null
  kube apply --server-side --field-manager=gitops -f - <"$manifest" >/dev/null
  kube diff --server-side --field-manager=gitops -f - <"$manifest" >"$work/steady.diff" || fail "kubectl diff --server-side: $(<"$work/steady.diff")"
  equal "$before" "$(steady_state)" "generation and spec after applying again"
  equal once "$(of_schedule steady '.metadata.annotations.scoring\.fleetscore\.io/trigger')" "the trigger annotation"
  kube get scoringschedule steady -o json --show-managed-fields | python3 -c '
import json, sys
for entry in json.load(sys.stdin)["metadata"]["managedFields"]:
    if entry["manager"] == "fleetscore-operator":
        assert entry.get("subresource") == "status" and list(entry["fieldsV1"]) == ["f:status"], entry
' || fail "the operator has written more than the status"
  kube delete scoringschedule steady >/dev/null
  within 60 no_runs steady
}

steady_state() {
  of_schedule steady '.metadata.generation} {.spec'
}

has_triggered() {
  [[ $(of_schedule steady .status.lastTrigger.run) == steady-m* ]]
}

no_runs() { # no_runs NAME
  [[ -z $(runs_of "$1") ]]
}

# What the API server lets in is a schedule: the operator finds each valid one of crds/tests readable.
scenario_schedule_manifests() {
  local file name said refused=0
  make_namespace judged
  for file in "$root"/crds/tests/objects/invalid/schedule-*.yaml; do
    # One is a run's, whose labels the API server's rules do not see.
    [[ ${file##*/} != schedule-name-without-schedule.yaml ]] || continue
    said=$(cluster run kubectl -n judged create --dry-run=server --validate=strict -f "$file" 2>&1) && fail "${file##*/}: accepted"
    has "$said" "$(sed -n '1s/^# \([^:]*\): .*/\1/p' "$file")" "the refusal of ${file##*/}"
    ((++refused))
  done
  NAMESPACE=plant
  for file in "$root"/crds/tests/objects/valid/schedule-*.yaml "$root"/examples/schedule.yaml; do
    name=valid-$(basename "$file" .yaml | tr -cd 'a-z-')
    sed -e "0,/^  name: .*/s//  name: $name/" -e '0,/^spec:/s//spec:\n  suspend: true/' -e '/^  suspend: false/d' "$file" | kube apply -f - >/dev/null
    within 20 is_ready "$name"
    kube delete scoringschedule "$name" >/dev/null
  done
  # Of zones, the operator alone knows which there are.
  begin_schedule lost <<<'  timeZone: Europe/Berlim'
  within 20 is_stalled lost InvalidTimeZone
  has "$(of_schedule lost '.status.conditions[?(@.type=="Ready")].message')" "Europe/Berlin" "the message"
  kube delete scoringschedule lost >/dev/null
  echo "$refused invalid schedules refused"
}

is_stalled() { # is_stalled NAME REASON
  [[ $(of_schedule "$1" '.status.conditions[?(@.type=="Stalled")].status}{.status.conditions[?(@.type=="Stalled")].reason') == "True$2" ]]
}
