# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Streams whose operator is killed, frozen or doubled, and streams that lose a node.

# An operator of its own is killed at every call of a stream's life: it comes, its pods work, it is suspended. In the end the same is there.
scenario_stream_killed() {
  crash_setup
  begin_feeding lives
  rm -f "$work/feeding-lives"
  (set -e; killed_life life-clean 0 before) || fail "the undisturbed stream: $(cat "$work/crash/life-clean".{what,errors})"
  has "$(<"$work/crash/life-clean.outcome")" '"Suspended"' "outcome of the undisturbed stream"
  killed_lives before
  killed_lives after
}

# killed_lives WHEN: kills at call 1, 2, 3, ... , a few rounds at a time, until a life passes without being killed.
killed_lives() {
  local when=$1 number=1 lane pids name differences
  while :; do
    pids=()
    for ((lane = 0; lane < LANES; lane++)); do
      (set -e; killed_life "life-$when-$((number + lane))" "$((number + lane))" "$when") &
      pids+=($!)
    done
    for ((lane = 0; lane < LANES; lane++)); do
      name=life-$when-$((number + lane))
      wait "${pids[lane]}" || fail "$name: $(cat "$work/crash/$name".{what,errors} 2>&1)"
      differences=$(diff "$work/crash/life-clean.outcome" "$work/crash/$name.outcome") ||
        fail "killed $when call $((number + lane)), $(<"$work/crash/$name.what"): $differences"
    done
    ((number += LANES))
    ! grep -lqx "not reached" "$work"/crash/life-"$when"-*.what || break
    ((number < 200)) || fail "no stream lived through within 200 calls"
  done
  echo "killed $when the answer of $(grep -Lx "not reached" "$work"/crash/life-"$when"-*.what | wc -l) calls"
}

