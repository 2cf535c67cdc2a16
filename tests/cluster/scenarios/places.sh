# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Two runs and one place: storage, and the names of objects.

# waits_for RUN TEXT: it has not begun, because its place is another's.
waits_for() {
  [[ $(condition "$1" Ready reason) == OutputInUse && $(condition "$1" Ready message) == *"$2"* ]]
}

# Two runs of one name in two namespaces, with the same output location.
scenario_one_place() {
  reference >/dev/null
  blobs clear predictions one-place/
  OUTPUT='az://predictions/one-place/'
  start twin <<<"  sharding: {sensorsPerPod: 1, parallelism: 2}"
  within 90 scored twin 2
  NAMESPACE=fenced start twin <<<"  sharding: {sensorsPerPod: 1, parallelism: 4}"
  NAMESPACE=fenced within 30 waits_for twin "the ScoringRun plant/twin has been writing to az://predictions/one-place/ since"
  NAMESPACE=fenced
  equal Pending "$(field twin .status.phase)" "phase of the run that waits"
  equal "" "$(kube get jobs -l scoring.fleetscore.io/run=twin -o name)" "Jobs of the run that waits"
  within 20 event_says twin "plant/twin"
  NAMESPACE=plant
  suspend twin true
  NAMESPACE=fenced
  within 60 waits_for twin "it is suspended"
  NAMESPACE=plant
  suspend twin false
  ends twin Succeeded
  NAMESPACE=fenced
  ends twin Succeeded
  NAMESPACE=plant
  equal "24 24" "$(field twin .status.sensors.succeeded) $(NAMESPACE=fenced field twin .status.sensors.succeeded)" "sensors of both"
  same_outputs one-place
  (($(date -d "$(NAMESPACE=fenced field twin .status.startTime)" +%s) >= $(date -d "$(field twin .status.completionTime)" +%s))) ||
    fail "the second began before the first had ended"
}

# A run whose output lies in what is another run's own waits as well; one that is deleted gives its place back.
scenario_place_within() {
  blobs clear predictions outer/
  OUTPUT='az://predictions/outer/'
  start outer <<<"  sharding: {sensorsPerPod: 1, parallelism: 1}"
  within 90 scored outer 1
  OUTPUT='az://predictions/outer/_run/inner/'
  start inner <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  within 30 waits_for inner "plant/outer"
  kube delete scoringrun outer --timeout=30s >/dev/null
  ends inner Succeeded
}

# A ConfigMap of a person's own that has the run's name is left alone; one that has the name of the run's is told.
scenario_config_map_clash() {
  kube create configmap clash --from-literal=mine=1 --dry-run=client -o yaml | kube apply -f - >/dev/null
  start clash <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  ends clash Succeeded
  equal 1 "$(kube get configmap clash -o 'jsonpath={.data.mine}')" "the person's ConfigMap"
  kube create configmap taken-scoringrun --from-literal=mine=1 --dry-run=client -o yaml | kube apply -f - >/dev/null
  start taken <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  within 60 message_has taken "a ConfigMap taken-scoringrun exists that does not belong to this run"
  equal NameConflict "$(condition taken Stalled reason)" "reason"
  kube delete configmap taken-scoringrun clash >/dev/null
  ends taken Succeeded
}
