# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The ten models of 2018, one pod a sensor.

scenario_batchai() {
  local data=$shared/data/batchai file started ended
  if [[ ! -d $data ]]; then
    echo "skipped: $data absent"
    return
  fi
  mkdir -p "$work/batchai/data" "$work/batchai/found"
  cp "$data/sensor_data.csv" "$work/batchai/data/"
  blob_storage container batchai-models batchai-data
  blob_storage upload batchai-models "$data/models"
  blob_storage upload batchai-data "$work/batchai/data"
  MODEL='az://batchai-models/model_{device}_{tag}' INPUT=az://batchai-data/sensor_data.csv
  started=$(date +%s.%N)
  start batchai <<<"  sharding: {sensorsPerPod: 1, parallelism: 10}"
  ended=$(blobs wait predictions batchai/_SUCCESS)
  ends batchai Succeeded
  equal 10 "$(kube get pods -l scoring.fleetscore.io/run=batchai,scoring.fleetscore.io/step=score -o name | wc -l)" "score pods"
  for file in $(blobs list predictions batchai/preds_); do
    blobs get predictions "$file" >"$work/batchai/found/${file#batchai/}"
  done
  python3 "$here/predictions.py" "$work/batchai/found" "$data/expected"
  python3 -c 'import sys; print(f"apply to _SUCCESS: {float(sys.argv[2]) - float(sys.argv[1]):.1f} s (target: 15 s)")' "$started" "$ended"
}
