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
