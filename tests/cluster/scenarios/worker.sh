# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Models that Python scores, in a container of an image that holds nothing of Fleetscore.

# Device 1 has models that Fleetscore reads itself, device 2 pickles that Python alone knows, of them one of a classifier; one of device 3 crashes, one hangs.
readonly TEN_SENSORS='  sensors: {list: [
    {device: "1", tag: "1"}, {device: "1", tag: "2"}, {device: "1", tag: "3"}, {device: "1", tag: "4"},
    {device: "2", tag: "1"}, {device: "2", tag: "2"}, {device: "2", tag: "3"}, {device: "2", tag: "4"},
    {device: "3", tag: "1"}, {device: "3", tag: "2"}]}'

python_image() { # the image, built once
  [[ ! -s $work/python/Dockerfile ]] || return 0
  "$here/worker/image.sh" "$work/python"
  cluster image localhost/fleetscore-python:dev "$work/python" >/dev/null
}

# with_worker FIELDS: from here on runs have a worker with these fields, and the models of this scenario.
with_worker() {
  MODEL='az://python/model_{device}_{tag}.fsm' WORKER=$1
}

# The worker's container is small enough for the test's nodes.
worker_pods() { # worker_pods [FIELDS]: of the container
  cat <<Y
  podTemplate: {spec: {initContainers: [{name: worker, resources: {requests: {cpu: 50m, memory: 64Mi}}${1:+, $1}}]}}
Y
}

scenario_worker() {
  local models=$work/python-models found name seen
  reference >/dev/null
  python_image
  mkdir -p "$models" "$work/python-predictions"
  python3 "$here/worker/models.py" make "$work/readings/readings.csv" "$work/plant/models" "$models"
  blob_storage container python
  blob_storage upload python "$models"
  with_worker 'image: "localhost/fleetscore-python:dev", use: Refused, timeoutSeconds: 20, memoryMiB: 256'
  start worker <<<"$TEN_SENSORS
  sharding: {sensorsPerPod: 5, parallelism: 2}
  failurePolicy: {maxFailedSensors: 2}
$(worker_pods)"
  ends worker PartiallySucceeded 300
  equal '{"failed":2,"succeeded":8,"total":10}' "$(field worker .status.sensors)" "sensors"
  described worker WorkerCrashed 'device=3 tag=1' ModelTimeout 'device=3 tag=2'
  found=$(blobs get predictions worker/_run/failed.jsonl)
  has "$found" WorkerCrashed failed.jsonl
  has "$found" ModelTimeout failed.jsonl
  # Labels and scores of Python's models, and the bytes of those that Fleetscore reads itself.
  for name in 1 2 3 4; do blobs get predictions "worker/preds_2_$name.csv" >"$work/python-predictions/preds_2_$name.csv"; done
  python3 "$here/worker/models.py" check "$work/readings/readings.csv" "$work/python-predictions"
  equal "$(reference | grep preds_1_)" "$(blobs digest predictions worker/ | grep preds_1_)" "predictions of device 1"
  # What the models have seen, by their own word: no credentials, no file of the run, not the scorer's process.
  found=$(for name in $(blobs list predictions worker/_run/logs/); do blobs get predictions "$name"; done)
  has "$found" 'SEES {' "logs"
  for seen in '"variables": []' '"tokens": []' '"files": ["worker.py"]' '"user": 65532' '"writable": ["/tmp"]' '"scorer": []'; do
    has "$(grep -o 'SEES {.*' <<<"$found" | head -1)" "$seen" "what a model sees"
  done
  # plan and collect read no models.
  equal "" "$(kube get pods -l 'scoring.fleetscore.io/run=worker,scoring.fleetscore.io/step!=score' -o 'jsonpath={.items[*].spec.initContainers}')" \
    "init containers of plan and collect"
}

# A pod has no Python of its own: told before any pod is there.
scenario_worker_without_image() {
  with_worker 'module: predict'
  start no-worker-image <<<"$TEN_SENSORS"
  ends no-worker-image Failed 60
  told no-worker-image WorkerWithoutImage
  described no-worker-image spec.model.worker.image
  equal "" "$(kube get pods -l scoring.fleetscore.io/run=no-worker-image -o name)" "pods"
}

scenario_worker_image_absent() {
  with_worker 'image: "localhost/no-python:1"'
  start worker-image-absent <<<"$TEN_SENSORS
  pendingTimeoutSeconds: 8
$(worker_pods 'imagePullPolicy: IfNotPresent')"
  ends worker-image-absent Failed 120
  case $(condition worker-image-absent Failed reason) in
    ErrImagePull | ImagePullBackOff) ;;
    *) fail "reason: $(condition worker-image-absent Failed reason)" ;;
  esac
  described worker-image-absent localhost/no-python:1 pendingTimeoutSeconds
}

# Its Python ends before it listens: the run says with what last line.
scenario_worker_ends_at_once() {
  python_image
  with_worker 'image: "localhost/fleetscore-python:dev", command: [python3, -c, "raise SystemExit(\"no licence\")"]'
  start worker-ends <<<"$TEN_SENSORS
  pendingTimeoutSeconds: 20
$(worker_pods)"
  ends worker-ends Failed 240
  told worker-ends CrashLoopBackOff
  described worker-ends "worker ended with exit code 1: no licence"
}
