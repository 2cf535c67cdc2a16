# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Pods that cannot start, or are not let in: the run ends after pendingTimeoutSeconds, and says why.

ends_blocked() { # ends_blocked RUN REASON TEXT: reason in the conditions, the events and in what a person reads
  ends "$1" Failed 120
  told "$1" "$2"
  described "$1" "$2" "$3"
}

scenario_image_absent() {
  start no-image <<'Y'
  pendingTimeoutSeconds: 8
  sensors: {list: [{device: "1", tag: "1"}]}
  podTemplate: {spec: {containers: [{name: scorer, image: "localhost/absent:1", imagePullPolicy: IfNotPresent}]}}
Y
  ends no-image Failed 120
  case $(condition no-image Failed reason) in
    ErrImagePull | ImagePullBackOff) ;;
    *) fail "reason: $(condition no-image Failed reason)" ;;
  esac
  within 20 event_says no-image "localhost/absent:1"
  described no-image "localhost/absent:1" pendingTimeoutSeconds
}

scenario_secret_absent() {
  STORAGE='{azure: {account: plantstore, auth: Secret, secretRef: {name: nowhere}}}'
  start no-secret <<<"  pendingTimeoutSeconds: 8"
  ends_blocked no-secret CreateContainerConfigError nowhere
}

# Keys of the secret that are no token and no key. Nothing is sent: they would go unencrypted to the cluster's Azurite.
scenario_secret_wrong() {
  secret_with sasToken=nonsense
  start wrong-token <<<"  pendingTimeoutSeconds: 300"
  refused wrong-token InvalidStorage
  secret_with 'accountKey=no key!'
  start wrong-key <<<"  pendingTimeoutSeconds: 300"
  refused wrong-key InvalidStorage
}

secret_with() { # secret_with KEY=VALUE; runs use it
  kube delete secret wrong --ignore-not-found >/dev/null
  kube create secret generic wrong "--from-literal=$1" >/dev/null
  STORAGE='{azure: {account: plantstore, auth: Secret, secretRef: {name: wrong}}}'
}

# refused RUN REASON: nothing can succeed, so that it is not tried again.
refused() {
  ends "$1" Failed 60
  told "$1" "$2"
  described "$1" "$2"
  equal 64 "$(kube get pods -l "scoring.fleetscore.io/run=$1" -o 'jsonpath={.items[*].status.containerStatuses[0].state.terminated.exitCode}')" "exit codes"
}

# One pod of 24 can never start: where its volume should have a folder of its index's name, there is a file. The others are scored, it
# costs its own sensor alone, and the failure policy decides. Nothing is given up while others are at work, whatever the time.
scenario_one_pod_blocked() {
  reference >/dev/null
  kube create configmap one-is-a-file --from-literal=3=file --dry-run=client -o yaml | kube apply -f - >/dev/null
  start one-blocked <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}
  failurePolicy: {maxFailedSensors: 1}
$FOURTH_POD_BLOCKED"
  start none-may-be <<<"  sharding: {sensorsPerPod: 1, parallelism: 12}
  failurePolicy: {maxFailedSensors: 0}
$FOURTH_POD_BLOCKED"
  within 90 scored one-blocked 3
  cluster stop-azurite
  within 60 message_has one-blocked one-blocked-score-0-3-
  local pod could_start until
  pod=$(kube get pods -l scoring.fleetscore.io/run=one-blocked,batch.kubernetes.io/job-completion-index=3 -o name)
  could_start=$(kube get "$pod" -o 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].lastTransitionTime}')
  until=$((SECONDS + 2 * 15))
  within 60 has_passed "$until"
  equal Scoring "$(field one-blocked .status.phase)" "phase while others are at work"
  equal CreateContainerConfigError "$(condition one-blocked Ready reason)" "reason that is told meanwhile"
  cluster restart-azurite
  ends one-blocked PartiallySucceeded 240
  ends none-may-be Failed 240
  told none-may-be CreateContainerConfigError
  local run blocked=preds_1_4.csv
  for run in one-blocked none-may-be; do
    equal '{"failed":1,"succeeded":23,"total":24}' "$(field "$run" .status.sensors)" "sensors of $run"
    described "$run" "$run-score-0-3-" CreateContainerConfigError "pendingTimeoutSeconds is 15" NotScored 'device=1 tag=4'
    equal CreateContainerConfigError "$(condition "$run" Scored reason)" "why scoring of $run was stopped"
    has "$(blobs get predictions "$run/_run/failed.jsonl")" NotScored "failed.jsonl of $run"
    equal "$(reference | grep preds_ | grep -v "$blocked")" "$(blobs digest predictions "$run/" | grep preds_)" "predictions of $run"
    no_pods "$run" score Pending || fail "the pod of $run still waits"
  done
  (($(date -d "$(condition one-blocked Scored lastTransitionTime)" +%s) >= $(date -d "$could_start" +%s) + 15)) ||
    fail "given up before pendingTimeoutSeconds, counted from $could_start"
}

