# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# What the scenarios share: runs, their ends, and what lies in storage.

NAMESPACE=plant
# What `run_of` writes; a scenario sets what it needs otherwise.
MODEL='az://models/model_{device}_{tag}.fsm'
INPUT='az://readings/readings.csv'
OUTPUT='az://predictions/{run}/'
WORKER=
ZONE=Etc/UTC
STORAGE='{azure: {account: devstoreaccount1, auth: Emulator, endpoint: "http://10.99.0.1:10000"}}'

fail() {
  echo "$*" >&2
  exit 1
}

cluster() { "$root/testcluster/cluster" "$@"; }
kube() { cluster run kubectl -n "$NAMESPACE" "$@"; }

equal() { # equal WANTED FOUND WHAT
  [[ $1 == "$2" ]] || fail "$3: wanted $1, found $2"
}

has() { # has TEXT WANTED WHAT
  [[ $1 == *"$2"* ]] || fail "$3 lacks \"$2\": $1"
}

make_namespace() {
  cluster run kubectl create namespace "$1" --dry-run=client -o yaml | cluster run kubectl apply -f - >/dev/null
  cluster run kubectl label --overwrite namespace "$1" pod-security.kubernetes.io/enforce=restricted >/dev/null
}

# run_of NAME: a manifest. Standard input: more of its spec.
run_of() {
  cat <<Y
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringRun
metadata: {name: $1, namespace: $NAMESPACE}
spec:
  model: {location: "$MODEL"${WORKER:+, worker: {$WORKER\}}}
  input: {location: "$INPUT", columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value], timeZone: $ZONE}}
  output: {location: "$OUTPUT", file: "preds_{device}_{tag}.csv"}
  storage: $STORAGE
Y
  cat
}

# start NAME: creates a run, with more of its spec from standard input. One of an earlier time goes first.
start() {
  local manifest
  manifest=$(run_of "$1")
  echo "$NAMESPACE $1" >>"$work/runs"
  kube delete scoringrun "$1" --ignore-not-found >/dev/null
  kube create -f - <<<"$manifest" >/dev/null
}

field() { # field RUN JSONPATH
  kube get scoringrun "$1" -o "jsonpath={$2}"
}

condition() { # condition RUN TYPE FIELD
  field "$1" ".status.conditions[?(@.type==\"$2\")].$3"
}

# ends RUN PHASE [SECONDS]: it must end so.
ends() {
  kube wait "scoringrun/$1" --for=condition=Reconciling=false --timeout="${3:-180}s" >/dev/null || fail "$1 has not ended"
  equal "$2" "$(field "$1" .status.phase)" "phase of $1 ($(condition "$1" Ready reason): $(condition "$1" Ready message))"
}

in_phase() { # in_phase RUN PHASE
  [[ $(field "$1" .status.phase) == "$2" ]]
}

scored() { # scored RUN NUMBER: at least so many of its pods have succeeded
  (($(kube get job "$1-score-0" -o 'jsonpath={.status.succeeded}') >= $2))
}

pods() { # pods RUN STEP PHASE: names
  kube get pods -l "scoring.fleetscore.io/run=$1,scoring.fleetscore.io/step=$2" --field-selector "status.phase=$3" -o name
}

has_pods() { # has_pods RUN STEP PHASE
  [[ -n $(pods "$@") ]]
}

no_pods() { # no_pods RUN STEP PHASE
  [[ -z $(pods "$@") ]]
}

# described RUN TEXT...: what a person reads.
described() {
  local said text
  said=$(kube describe scoringrun "$1")
  for text in "${@:2}"; do
    has "$said" "$text" "describe scoringrun $1"
  done
}

# told RUN REASON: in the conditions of a run that has failed, and in its events.
told() {
  equal "$2" "$(condition "$1" Failed reason)" "reason of $1 ($(condition "$1" Failed message))"
  equal True "$(condition "$1" Stalled status)" "Stalled of $1"
  within 20 event_says "$1" "$2"
}

event_says() { # event_says RUN TEXT
  [[ $(kube get events --field-selector "involvedObject.name=$1,type=Warning" -o 'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}') == *"$2"* ]]
}

blob_storage() { cluster run "$root/scripts/azurite.sh" "$@"; }

blobs() { # blobs COMMAND CONTAINER NAME
  local token=$work/sas-$2
  [[ -s $token ]] || blob_storage sas "$2" 600 >"$token"
  cluster run env FLEETSCORE_AZURITE_SAS="$(<"$token")" python3 "$here/blobs.py" "$@"
}

# reference: the outputs of an undisturbed run of all sensors, made once.
reference() {
  if [[ ! -s $work/reference ]]; then
    start reference <<<"  sharding: {sensorsPerPod: 1, parallelism: 6}"
    ends reference Succeeded
    blobs digest predictions reference/ >"$work/reference.new"
    equal 25 "$(wc -l <"$work/reference.new")" "outputs of the undisturbed run"
    mv "$work/reference.new" "$work/reference"
  fi
  cat "$work/reference"
}

# same_outputs RUN: as the undisturbed run's, byte by byte.
same_outputs() {
  local differences
  differences=$(diff <(reference) <(blobs digest predictions "$1/")) || fail "outputs of $1: $differences"
}

# complete RUN: all 24 sensors, each once.
complete() {
  ends "$1" Succeeded "${2:-180}"
  same_outputs "$1"
  equal '{"failed":0,"succeeded":24,"total":24}' "$(field "$1" .status.sensors)" "sensors of $1"
  equal "$(field reference .status.rows) $(field reference .status.anomalies)" "$(field "$1" .status.rows) $(field "$1" .status.anomalies)" \
    "rows and anomalies of $1"
}

# explain: what there is to know of the runs of a scenario that failed.
explain() {
  local run
  sort -u "$work/runs" | while read -r NAMESPACE run; do
    kube describe scoringrun "$run" </dev/null | sed -n '/^Status:/,$p' || true
    kube get jobs,pods -l "scoring.fleetscore.io/run=$run" </dev/null || true
    kube get workloads.kueue.x-k8s.io </dev/null 2>/dev/null || true
  done
  cluster run kubectl -n fleetscore-system logs deployment/fleetscore-operator --tail=5 | cut -c 1-600 || true
}
