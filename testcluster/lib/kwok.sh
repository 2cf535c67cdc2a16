# shellcheck shell=bash
# KWOK: fake nodes, for thousands of pods on one machine. It keeps nodes that have the annotation kwok.x-k8s.io/node=fake.

cluster_kwok() {
  local count=${1:-0}
  [[ $count =~ ^[0-9]+$ ]] || fail "usage: cluster kwok [NUMBER OF NODES]"
  start_kwok
  [[ $count -eq 0 ]] || fake_nodes "$count"
}

start_kwok() {
  process_runs kwok && return
  build_programs kwok
  start_process kwok kwok --kubeconfig "$KUBECONFIG_OWN" --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
    --enable-crds= --v WARN --node-lease-duration-seconds 8 --config "$HERE/kwok/nodes.yaml" --config "$HERE/kwok/pods.yaml"
}

# fake_nodes NUMBER: kwok-0 and so on; those that exist stay.
fake_nodes() {
  local number
  for ((number = 0; number < $1; number++)); do
    cat <<N
---
apiVersion: v1
kind: Node
metadata:
  name: kwok-$number
  annotations: {kwok.x-k8s.io/node: fake}
  labels: {type: kwok, kubernetes.io/hostname: kwok-$number, kubernetes.io/os: linux, kubernetes.io/arch: amd64}
spec:
  taints: [{key: kwok.x-k8s.io/node, value: fake, effect: NoSchedule}]
N
  done | own_kubectl apply -f - >/dev/null
  own_kubectl wait --for=condition=Ready node -l type=kwok --timeout=60s >/dev/null
}
