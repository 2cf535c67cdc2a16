#!/usr/bin/env bash
# Tests the test cluster with a cluster of its own, from `up` to `down`: testcluster/test.sh [TEST...]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export TESTCLUSTER_NAME=${TESTCLUSTER_NAME:-selftest}
unset KUBECONFIG TESTCLUSTER_STATE
work=$(mktemp -d)
finish() {
  local status=$?
  cluster down
  rm -rf "$work"
  exit $status
}
trap finish EXIT

# shellcheck source=testcluster/lib/within.sh
source "$here/lib/within.sh"

cluster() { "$here/cluster" "$@"; }
kube() { cluster run kubectl "$@"; }

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

equal() { # equal WANTED FOUND WHAT
  [[ $1 == "$2" ]] || fail "$3: wanted $1, found $2"
}

counts() { # counts NUMBER WHAT...: kubectl get finds so many
  equal "$1" "$(kube get "${@:2}" -o name | wc -l)" "number of ${*:2}"
}

# job NAME COUNT COMMAND POD_EXTRAS ANNOTATIONS: an Indexed Job
job() {
  kube apply -f - >/dev/null <<J
apiVersion: batch/v1
kind: Job
metadata: {name: $1}
spec:
  completionMode: Indexed
  completions: $2
  parallelism: $2
  backoffLimitPerIndex: 0
  podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}]}
  template:
    metadata: {annotations: {${5:-}}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      ${4:-}
      containers:
        - {name: main, image: "localhost/busybox:1", imagePullPolicy: Never, command: [/bin/busybox, sh, -c, '$3']}
J
}

job_done() { # job_done NAME SECONDS
  kube wait --for=condition=Complete "job/$1" --timeout="$2s" >/dev/null || fail "job $1: $(kube get job "$1" -o yaml)"
}

messages() { # messages JOB: the pods' termination messages, sorted
  kube get pods -l "job-name=$1" -o 'jsonpath={range .items[*]}{.status.containerStatuses[0].state.terminated.message}{"\n"}{end}' | sort
}

busybox_image() {
  mkdir -p "$work/busybox"
  cp "$(command -v busybox)" "$work/busybox/busybox"
  printf 'FROM scratch\nCOPY busybox /bin/busybox\n' >"$work/busybox/Dockerfile"
  cluster image localhost/busybox:1 "$work/busybox" 2>/dev/null
}

test_real_pods() {
  # shellcheck disable=SC2016
  job real 5 'echo said; /bin/busybox printf "index $JOB_COMPLETION_INDEX" >/dev/termination-log'
  job_done real 60
  equal "$(printf 'index %s\n' 0 1 2 3 4)" "$(messages real)" "termination messages"
  equal said "$(kube logs job/real 2>/dev/null)" "log"
}

test_image_again() { # the same name, other contents: pods get the new ones
  printf 'FROM scratch\nCOPY busybox /bin/busybox\nENV EDITION=2\n' >"$work/busybox/Dockerfile"
  cluster image localhost/busybox:1 "$work/busybox" 2>/dev/null
  # shellcheck disable=SC2016
  job again 1 '/bin/busybox printf "edition $EDITION" >/dev/termination-log'
  job_done again 60
  equal "edition 2" "$(messages again)" "termination message"
}

test_service_account() { # a pod reaches the API server through its service, with its own token
  # shellcheck disable=SC2016
  job account 1 '/bin/busybox nc -w 5 "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT" </dev/null && /bin/busybox test -s /var/run/secrets/kubernetes.io/serviceaccount/token'
  job_done account 60
}

test_pod_security() {
  kube create namespace restricted >/dev/null
  kube label namespace restricted pod-security.kubernetes.io/enforce=restricted >/dev/null
  kube run -n restricted refused --image=localhost/busybox:1 2>"$work/refusal" && fail "a pod without a security context was admitted"
  grep -q 'violates PodSecurity "restricted:latest"' "$work/refusal" || fail "$(cat "$work/refusal")"
}

test_memory_limit() { # the limit of a container is enforced
  kube run hungry --image=localhost/busybox:1 --image-pull-policy=Never --restart=Never \
    --overrides='{"spec": {"containers": [{"name": "hungry", "image": "localhost/busybox:1", "resources": {"limits": {"memory": "20Mi"}},
      "command": ["/bin/busybox", "tail", "/dev/zero"]}]}}' >/dev/null
  within 60 reason_is hungry OOMKilled
}

reason_is() { # reason_is POD REASON
  [[ $(kube get pod "$1" -o 'jsonpath={.status.containerStatuses[0].state.terminated.reason}') == "$2" ]]
}

test_load() {
  cp "$(dirname "$(cluster run bash -c 'command -v pause')")/pause.tar" "$work/pause.tar"
  cluster load "$work/pause.tar"
}

test_fake_pods() {
  cluster kwok 2
  local fake='nodeSelector: {type: kwok}
      tolerations: [{key: kwok.x-k8s.io/node, operator: Exists}]'
  job fake 100 unused "$fake" '"testcluster/termination-message": "{\"rows\":3}", "testcluster/duration": "300ms"'
  job_done fake 60
  equal 100 "$(messages fake | grep -cx '{"rows":3}')" "termination messages"
  job partly 5 unused "$fake" '"testcluster/fail-indexes": "1,3", "testcluster/exit-code": "10"'
  kube wait --for=condition=Failed job/partly --timeout=60s >/dev/null
  equal "1,3" "$(kube get job partly -o 'jsonpath={.status.failedIndexes}')" "failed indexes"
  equal 2 "$(kube get pods -l job-name=partly -o jsonpath='{.items[*].status.containerStatuses[0].state.terminated.exitCode}' | tr ' ' '\n' | grep -cx 10)" "exit codes"
}

