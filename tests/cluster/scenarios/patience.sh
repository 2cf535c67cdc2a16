# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# An image that comes late; what is told before anything is made; another operator in the middle of a run; storage that refuses one object.

# The API server refuses the score pods' template: nothing is planned.
scenario_template_refused() {
  start refused-template <<'Y'
  sensors: {list: [{device: "1", tag: "1"}]}
  podTemplate: {spec: {tolerations: [{key: pool, operator: Equals, value: scoring}]}}
Y
  ends refused-template Failed 60
  told refused-template InvalidPodTemplate
  described refused-template "spec.template.spec.tolerations[0].operator"
  equal "" "$(kube get jobs,pods,configmaps -l scoring.fleetscore.io/run=refused-template -o name)" "what was made"
  start misspelt-template <<'Y'
  sensors: {list: [{device: "1", tag: "1"}]}
  podTemplate: {spec: {nodeSelektor: {pool: scoring}}}
Y
  ends misspelt-template Failed 60
  told misspelt-template InvalidPodTemplate
  described misspelt-template nodeSelektor
}

# An operator with another scorer comes between the plan and the score step: the run keeps its own.
scenario_operator_upgraded() {
  reference >/dev/null
  start upgraded <<<"  sharding: {sensorsPerPod: 12, parallelism: 2}"
  within 60 kube get job upgraded-plan
  cluster run kubectl -n fleetscore-system scale deployment fleetscore-operator --replicas=0 >/dev/null
  within 60 operators_are 0
  kube wait job/upgraded-plan --for=condition=Complete --timeout=60s >/dev/null
  equal "" "$(kube get job upgraded-score-0 --ignore-not-found -o name)" "score Job before the upgrade"
  install_chart --set image.scorer.repository=fleetscore-next
  complete upgraded
  equal "localhost/fleetscore-scorer:dev" "$(field upgraded .status.scorer.image)" "scorer of the run"
  equal "localhost/fleetscore-scorer:dev localhost/fleetscore-scorer:dev" \
    "$(for step in score-0 collect; do kube get job "upgraded-$step" -o 'jsonpath={.spec.template.spec.containers[0].image}'; echo; done | xargs)" \
    "images of the later steps"
  start after-upgrade <<<"  pendingTimeoutSeconds: 8"
  within 60 kube get job after-upgrade-plan
  equal localhost/fleetscore-next:dev "$(kube get job after-upgrade-plan -o 'jsonpath={.spec.template.spec.containers[0].image}')" "image of a later run"
  kube delete scoringrun after-upgrade >/dev/null
  install_chart
}

# Storage refuses one model: that is its sensor's failure, also where the sensor has a pod of its own.
scenario_model_denied() {
  "$root/testcluster/cluster" run python3 "$here/deny.py" 10.99.0.1 10001 model_1_2. >"$work/deny" 2>&1 &
  # shellcheck disable=SC2064  # the process of now
  trap "kill $!" EXIT
  within 20 grep -q ready "$work/deny"
  STORAGE='{azure: {account: devstoreaccount1, auth: Emulator, endpoint: "http://10.99.0.1:10001/devstoreaccount1"}}'
  start model-denied <<'Y'
  sharding: {sensorsPerPod: 1, parallelism: 8}
  failurePolicy: {maxFailedSensors: 1}
Y
  ends model-denied PartiallySucceeded
  equal '{"failed":1,"succeeded":23,"total":24}' "$(field model-denied .status.sensors)" "sensors"
  described model-denied AccessDenied "device=1 tag=2"
}

# Suspended while the report is made: why scoring was stopped is still known when it goes on.
scenario_suspended_collecting() {
  reference >/dev/null
  start late-report <<'Y'
  sharding: {sensorsPerPod: 1, parallelism: 1}
  activeDeadlineSeconds: 20
Y
  within 90 scored late-report 1
  cluster stop-azurite
  within 60 in_phase late-report Collecting
  within 120 kube get job late-report-collect
  no_pods late-report score Running || fail "a score pod still runs beside the report"
  suspend late-report true
  within 60 in_phase late-report Suspended
  equal "True DeadlineExceeded" "$(condition late-report Scored status) $(condition late-report Scored reason)" "what is remembered"
  cluster restart-azurite
  suspend late-report false
  ends late-report Failed
  told late-report DeadlineExceeded
  (($(field late-report .status.sensors.succeeded) < 24)) || fail "all sensors were scored after all"
}

# late_image NAME: the scorer's image under another name, as an archive.
late_image() {
  local dir=$work/late
  mkdir -p "$dir"
  tar -C "$dir" -xf "$images/fleetscore-scorer.tar"
  sed -i "s#\"RepoTags\":\[\"[^\"]*\"\]#\"RepoTags\":[\"$1\"]#" "$dir/manifest.json"
  grep -q "$1" "$dir/manifest.json" || fail "the archive's manifest names no image: $(head -c 300 "$dir/manifest.json")"
  tar -C "$dir" -cf "$work/late.tar" .
}

# The image comes after the first tries to pull it: a reason that passes fails nothing.
scenario_image_late() {
  late_image localhost/late:1
  start image-late <<'Y'
  pendingTimeoutSeconds: 120
  sensors: {list: [{device: "1", tag: "1"}, {device: "1", tag: "2"}]}
  podTemplate: {spec: {containers: [{name: scorer, image: "localhost/late:1", imagePullPolicy: IfNotPresent}]}}
Y
  within 60 message_has image-late "late:1"
  cluster load "$work/late.tar" >/dev/null
  ends image-late Succeeded
}

# A namespace that the operator may not read keeps it from no other.
scenario_namespace_unreadable() {
  cluster run kubectl -n quota delete rolebinding fleetscore-operator >/dev/null
  cluster run kubectl -n fleetscore-system rollout restart deployment fleetscore-operator >/dev/null
  cluster run kubectl -n fleetscore-system rollout status deployment fleetscore-operator --timeout=90s >/dev/null || fail "the operator is not ready"
  start beside-unreadable <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  ends beside-unreadable Succeeded
  has "$(cluster run kubectl -n fleetscore-system logs deployment/fleetscore-operator)" '"namespace":"quota"' "the operator's log"
  install_chart
  NAMESPACE=quota
  kube delete quota --all >/dev/null
  start readable-again <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  ends readable-again Succeeded
}
