# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Sensors that fail while the others are scored, and where the reason is when nothing is left in the cluster.

# Two sensors that are scored, one without a model, one whose model is no model.
readonly FOUR_SENSORS='  sensors: {list: [{device: "1", tag: "1"}, {device: "1", tag: "2"}, {device: "9", tag: "9"}, {device: "8", tag: "8"}]}'

scenario_failed_sensors() {
  mkdir -p "$work/broken"
  cp "$work/plant/models/"model_1_[12].fsm "$work/broken/"
  head -c 100 "$work/plant/models/model_1_3.fsm" >"$work/broken/model_8_8.fsm"
  blob_storage container broken
  blob_storage upload broken "$work/broken"
  MODEL='az://broken/model_{device}_{tag}.fsm'
  start two-may-fail <<<"$FOUR_SENSORS
  failurePolicy: {maxFailedSensors: 2}"
  start one-may-fail <<<"$FOUR_SENSORS
  failurePolicy: {maxFailedSensors: 1}"
  ends two-may-fail PartiallySucceeded
  ends one-may-fail Failed
  told one-may-fail TooManyFailedSensors
  equal Failed "$(condition one-may-fail Ready status | sed 's/False/Failed/')" "Ready of one-may-fail"

  kube delete jobs,pods -l 'scoring.fleetscore.io/run in (two-may-fail, one-may-fail)' --wait --timeout=60s >/dev/null
  local run
  for run in two-may-fail one-may-fail; do
    equal '{"failed":2,"succeeded":2,"total":4}' "$(field "$run" .status.sensors)" "sensors of $run"
    described "$run" ModelNotFound ModelUnreadable 'device=9 tag=9' 'device=8 tag=8'
    in_storage "$run"
  done
  equal 1 "$(blobs list predictions two-may-fail/_SUCCESS | grep -c SUCCESS)" "_SUCCESS of two-may-fail"
  equal 0 "$(blobs list predictions one-may-fail/_SUCCESS | grep -c SUCCESS || true)" "_SUCCESS of one-may-fail"
}

in_storage() { # in_storage RUN: both reasons
  local file text
  for file in report.json failed.jsonl; do
    text=$(blobs get predictions "$1/_run/$file")
    has "$text" ModelNotFound "$file of $1"
    has "$text" ModelUnreadable "$file of $1"
  done
  equal 2 "$(blobs get predictions "$1/_run/failed.jsonl" | wc -l)" "failed sensors of $1"
  for file in ledger logs; do
    text=$(for name in $(blobs list predictions "$1/_run/$file/"); do blobs get predictions "$name"; done)
    has "$text" ModelNotFound "$file of $1"
    has "$text" ModelUnreadable "$file of $1"
  done
}
