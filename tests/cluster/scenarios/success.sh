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

# Storage that is found by its name and speaks TLS, with a certificate of an authority of one's own; times in a zone, which
# the pods' program must know.
scenario_named_storage() {
  local name=storage.plant.test dir=$work/front template
  reference >/dev/null
  mkdir -p "$dir"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$name" \
    -addext "subjectAltName=DNS:$name" -addext "basicConstraints=critical,CA:FALSE" \
    -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null
  kube create configmap authority --from-file="ca.crt=$dir/tls.crt" --dry-run=client -o yaml | kube apply -f - >/dev/null
  # Not the function: what is killed at the end must be this very process.
  "$root/testcluster/cluster" run python3 "$here/front.py" 10.99.0.1 "$name" "$dir/tls.crt" "$dir/tls.key" >"$dir/said" 2>&1 &
  # shellcheck disable=SC2064  # the process of now
  trap "kill $!" EXIT
  within 20 grep -q ready "$dir/said"
  ZONE=Europe/Berlin
  STORAGE="{azure: {account: devstoreaccount1, auth: Emulator, endpoint: \"https://$name:10443/devstoreaccount1\"}}"
  template='{spec: {dnsPolicy: None, dnsConfig: {nameservers: [10.99.0.1]},
    containers: [{name: scorer, env: [{name: SSL_CERT_FILE, value: /authority/ca.crt}], volumeMounts: [{name: authority, mountPath: /authority}]}],
    volumes: [{name: authority, configMap: {name: authority}}]}}'
  start named-storage <<Y
  sharding: {sensorsPerPod: 6}
  podTemplate: $template
  coordinatorTemplate: $template
Y
  complete named-storage
}
