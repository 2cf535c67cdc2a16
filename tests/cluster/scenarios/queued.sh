# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Kueue admits the Jobs of a run that names a queue.

# queue_of CPUS: the queue `scoring` of the namespace may use so many at a time.
queue_of() {
  kube apply -f - >/dev/null <<Q
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: any}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: scoring}
spec:
  namespaceSelector: {}
  resourceGroups:
    - coveredResources: [cpu, memory]
      flavors:
        - name: any
          resources: [{name: cpu, nominalQuota: "$1"}, {name: memory, nominalQuota: 8Gi}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: scoring, namespace: $NAMESPACE}
spec: {clusterQueue: scoring}
Q
}

# Without room no pod of a queued Job starts; with room it runs as any other. Suspended, it gives its place back.
scenario_queued() {
  reference >/dev/null
  cluster kueue
  queue_of 0
  start queued <<'Y'
  queueName: scoring
  sharding: {sensorsPerPod: 1, parallelism: 4}
Y
  within 60 waits_for_admission queued
  equal "" "$(kube get pods -l scoring.fleetscore.io/run=queued -o name)" "pods of a run that waits in a queue"
  queue_of 4
  within 90 scored queued 2
  suspend queued true
  within 60 in_phase queued Suspended
  within 60 no_pods queued score Running
  suspend queued false
  within 90 scored queued 1
  # A slow garbage collector leaves the Workload of a Job that is gone. Kueue must not take it for the next Job's.
  cluster stop-controller-manager
  suspend queued true
  within 60 in_phase queued Suspended
  suspend queued false
  within 60 in_phase queued Scoring
  cluster restart-controller-manager
  complete queued
}

waits_for_admission() { # waits_for_admission RUN: a Job of it is there, suspended, Kueue knows of it, and the run says so
  [[ $(kube get jobs -l "scoring.fleetscore.io/run=$1" -o 'jsonpath={.items[*].spec.suspend}') == true ]] &&
    [[ -n $(kube get workloads.kueue.x-k8s.io -o name) ]] &&
    [[ $(kube get scoringrun "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}') == WaitingForAdmission ]]
}
