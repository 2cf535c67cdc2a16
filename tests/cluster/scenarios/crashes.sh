# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The operator is killed after every API call; the API server is restarted. It must come to the same in the end.

readonly LANES=3

# crash_round ROUND NUMBER WHEN: one run of two sensors in a namespace of its own, whose operator is killed at a call.
# Writes $work/crash/ROUND.{what,outcome}.
crash_round() {
  local dir=$work/crash NAMESPACE=crash-$1
  OUTPUT="az://predictions/crash-$1/"
  make_namespace "$NAMESPACE"
  within 20 kube get serviceaccount default
  start crash >/dev/null <<'Y'
  sensors: {list: [{device: "1", tag: "1"}, {device: "2", tag: "3"}]}
Y
  cluster run timeout 300 python3 "$here/crash.py" "$2" "$3" "$NAMESPACE" crash -- "$dir/operator" --config "$dir/config.yaml" \
    --namespaces "$NAMESPACE" --listen 127.0.0.1:0 --no-leader-election --log warn >"$dir/$1.what" 2>"$dir/$1.errors" || return 1
  {
    kube get scoringrun crash -o json
    kube get jobs -l scoring.fleetscore.io/run=crash -o json
    kube get configmaps -l scoring.fleetscore.io/run=crash -o json
    kube get pods -l scoring.fleetscore.io/run=crash -o json
  } | python3 "$here/outcome.py" >"$dir/$1.outcome"
  blobs digest predictions "crash-$1/" >>"$dir/$1.outcome"
  cluster run kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

# The program is taken from its image, the configuration from the chart.
crash_setup() {
  mkdir -p "$work/crash"
  python3 "$here/image.py" "$images/fleetscore-operator.tar" fleetscore-operator "$work/crash/operator"
  cluster run kubectl -n fleetscore-system get configmap fleetscore-operator -o 'jsonpath={.data.config\.yaml}' >"$work/crash/config.yaml"
  blob_storage sas predictions 600 >"$work/sas-predictions"
}

# crash_rounds WHEN: kills at call 1, 2, 3, ... , a few rounds at a time, until a run passes without being killed.
crash_rounds() {
  local when=$1 number=1 lane pids reached=1
  while [[ $reached -eq 1 ]]; do
    pids=()
    for ((lane = 0; lane < LANES; lane++)); do
      (set -e; crash_round "$when-$((number + lane))" "$((number + lane))" "$when") &
      pids+=($!)
    done
    for ((lane = 0; lane < LANES; lane++)); do
      wait "${pids[lane]}" || fail "$when call $((number + lane)): $(cat "$work/crash/$when-$((number + lane))".{what,errors} 2>&1)"
      crash_compare "$when-$((number + lane))"
      [[ $(<"$work/crash/$when-$((number + lane)).what") != "not reached" ]] || reached=0
    done
    ((number += LANES))
    ((number < 200)) || fail "no run passed within 200 calls"
  done
  echo "killed $when the answer of $(grep -Lx "not reached" "$work"/crash/"$when"-*.what | wc -l) calls"
}

crash_compare() { # crash_compare ROUND
  local differences
  differences=$(diff "$work/crash/clean.outcome" "$work/crash/$1.outcome") || fail "killed at $1, $(<"$work/crash/$1.what"): $differences"
}

scenario_operator_killed() {
  crash_setup
  (set -e; crash_round clean 0 before) || fail "the undisturbed run: $(cat "$work/crash/clean".{what,errors})"
  has "$(<"$work/crash/clean.outcome")" '"phase": "Succeeded"' "outcome of the undisturbed run"
  crash_rounds before
  crash_rounds after
}

scenario_apiserver_restarted() {
  reference >/dev/null
  start apiserver <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}"
  within 60 scored apiserver 3
  cluster restart-apiserver
  complete apiserver
}
