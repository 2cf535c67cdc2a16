# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Storage, pods and nodes that go away in the middle of a run. While Azurite is stopped, pods keep trying: they are there to be killed.

# begin RUN SPEC: all sensors, four at a time; returns in the middle, with pods that wait for storage.
begin() {
  reference >/dev/null
  start "$1" <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}
$2"
  within 90 scored "$1" 3
  cluster stop-azurite
  within 60 has_pods "$1" score Running
}

scenario_storage_outage() {
  begin outage ""
  # Longer than a pod's first few tries.
  local until=$((SECONDS + 12))
  within 60 has_passed "$until"
  has_pods outage score Running || fail "no pod waits for storage"
  cluster restart-azurite
  complete outage
}

has_passed() { # has_passed SECOND of this script
  ((SECONDS >= $1))
}

scenario_pod_killed() {
  local pod found
  # With a single retry: three pods are lost, each of another index.
  begin killed "  failurePolicy: {retriesPerPod: 1}"
  within 30 running_are killed 3
  mapfile -t found < <(pods killed score Running)
  kube delete "${found[0]}" --grace-period=0 --force >/dev/null 2>&1
  pod=${found[1]#pod/}
  evict "$pod"
  within 60 kill_another "${found[0]}" "${found[1]}"
  within 30 ended_badly "$(<"$work/killed")"
  cluster restart-azurite
  complete killed
}

running_are() { # running_are RUN NUMBER
  [[ $(pods "$1" score Running | wc -l) -ge $2 ]]
}

evict() { # evict POD: as `kubectl drain` does
  kube create --raw "/api/v1/namespaces/$NAMESPACE/pods/$1/eviction" -f - >/dev/null \
    <<<"{\"apiVersion\": \"policy/v1\", \"kind\": \"Eviction\", \"metadata\": {\"name\": \"$1\", \"namespace\": \"$NAMESPACE\"}}"
}

# kill_another POD...: the container of a running pod of another index than these; its name goes to $work/killed.
kill_another() {
  local pod
  for pod in $(pods killed score Running); do
    # A pod's name is its Job, its index and a random end.
    [[ " $* " != *" ${pod%-*}-"* ]] || continue
    if kill_container "$(kube get "$pod" -o 'jsonpath={.metadata.uid}')"; then
      echo "$pod" >"$work/killed"
      return 0
    fi
  done
  return 1
}

# kill_container UID: SIGKILL to the scorer in that pod's cgroup, and to nothing else.
kill_container() {
  local pid killed=0
  while read -r pid; do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == @(scorer|fleetscore*) ]] || continue
    kill -KILL "$pid"
    killed=1
  done < <(find /sys/fs/cgroup -path "*testcluster-$TESTCLUSTER_NAME/*pod$1/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un)
  [[ $killed -eq 1 ]]
}

ended_badly() { # ended_badly POD
  [[ $(kube get "$1" -o 'jsonpath={.status.phase}') == Failed ]] || ! kube get "$1"
}

scenario_node_removed() {
  reference >/dev/null
  cluster node add worker 2>/dev/null
  # Not one retry: a disruption must not count.
  begin lost-node "  failurePolicy: {retriesPerPod: 0}"
  within 60 runs_on_worker lost-node
  cluster node remove worker
  cluster restart-azurite
  complete lost-node
}

runs_on_worker() { # runs_on_worker RUN
  [[ -n $(kube get pods -l "scoring.fleetscore.io/run=$1,scoring.fleetscore.io/step=score" \
    --field-selector spec.nodeName=worker,status.phase=Running -o name) ]]
}

# Only the kubelet dies: nobody can say whether the pods on that machine still write, and they do. The run says so; what is scored
# elsewhere goes on, but nothing is made of what is left, neither a second pod nor the report, until the Node is gone. The report of the
# run whose deadline passes meanwhile has what they wrote.
scenario_node_dead() {
  reference >/dev/null
  cluster node add worker 2>/dev/null
  start dead-node <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}
  failurePolicy: {retriesPerPod: 0}
$SHORT_GRACE"
  start dead-late <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}
  activeDeadlineSeconds: 150
$SHORT_GRACE"
  within 90 scored dead-node 2
  within 90 scored dead-late 2
  cluster stop-azurite
  within 60 runs_on_worker dead-node
  within 60 runs_on_worker dead-late
  cluster stop-worker.kubelet
  cluster restart-azurite
  local run
  for run in dead-node dead-late; do
    within 240 stuck_on_worker "$run"
    within 20 event_says "$run" PodStuckTerminating
    described "$run" PodStuckTerminating "on node worker" "delete the Node"
  done
  for run in dead-node dead-late; do
    within 90 outputs_are "$run" 24
  done
  within 120 in_phase dead-late Collecting
  equal Scoring "$(field dead-node .status.phase)" "phase while a pod may still write"
  equal "True DeadlineExceeded" "$(condition dead-late Scored status) $(condition dead-late Scored reason)" "what stopped the scoring"
  # Whatever time passes: it has been looked at again, and the number of pods is the same.
  local before until
  before=$(pods_of_worker)
  until=$((SECONDS + 30))
  within 60 has_passed "$until"
  equal "$before" "$(pods_of_worker)" "pods on the dead node"
  for run in dead-node dead-late; do
    (($(kube get job "$run-score-0" -o 'jsonpath={.status.terminating}') > 0)) || fail "no pod of $run is terminating"
    equal "" "$(kube get job "$run-collect" --ignore-not-found -o name)" "report of $run while a pod may still write"
    equal PodStuckTerminating "$(condition "$run" Ready reason)" "reason of $run"
  done
  cluster node remove worker
  complete dead-node
  complete dead-late
}

outputs_are() { # outputs_are RUN NUMBER
  [[ $(blobs list predictions "$1/preds_" | wc -l) -eq $2 ]]
}

# So that what should have ended is overdue soon.
readonly SHORT_GRACE='  podTemplate: {spec: {terminationGracePeriodSeconds: 1}}'

stuck_on_worker() { # stuck_on_worker RUN: and it says so
  [[ $(condition "$1" Ready reason) == PodStuckTerminating && $(condition "$1" Ready message) == *"on node worker"* ]]
}

pods_of_worker() { # of both runs
  kube get pods -l 'scoring.fleetscore.io/run in (dead-node, dead-late)' --field-selector spec.nodeName=worker,status.phase=Running -o name | sort
}

# The pods of plan and collect are gone as soon as they have ended, before the operator looks.
scenario_result_lost() {
  reference >/dev/null
  start vanished <<<"  sharding: {sensorsPerPod: 12, parallelism: 2}"
  local step
  for step in plan collect; do
    within 90 kube get job "vanished-$step"
    cluster run kubectl -n fleetscore-system scale deployment fleetscore-operator --replicas=0 >/dev/null
    within 60 operators_are 0
    kube wait "job/vanished-$step" --for=condition=Complete --timeout=60s >/dev/null
    kube delete pods -l "scoring.fleetscore.io/run=vanished,scoring.fleetscore.io/step=$step" --wait >/dev/null
    cluster run kubectl -n fleetscore-system scale deployment fleetscore-operator --replicas=1 >/dev/null
    within 60 operators_are 1
  done
  complete vanished
}

operators_are() { # operators_are NUMBER
  [[ $(cluster run kubectl -n fleetscore-system get pods -l app.kubernetes.io/component=operator -o name | wc -l) -eq $1 ]]
}
