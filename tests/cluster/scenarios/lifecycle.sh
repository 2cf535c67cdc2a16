# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# What a person does to a run, and what its spec says of its end.

# Six sensors without a model, one pod at a time: the first failure passes the limit.
scenario_fail_fast() {
  start fail-fast <<'Y'
  sensors: {list: [{device: "91", tag: "1"}, {device: "92", tag: "1"}, {device: "93", tag: "1"}, {device: "94", tag: "1"}, {device: "95", tag: "1"}, {device: "96", tag: "1"}]}
  sharding: {sensorsPerPod: 1, parallelism: 1}
  failurePolicy: {maxFailedSensors: 1, failFast: true}
Y
  ends fail-fast Failed
  told fail-fast TooManyFailedSensors
  local pods
  pods=$(kube get pods -l scoring.fleetscore.io/run=fail-fast,scoring.fleetscore.io/step=score -o name | wc -l)
  ((pods >= 2 && pods < 6)) || fail "$pods pods were started"
  described fail-fast ModelNotFound
}

suspend() { # suspend RUN true|false
  kube patch scoringrun "$1" --type=merge -p "{\"spec\": {\"suspend\": $2}}" >/dev/null
}

scenario_suspended() {
  reference >/dev/null
  start suspended <<<"  sharding: {sensorsPerPod: 1, parallelism: 3}"
  within 90 scored suspended 3
  suspend suspended true
  within 60 in_phase suspended Suspended
  within 60 no_active suspended
  local before
  before=$(kube get job suspended-score-0 -o 'jsonpath={.status.succeeded}')
  ((before < 24)) || fail "all pods had succeeded before it was suspended"
  equal "" "$(kube get pods -l scoring.fleetscore.io/run=suspended --field-selector status.phase=Running -o name)" "running pods of a suspended run"
  suspend suspended false
  complete suspended
}

no_active() { # no_active RUN: no pod of the Job is left to run
  [[ -z $(kube get job "$1-score-0" -o 'jsonpath={.status.active}{.status.terminating}' | tr -d 0) ]]
}

# What was scored before the deadline is reported.
scenario_deadline() {
  start deadline <<'Y'
  sharding: {sensorsPerPod: 1, parallelism: 1}
  activeDeadlineSeconds: 12
Y
  ends deadline Failed
  told deadline DeadlineExceeded
  described deadline "activeDeadlineSeconds (12 s)"
  no_pods deadline score Running || fail "pods still run"
  if [[ -n $(field deadline .status.report) ]]; then
    has "$(blobs get predictions deadline/_run/report.json)" '"phase": "Failed"' "report"
  fi
  equal 0 "$(blobs list predictions deadline/_SUCCESS | grep -c SUCCESS || true)" "_SUCCESS"
}

scenario_deleted() {
  start deleted <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}"
  within 90 scored deleted 2
  kube delete scoringrun deleted --timeout=30s >/dev/null
  within 60 nothing_left deleted
}

nothing_left() { # nothing_left RUN: of its children
  [[ -z $(kube get jobs,pods,configmaps -l "scoring.fleetscore.io/run=$1" -o name) ]]
}

scenario_ttl() {
  start short-lived <<'Y'
  sensors: {list: [{device: "1", tag: "1"}]}
  ttlSecondsAfterFinished: 5
Y
  ends short-lived Succeeded
  within 60 nothing_left short-lived
  equal Succeeded "$(field short-lived .status.phase)" "phase of the run without its Jobs"
  equal 1 "$(field short-lived .status.sensors.succeeded)" "sensors of the run without its Jobs"
  blobs list predictions short-lived/ | grep -q _SUCCESS || fail "the outputs are gone"
}