# The same, one pod at a time: after its time the others get their turn beside it.
scenario_one_pod_in_the_way() {
  reference >/dev/null
  kube create configmap one-is-a-file --from-literal=3=file --dry-run=client -o yaml | kube apply -f - >/dev/null
  start in-the-way <<<"  sharding: {sensorsPerPod: 1, parallelism: 1}
  failurePolicy: {maxFailedSensors: 1}
$FOURTH_POD_BLOCKED"
  within 60 message_has in-the-way in-the-way-score-0-3-
  equal "3 1" "$(kube get job in-the-way-score-0 -o 'jsonpath={.status.succeeded} {.status.active}')" "pods that succeeded, and that are there"
  within 90 scored in-the-way 4
  equal 2 "$(kube get job in-the-way-score-0 -o 'jsonpath={.spec.parallelism}')" "pods at a time beside one that cannot start"
  ends in-the-way PartiallySucceeded 300
  equal '{"failed":1,"succeeded":23,"total":24}' "$(field in-the-way .status.sensors)" "sensors"
  described in-the-way CreateContainerConfigError NotScored 'device=1 tag=4'
}

# The container of the pod with index 3 cannot be created, with a ConfigMap that has a file `3`.
# shellcheck disable=SC2016  # Kubernetes replaces it
readonly FOURTH_POD_BLOCKED='  pendingTimeoutSeconds: 15
  podTemplate:
    spec:
      containers: [{name: scorer, volumeMounts: [{name: own, mountPath: /own, subPathExpr: "$(JOB_COMPLETION_INDEX)/own"}]}]
      volumes: [{name: own, configMap: {name: one-is-a-file}}]'

# The namespace's Pod Security Standard refuses the pods; the API server takes the Job.
scenario_pod_denied() {
  NAMESPACE=fenced
  start pod-denied <<'Y'
  pendingTimeoutSeconds: 8
  sensors: {list: [{device: "1", tag: "1"}]}
  podTemplate: {spec: {hostNetwork: true}}
Y
  ends_blocked pod-denied FailedCreate 'violates PodSecurity "restricted:latest"'
}

# A policy refuses the Jobs themselves; taken away in time, the run goes on.
scenario_job_denied() {
  NAMESPACE=fenced
  deny_jobs | cluster run kubectl apply -f - >/dev/null
  start job-denied <<<"  pendingTimeoutSeconds: 8"
  ends job-denied Failed 120
  within 20 event_says job-denied "no Jobs today"
  described job-denied "no Jobs today"
  start job-delayed <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  within 60 message_has job-delayed "no Jobs today"
  deny_jobs | cluster run kubectl delete -f - >/dev/null
  ends job-delayed Succeeded
}

deny_jobs() {
  cat <<'Y'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-jobs}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [batch], apiVersions: [v1], operations: [CREATE], resources: [jobs]}]
  validations: [{expression: "false", message: no Jobs today}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-jobs}
spec:
  policyName: no-jobs
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: fenced}}}
Y
}

message_has() { # message_has RUN TEXT
  [[ $(condition "$1" Reconciling message) == *"$2"* ]]
}

# A quota without room for pods. With room in time, the run goes on.
scenario_quota_used_up() {
  NAMESPACE=quota
  kube delete quota --all >/dev/null
  kube create quota none --hard=pods=0 >/dev/null
  start over-quota <<<"  pendingTimeoutSeconds: 8"
  ends_blocked over-quota FailedCreate "exceeded quota: none"
  start waits-for-quota <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  within 60 message_has waits-for-quota "exceeded quota"
  kube delete quota none >/dev/null
  ends waits-for-quota Succeeded 240
}
