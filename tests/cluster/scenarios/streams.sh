# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Streams in pods: from a broker's events to runs that wait for their readings, through rollouts, kills and pods that are frozen.

readonly BROKER=10.99.0.1:9092
readonly PARTITIONS=4

# stream_of NAME: a manifest; it reads the topic of its name in segments of a minute, and saves as often as CHECKPOINT says (default: every
# 2 s). Standard input: more of its spec.
stream_of() {
  cat <<Y
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ReadingStream
metadata: {name: $1, namespace: $NAMESPACE}
spec:
  source: {kafka: {bootstrapServers: ["$BROKER"], topic: $1}, startAt: Earliest}
  event:
    fields: {ts: {type: Time}, device: {}, tag: {}, Value: {path: value, type: Number}}
    columns: {time: ts, keys: {Device: device, Tag: tag}, features: [Value]}
  lateness: {toleranceSeconds: 2, idleSeconds: 20}
  output: {location: "az://readings/$1/", segmentSeconds: 60, timeColumn: TS}
  checkpointSeconds: ${CHECKPOINT:-2}
  podTemplate: {spec: {containers: [{name: ingest, resources: {requests: {cpu: 50m, memory: 64Mi}}}]}}
  storage: $STORAGE
Y
  cat
}

# begin_stream NAME: creates a stream, and feeds it until `end_stream`. Standard input: more of its spec.
begin_stream() {
  local manifest
  manifest=$(stream_of "$1")
  kube delete readingstream "$1" --ignore-not-found --cascade=foreground >/dev/null
  begin_feeding "$1"
  kube create -f - <<<"$manifest" >/dev/null
}

# begin_feeding NAME: the topic is there when this returns.
begin_feeding() {
  cluster broker >/dev/null
  blobs clear readings "$1/"
  rm -rf "$work/fed-$1"
  mkdir -p "$work/fed-$1"
  touch "$work/feeding-$1"
  feed "$1" &
  within 30 has_been_fed "$1"
}

# feed NAME: sends the plant's readings as they come, ten seconds of them at a time, each sensor's every second.
feed() {
  local start folder
  start=$(date +%s)
  while [[ -e $work/feeding-$1 ]]; do
    if (($(date +%s) < start + 10)); then
      sleep 0.2
      continue
    fi
    folder=$work/fed-$1/$start
    cluster run "$fleetscore" simulate --sensors 24 --tags 4 --seed 1 --start "$(date -u -d "@$start" +%Y-%m-%dT%H:%M:%SZ)" --hours 0.0027777 \
      --interval-seconds 1 --train-hours 0.01 --delay-seconds 1 --late-devices 0 --early-devices 0 --duplicate-rate 0 --out "$folder" \
      --to-kafka "$BROKER/$1" --partitions "$PARTITIONS" >"$work/fed-$1/said" 2>&1 || return 1
    touch "$folder/sent"
    ((start += 10))
  done
}

has_been_fed() { # has_been_fed NAME
  compgen -G "$work/fed-$1/*/sent"
}

end_stream() { # end_stream NAME
  rm -f "$work/feeding-$1"
  kube delete readingstream "$1" --timeout=90s >/dev/null
}

of_stream() { # of_stream NAME JSONPATH
  kube get readingstream "$1" -o "jsonpath={$2}"
}

stream_says() { # stream_says NAME TYPE STATUS [REASON]: a condition
  [[ $(of_stream "$1" ".status.conditions[?(@.type==\"$2\")].status") == "$3" ]] &&
    [[ -z ${4:-} || $(of_stream "$1" ".status.conditions[?(@.type==\"$2\")].reason") == "$4" ]]
}

owns_all() { # owns_all NAME
  [[ $(of_stream "$1" .status.partitions) == "{\"idle\":"*"\"owned\":$PARTITIONS,\"stalled\":0,\"total\":$PARTITIONS}" ||
    "$(of_stream "$1" .status.partitions.owned) $(of_stream "$1" .status.partitions.total)" == "$PARTITIONS $PARTITIONS" ]]
}

complete_through() { # complete_through NAME TIME (seconds): all segments that end then or before are published
  local through
  through=$(of_stream "$1" .status.completeThrough)
  [[ -n $through ]] && (($(date -d "$through" +%s) >= $2))
}

stream_pods() { # stream_pods NAME: names of those that run
  kube get pods -l "scoring.fleetscore.io/stream=$1" --field-selector status.phase=Running \
    -o 'go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}'
}

has_stream_pods() { # has_stream_pods NAME NUMBER
  [[ $(stream_pods "$1" | wc -l) -eq $2 ]]
}

# ticks_on NAME: a schedule of the stream's name that scores each minute of its readings.
ticks_on() {
  blobs clear predictions "$1/"
  kube delete scoringschedule "$1" --ignore-not-found --cascade=foreground >/dev/null
  kube create -f - >/dev/null <<Y
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringSchedule
metadata: {name: $1, namespace: $NAMESPACE}
spec:
  schedule: "* * * * *"
  concurrencyPolicy: Queue
  history: {succeeded: 10}
  runTemplate:
    spec:
      sensors: {fromModels: {}}
      model: {location: "$MODEL"}
      input: {location: "az://readings/$1/", columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}}
      output: {location: "az://predictions/{schedule}/{run}/", file: "preds_{device}_{tag}.csv"}
      sharding: {sensorsPerPod: 24}
      storage: $STORAGE
Y
}

