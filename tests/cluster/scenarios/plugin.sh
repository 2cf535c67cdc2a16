# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# `kubectl fleetscore` on a real cluster, with a person's rights alone: `view` where it reads, `edit` where it acts.

# people: two of them in the namespace, whose rights are the cluster's own roles and what the chart adds to them.
people() {
  local role
  for role in view edit; do
    kube create rolebinding "person-$role" --clusterrole="$role" --user="person-$role" --dry-run=client -o yaml | kube apply -f - >/dev/null
  done
}

# person ROLE CODE COMMAND...: what the command prints; it must end with that code. Storage is reached at the address that is named here.
person() {
  local role=$1 wanted=$2 code=0
  shift 2
  cluster run env AZURE_STORAGE_USE_EMULATOR=true "$fleetscore" kubectl "$@" -n "$NAMESPACE" --as "person-$role" --as-group system:authenticated \
    >"$work/said" 2>&1 </dev/null || code=$?
  cat "$work/said"
  [[ $code -eq $wanted ]] || fail "kubectl fleetscore $*: code $code instead of $wanted: $(<"$work/said")"
}

# said TEXT ROLE CODE COMMAND...
said() {
  local text=$1
  shift
  has "$(person "$@")" "$text" "kubectl fleetscore ${*:3}"
}

# three_models: of four sensors one has no model. Their runs lie where their schedule says, by window.
three_models() {
  mkdir -p "$work/three"
  cp "$work/plant/models/"model_1_[123].fsm "$work/three/"
  blob_storage container three
  blobs clear three ""
  blob_storage upload three "$work/three"
}

scenario_plugin() {
  local run at="--endpoint=http://10.99.0.1:10000"
  people
  three_models
  blobs clear predictions watched/
  kube delete scoringschedule watched --ignore-not-found --cascade=foreground >/dev/null
  kube create -f - >/dev/null <<Y
apiVersion: scoring.fleetscore.io/v1alpha1
kind: ScoringSchedule
metadata: {name: watched, namespace: $NAMESPACE}
spec:
  schedule: "0 0 1 1 *"
  runTemplate:
    spec:
      sensors: {list: [{device: "1", tag: "1"}, {device: "1", tag: "2"}, {device: "1", tag: "3"}, {device: "1", tag: "4"}]}
      model: {location: "az://three/model_{device}_{tag}.fsm"}
      input: {location: "$INPUT", columns: {time: TS, keys: {device: Device, tag: Tag}, features: [Value]}, onNoReadings: Succeed}
      output: {location: "az://predictions/watched/{window.start:%Y-%m-%dT%H%M%S}/", file: "preds_{device}_{tag}.csv"}
      failurePolicy: {maxFailedSensors: 1}
      storage: $STORAGE
Y
  # It acts: a run of its own time, whose end the code tells.
  said watched edit 3 trigger watched --wait --timeout 3m
  run=$(runs_of watched | tail -n 1)
  equal PartiallySucceeded "$(field "$run" .status.phase)" "phase of $run"

  # It reads.
  said "$run" view 0 status
  said PartiallySucceeded view 3 status "run/$run" -o json
  said watched view 3 status schedule/watched
  said "job/$run-collect" view 0 tree "$run"
  said ModelNotFound view 0 failed "$run" "$at"
  said 'reason,device,tag' view 0 failed "$run" "$at" -o csv
  said 'tag=1' view 0 sensors "$run" "$at"
  said scored view 0 logs "$run" --shard 0 "$at"
  said ModelNotFound view 0 report "run/$run" "$at"
  said node-0 view 5 top
  said rights view 0 doctor
  said 'written, read and deleted' edit 0 doctor --probe write "$at"
  said 'you may not create customresourcedefinitions' view 1 doctor --pre
  said 0.1.0 view 0 version
  said "$run" view 3 wait "$run"
  said absent view 4 status run/absent
  # The pods are gone: the log is in storage.
  kube delete jobs,pods -l "scoring.fleetscore.io/run=$run" --wait --timeout=60s >/dev/null
  said ModelNotFound view 0 logs "$run" --sensor device=1 --sensor tag=4 "$at"

  # Who only reads cannot act. Who acts scores the failed sensor again, where the others' predictions lie.
  said forbidden view 5 retry "$run"
  cp "$work/plant/models/model_1_4.fsm" "$work/three/"
  blob_storage upload three "$work/three"
  said "$run" edit 0 retry "$run" --name again --wait --timeout 3m
  equal '{"failed":0,"succeeded":1,"total":1}' "$(field again .status.sensors)" "sensors of the retry"
  said suspended edit 0 suspend schedule/watched
  equal true "$(kube get scoringschedule watched -o 'jsonpath={.spec.suspend}')" "spec.suspend"
  said resumed edit 0 resume schedule/watched
  said watched edit 0 backfill watched --from 2024-01-01T00:00:00Z --to 2025-01-02T00:00:00Z --yes
  within 120 has_runs watched 4
  said watched view 0 cost watched
  said report.json view 0 bundle "$run" "$at" -o "$work/bundle.tar.gz"
  has "$(tar tzf "$work/bundle.tar.gz")" report.json "the bundle"
  kube delete scoringschedule watched --cascade=foreground >/dev/null
}
