# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The pool grows from zero and shrinks back around a run. Score pods on its fake nodes run nothing, so that no sensor is scored: what
# counts are the phases, the nodes and that every pod ends well. plan and collect are real pods.

scenario_from_zero() {
  cluster karpenter
  # Real machines take a while to come.
  cluster run kubectl patch kwoknodeclass fake --type merge -p '{"spec": {"nodeRegistrationDelay": "12s"}}' >/dev/null
  equal 0 "$(pool_nodes)" "nodes before the run"
  local watch
  "$root/testcluster/cluster" run kubectl -n plant get scoringruns --watch-only -o 'jsonpath={.metadata.name} {.status.phase}{"\n"}' >"$work/phases" &
  watch=$!
  start from-zero <<'Y'
  sharding: {sensorsPerPod: 1, parallelism: 24}
  failurePolicy: {maxFailedSensors: "100%"}
  podTemplate:
    metadata: {annotations: {testcluster/duration: 4s, testcluster/termination-message: "{}"}}
    spec:
      nodeSelector: {agentpool: scoring}
      tolerations: [{key: fleetscore.io/scoring, operator: Exists}, {key: kwok.x-k8s.io/node, operator: Exists}]
      containers: [{name: scorer, resources: {requests: {cpu: "2", memory: 64Mi}}}]
Y
  within 120 more_nodes_than 0
  ends from-zero PartiallySucceeded 240
  kill "$watch"
  wait "$watch" 2>/dev/null || true
  equal "24" "$(kube get job from-zero-score-0 -o 'jsonpath={.status.succeeded}')" "score pods that succeeded"
  equal '{"failed":24,"succeeded":0,"total":24}' "$(field from-zero .status.sensors)" "sensors"
  local phases
  phases=$(grep '^from-zero ' "$work/phases" | cut -d' ' -f2 | uniq | xargs)
  has "$phases" "WaitingForNodes Scoring Collecting PartiallySucceeded" "phases"
  within 180 no_nodes
}

pool_nodes() {
  cluster run kubectl get nodes -l agentpool=scoring -o name | wc -l
}

more_nodes_than() { # more_nodes_than NUMBER
  (($(pool_nodes) > $1))
}

no_nodes() {
  [[ $(pool_nodes) -eq 0 ]]
}