test_karpenter() {
  cluster karpenter
  counts 0 nodes -l agentpool=scoring
  job pool 20 unused 'nodeSelector: {agentpool: scoring}
      tolerations: [{key: fleetscore.io/scoring, operator: Exists}]' '"testcluster/duration": "3s"'
  job_done pool 90
  kube get nodes -l agentpool=scoring >"$work/nodes"
  grep -q Ready "$work/nodes" || fail "no node while the job ran"
  kube delete job pool >/dev/null
  within 60 counts_nodes 0
}

counts_nodes() { [[ $(kube get nodes -l agentpool=scoring -o name | wc -l) -eq $1 ]]; }

test_azurite() {
  cluster azurite >/dev/null
  cluster run "$here/../scripts/azurite.sh" container kept
  # shellcheck disable=SC2016
  job storage 1 '/bin/busybox wget -q -O - "http://10.99.0.1:10000/devstoreaccount1/kept?restype=container&comp=list" 2>&1 | /bin/busybox grep -E "403|404" >/dev/termination-log'
  job_done storage 60
  cluster stop-azurite
  cluster run bash -c 'exec 3<>/dev/tcp/10.99.0.1/10000' 2>/dev/null && fail "it still answers"
  cluster restart-azurite
  cluster run bash -c 'exec 3<>/dev/tcp/10.99.0.1/10000'
}

test_apiserver_restart() {
  kube create configmap kept >/dev/null
  cluster restart-apiserver
  counts 1 configmap/kept
}

test_nodes() { # a node is cut off while its pods run: the Job's pods finish elsewhere, without counting as failures
  cluster node add node-1
  kube cordon node-0 >/dev/null
  job moved 2 '/bin/busybox test -e /never || /bin/busybox sleep 1000000'
  within 30 running_pods moved 2 node-1
  kube uncordon node-0 >/dev/null
  cluster node remove node-1 >/dev/null
  counts 0 nodes node-1 --ignore-not-found
  within 30 running_pods moved 2 node-0
  equal "" "$(kube get job moved -o 'jsonpath={.status.failedIndexes}')" "failed indexes"
  kube delete job moved >/dev/null
}

running_pods() { # running_pods JOB NUMBER NODE
  kube get pods -l "job-name=$1" --field-selector="status.phase=Running,spec.nodeName=$3" -o name | wc -l | grep -qx "$2"
}

test_up_again() { # does nothing, quickly
  local uid before
  uid=$(kube get namespace default -o 'jsonpath={.metadata.uid}')
  before=${EPOCHREALTIME/./}
  cluster up
  [[ $((${EPOCHREALTIME/./} - before)) -lt 2000000 ]] || fail "it took over 2 seconds"
  equal "$uid" "$(kube get namespace default -o 'jsonpath={.metadata.uid}')" "the cluster"
}

test_up_after_crash() {
  find /sys/fs/cgroup -path "*/testcluster-$TESTCLUSTER_NAME/*" -name cgroup.procs -exec cat {} + | sort -u | xargs -r kill -9
  cluster up
  counts 1 nodes
}

test_up_after_interrupted_up() { # killed at several moments
  local moment
  for moment in 0.3 1 2 4; do
    cluster down
    (timeout -s KILL "$moment" "$here/cluster" up || true) 2>/dev/null
    cluster up
    counts 1 nodes
  done
}

test_other_cluster() { # one that KUBECONFIG names is used as it is
  echo '{"apiVersion": "v1", "kind": "Config"}' >"$work/other"
  export KUBECONFIG=$work/other
  cluster up 2>&1 | grep -q "$work/other" || fail "up does not say which cluster it uses"
  equal "$work/other" "$(cluster run printenv KUBECONFIG)" "KUBECONFIG"
  cluster image localhost/busybox:1 "$work/busybox" 2>/dev/null && fail "an image was loaded into another cluster"
  cluster down
  unset KUBECONFIG
  counts 1 nodes node-0
}

test_down() {
  local moment
  for moment in 0.05 0.1 0.2 0.3; do # killed at several moments
    (timeout -s KILL "$moment" "$here/cluster" down || true) 2>/dev/null
  done
  cluster down
  cluster down
  [[ ! -e /run/netns/testcluster-$TESTCLUSTER_NAME ]] || fail "the network namespace is left"
  equal "" "$(find /sys/fs/cgroup -name "testcluster-$TESTCLUSTER_NAME" 2>/dev/null)" "cgroups"
  equal "" "$(grep "state/$TESTCLUSTER_NAME/" /proc/mounts || true)" "mounts"
  equal "" "$(grep -lsz "state/$TESTCLUSTER_NAME/" /proc/[0-9]*/cmdline || true)" "processes"
  equal "" "$(find /var/lib/cni /var/log/containers /run/containerd -path "*$TESTCLUSTER_NAME*" 2>/dev/null)" "files"
}

timed() {
  local before=${EPOCHREALTIME/./}
  "$@"
  printf '%-30s %6d ms\n' "$*" $(((${EPOCHREALTIME/./} - before) / 1000))
}

cluster down
timed cluster up
timed busybox_image
tests=("$@")
[[ $# -gt 0 ]] || tests=(real_pods image_again service_account pod_security memory_limit load fake_pods karpenter azurite apiserver_restart nodes
  other_cluster up_again up_after_crash up_after_interrupted_up down)
for name in "${tests[@]}"; do
  timed "test_$name"
done
echo passed
