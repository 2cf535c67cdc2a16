# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The ten models of 2018, one pod a sensor.

# batchai_run NAME: sets `took`, the seconds from apply to _SUCCESS.
batchai_run() {
  local name=$1 found=$work/batchai/$1 file started ended
  mkdir -p "$found"
  blobs clear predictions "$name/"
  started=$(date +%s.%N)
  start "$name" <<<"  sharding: {sensorsPerPod: 1, parallelism: 10}"
  ended=$(blobs wait predictions "$name/_SUCCESS")
  ends "$name" Succeeded
  equal 10 "$(kube get pods -l "scoring.fleetscore.io/run=$name,scoring.fleetscore.io/step=score" -o name | wc -l)" "score pods"
  for file in $(blobs list predictions "$name/preds_"); do
    blobs get predictions "$file" >"$found/${file#"$name/"}"
  done
  python3 "$here/predictions.py" "$found" "$shared/data/batchai/expected"
  took=$(python3 -c 'import sys; print(f"{float(sys.argv[2]) - float(sys.argv[1]):.1f}")' "$started" "$ended")
}

scenario_batchai() {
  local data=$shared/data/batchai took first
  if [[ ! -d $data ]]; then
    echo "skipped: $data absent"
    return
  fi
  mkdir -p "$work/batchai/data"
  cp "$data/sensor_data.csv" "$work/batchai/data/"
  blob_storage container batchai-models batchai-data
  blob_storage upload batchai-models "$data/models"
  blob_storage upload batchai-data "$work/batchai/data"
  MODEL='az://batchai-models/model_{device}_{tag}' INPUT=az://batchai-data/sensor_data.csv
  batchai_run batchai
  first=$took
  batchai_run batchai-again
  echo "apply to _SUCCESS: $took s on the warm node (target: 15 s), $first s the first time"
}