killed_life() { # killed_life NAMESPACE NUMBER WHEN
  local NAMESPACE=$1
  make_namespace "$NAMESPACE"
  kube delete readingstream lives --ignore-not-found --cascade=foreground >/dev/null
  stream_of lives </dev/null | sed "s|az://readings/lives/|az://readings/$1/|" | kube create -f - >/dev/null
  cluster run timeout 400 python3 "$here/crash.py" "$2" "$3" "$NAMESPACE" stream/lives -- "$work/crash/operator" \
    --config "$work/crash/config.yaml" --namespaces "$NAMESPACE" --listen 127.0.0.1:0 --no-leader-election --log warn \
    >"$work/crash/$1.what" 2>"$work/crash/$1.errors" || return 1
  {
    kube get readingstream lives -o json
    kube get deployments,configmaps,services,poddisruptionbudgets,networkpolicies -l scoring.fleetscore.io/stream=lives -o json
  } | python3 "$here/stream_outcome.py" "$NAMESPACE" >"$work/crash/$1.outcome"
  cluster run kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

# Two operators, of which one leads. It is frozen, and the other goes on; when it wakes, it does nothing more. Then both are killed and one
# comes back.
scenario_stream_leader() {
  crash_setup
  local NAMESPACE=leader lead follow
  make_namespace leader
  begin_feeding led
  rm -f "$work/feeding-led"
  stream_of led </dev/null | kube create -f - >/dev/null
  start_operator first
  start_operator second
  within 90 has_leader
  within 60 stream_says led Ready True
  lead=$(kube get lease schedules -o 'jsonpath={.spec.holderIdentity}')
  follow=first
  [[ $lead != first ]] || follow=second
  kill -STOP "$(<"$work/crash/$lead.pid")"
  within 90 led_by "$follow"
  kube scale readingstream led --replicas=2 >/dev/null
  within 60 has_stream_pods led 2
  kill -CONT "$(<"$work/crash/$lead.pid")"
  kube scale readingstream led --replicas=1 >/dev/null
  within 60 has_stream_pods led 1
  # Created, two pods, one: nothing else was written of it.
  equal 3 "$(kube get deployment led-ingest -o 'jsonpath={.metadata.generation}')" "changes of the Deployment"
  led_by "$follow" || fail "the frozen operator leads again"

  kill -KILL "$(<"$work/crash/$follow.pid")"
  kill -KILL "$(<"$work/crash/$lead.pid")" 2>/dev/null || true
  kube patch readingstream led --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
  start_operator third
  within 120 stream_says led Ready True Suspended
  within 60 has_stream_pods led 0
  equal 4 "$(kube get deployment led-ingest -o 'jsonpath={.metadata.generation}')" "changes of the Deployment"
  kill -TERM "$(<"$work/crash/third.pid")"
  cluster run kubectl delete namespace leader --wait=false >/dev/null
}

# A node goes with one of two pods, which save every 30 s as they do by default: what they claimed is claimed again in time, each reading
# is scored once.
scenario_stream_node_lost() {
  local since pause lost
  cluster node add worker 2>/dev/null
  cluster run kubectl cordon worker >/dev/null
  CHECKPOINT=30 begin_stream parted </dev/null
  within 120 stream_says parted Ready True
  within 60 owns_all parted
  ticks_on parted
  # The second pod has no other place.
  cluster run kubectl uncordon worker >/dev/null
  cluster run kubectl cordon "$(other_node)" >/dev/null
  kube scale readingstream parted --replicas=2 >/dev/null
  within 60 has_stream_pods parted 2
  cluster run kubectl uncordon "$(other_node)" >/dev/null
  within 90 worker_owns parted
  lost=$(partitions_of "$(pod_on_worker parted)")
  since=$(date +%s)
  cluster node remove worker
  # The status tells of it at the next look at the pods, within 15 s.
  # shellcheck disable=SC2086  # numbers
  within 155 owned_elsewhere parted "$since" $lost
  pause=$(($(date -d "$(last_claim parted)" +%s) - since))
  echo "a node lost: partitions ${lost//$'\n'/, } claimed again after $pause s"
  ((pause <= 135)) || fail "the last partition was claimed only after $pause s"
  within 400 ended_well parted 3
  kube patch scoringschedule parted --type=merge -p '{"spec": {"suspend": true}}' >/dev/null
  each_scored_once parted
  end_stream parted
}

other_node() { # the name of the node that is not `worker`
  cluster run kubectl get nodes -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' | grep -vx worker
}

pod_on_worker() { # pod_on_worker NAME: its pod's name
  kube get pods -l "scoring.fleetscore.io/stream=$1" --field-selector spec.nodeName=worker -o 'jsonpath={.items[*].metadata.name}'
}

partitions_of() { # partitions_of POD: numbers of those that it works on, as it says
  kube get --raw "/api/v1/namespaces/$NAMESPACE/pods/$1:8080/proxy/status" |
    python3 -c 'import json, sys; print(*(found["partition"] for found in json.load(sys.stdin)["owned"]), sep="\n")'
}

worker_owns() { # worker_owns NAME: its fair share of the partitions
  [[ $(partitions_of "$(pod_on_worker "$1")" | wc -l) -eq 2 ]] && owns_all "$1"
}

claims() { # claims NAME: when its pods claimed which partition
  local pod
  for pod in $(stream_pods "$1"); do
    kube logs "$pod" | sed -n 's/.*"timestamp":"\([^"]*\)".*"message":"claimed","partition":\([0-9]*\).*/\1 \2/p'
  done | sort
}

# owned_elsewhere NAME TIME PARTITION...: by pods that have claimed these partitions since then (in seconds since 1970).
owned_elsewhere() {
  local found partition
  found=$(claims "$1" | while read -r when partition; do (($(date -d "$when" +%s) < $2)) || echo "$partition"; done)
  for partition in "${@:3}"; do
    grep -qx "$partition" <<<"$found" || return 1
  done
  stream_says "$1" Ready True && owns_all "$1"
}

last_claim() { # last_claim NAME
  claims "$1" | tail -n 1 | cut -d ' ' -f 1
}