# each_scored_once NAME: every reading that was sent, in the windows of the first runs of the schedule, which have ended well.
each_scored_once() {
  local run sensor folder=$work/scored-$1
  mkdir -p "$folder"
  runs_of "$1" | while read -r run; do
    [[ $(field "$run" .status.phase </dev/null) == Succeeded ]] || continue
    for sensor in {1..6}_{1..4}; do
      blobs get predictions "$1/$run/preds_$sensor.csv" >"$folder/$run-$sensor.csv" </dev/null
    done
    field "$run" '.spec.window.start} {.spec.window.end' </dev/null
    echo
  done >"$folder/windows"
  # Last: whatever was scored has been sent by now.
  { echo TS,Device,Tag,Value,Label; cat "$work/fed-$1"/*/readings.csv | grep -v '^TS,'; } >"$folder/readings.csv"
  python3 "$here/partition.py" "$folder/readings.csv" "$folder/windows" "$folder/$1-"*.csv
}

# Three ticks of a schedule: its runs wait for the readings of their minute. Then a tick while the stream is suspended.
scenario_stream_ticks() {
  local run
  begin_stream minutes </dev/null
  within 120 stream_says minutes Ready True
  within 30 owns_all minutes
  ticks_on minutes
  within 300 ended_well minutes 3
  each_scored_once minutes

  kube patch readingstream minutes --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
  within 60 has_stream_pods minutes 0
  within 30 stream_says minutes Ready True Suspended
  run=$(date -u -d "@$(($(date +%s) / 60 * 60 + 60))" +minutes-%s)
  within 90 exists "$run"
  within 60 in_phase "$run" WaitingForReadings
  kube patch readingstream minutes --type=merge -p '{"spec": {"suspend": false}}' >/dev/null
  within 180 in_phase "$run" Succeeded
  kube patch scoringschedule minutes --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
  each_scored_once minutes
  end_stream minutes
  blobs list readings minutes/ | grep -q _SUCCESS || fail "the stream's readings are gone with it"
}

exists() { # exists RUN
  kube get scoringrun "$1"
}

# The stream scales, is rolled out, loses a pod and has one frozen. Nothing is lost or doubled, and no pause is long.
scenario_stream_moves() {
  local pod uid
  begin_stream moving <<<"  replicas: 2"
  follow moving
  within 120 stream_says moving Ready True
  within 60 owns_all moving
  ticks_on moving
  kube scale readingstream moving --replicas=3 >/dev/null
  within 60 has_stream_pods moving 3
  within 60 owns_all moving
  kube scale readingstream moving --replicas=2 >/dev/null
  within 60 has_stream_pods moving 2

  kube patch readingstream moving --type=merge -p '{"spec": {"podTemplate": {"metadata": {"annotations": {"rolled": "out"}}}}}' >/dev/null
  within 90 rolled_out moving
  within 60 owns_all moving
  python3 "$here/pauses.py" 12 <"$work/logs-moving"

  mark moving
  pod=$(stream_pods moving | head -n 1)
  uid=$(kube get pod "$pod" -o 'jsonpath={.metadata.uid}')
  kube delete pod "$pod" --grace-period=0 --force >/dev/null 2>&1
  kill_container "$uid" || true
  within 135 owns_all_again moving
  echo "a pod killed: all partitions owned again"

  pod=$(stream_pods moving | head -n 1)
  uid=$(kube get pod "$pod" -o 'jsonpath={.metadata.uid}')
  mark moving
  signal_container "$uid" STOP
  # Longer than its claims last, which is four checkpoints.
  within 60 says_nothing_of moving "$pod"
  within 60 owns_all_again moving
  signal_container "$uid" CONT
  within 60 lost_all "$pod"

  within 300 ended_well moving 3
  kube patch scoringschedule moving --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
  each_scored_once moving
  end_stream moving
}

# follow NAME: the logs of all of its pods, also of those that are gone meanwhile, into one file.
follow() {
  : >"$work/logs-$1"
  while [[ -e $work/feeding-$1 ]]; do
    for pod in $(stream_pods "$1"); do
      [[ ! -e $work/followed-$pod ]] || continue
      touch "$work/followed-$pod"
      kube logs -f "$pod" 2>/dev/null | sed -u "s/^{/{\"pod\": \"$pod\", /" >>"$work/logs-$1" &
    done
    sleep 0.2
  done &
}

rolled_out() { # rolled_out NAME
  kube rollout status "deployment/$1-ingest" --timeout=1s
}

mark() { # mark NAME: what is logged from now on is new
  wc -l <"$work/logs-$1" >"$work/mark-$1"
}

owns_all_again() { # owns_all_again NAME: after a claim that is new
  tail -n "+$(($(<"$work/mark-$1") + 1))" "$work/logs-$1" | grep -q '"claimed"' && owns_all "$1"
}

says_nothing_of() { # says_nothing_of NAME POD: the status names it, or no longer counts it
  [[ $(of_stream "$1" .status) == *"$2"* ]] || stream_says "$1" Ready False || owns_all "$1"
}

lost_all() { # lost_all POD: it has found its claims gone
  [[ $(kube logs "$1" | grep -c 'was claimed by another process') -ge 1 ]]
}

signal_container() { # signal_container UID SIGNAL: to the program in that pod's cgroup, and to nothing else
  local pid found=0
  while read -r pid; do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == fleetscore* ]] || continue
    kill "-$2" "$pid"
    found=1
  done < <(find /sys/fs/cgroup -path "*testcluster-$TESTCLUSTER_NAME/*pod$1/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un)
  [[ $found -eq 1 ]] || fail "no program of the pod $1"
}
