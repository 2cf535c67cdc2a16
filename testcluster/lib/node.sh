# shellcheck shell=bash
# Real nodes: containerd and kubelet each. A node's number gives its address, its pods' range and their bridge.

cluster_node() {
  case ${1:-}:${2:-} in
  add:?* | kill:?* | remove:?*) "node_$1" "$2" ;;
  *) fail "usage: cluster node add|kill|remove NAME" ;;
  esac
}

node_add() {
  local name=$1 dir=$STATE/nodes/$1
  [[ $name =~ ^[a-z0-9-]{1,12}$ ]] || fail "node name $name: up to 12 of a-z, 0-9 and -"
  [[ ! -d $dir ]] || fail "node $name is there; kill or remove it first"
  start_containerd "$name"
  load_all_images "$name"
  start_kubelet "$name"
  wait_node "$name"
}

wait_node() {
  wait_process "$1.kubelet" 60 own_kubectl wait --for=condition=Ready "node/$1" --timeout=5s
}

# node_kill NAME: as if its power was cut.
node_kill() {
  local name=$1
  [[ $name != node-0 ]] || fail "node-0 stays: it runs what the cluster needs; add another node and kill that"
  [[ -d $STATE/nodes/$name ]] || fail "no node $name; there are: $(ls "$STATE/nodes")"
  kill_cgroups "$CGROUP/$name.kubelet" "$CGROUP/$name.containerd" "$CGROUP/$name.pods"
  rm -f "$STATE/commands/$name".*
  remove_node_files "$name"
  remove_cgroups "$ID/$name.pods"
}

# node_remove NAME: as if the cloud took the machine away.
node_remove() {
  [[ ! -d $STATE/nodes/$1 ]] || node_kill "$1"
  own_kubectl delete node "$1" >/dev/null
  collect_pods_of "$1"
}

# collect_pods_of NODE: at once what Kubernetes' pod garbage collector does to a lost node's pods after 40 to 80 seconds.
collect_pods_of() {
  local on=spec.nodeName=$1 namespace pod
  own_kubectl get pods -A --field-selector "$on,status.phase!=Succeeded,status.phase!=Failed" --no-headers \
    -o custom-columns=:metadata.namespace,:metadata.name | while read -r namespace pod; do
    own_kubectl patch pod -n "$namespace" "$pod" --subresource status -p '{"status": {"phase": "Failed", "conditions": [
      {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "the node is gone"}]}}' </dev/null >/dev/null
  done
  own_kubectl delete pods -A --field-selector "$on" --grace-period 0 --force >/dev/null 2>&1
}

remove_node_files() { # remove_node_files NAME: what its containers left, also outside its folder
  local dir=$STATE/nodes/$1 pod
  for pod in "$dir"/root/io.containerd.grpc.v1.cri/sandboxes/*; do
    rm -f /var/lib/cni/results/*-"${pod##*/}"-*
  done
  find "$dir/run" -name address -exec cat {} + 2>/dev/null | grep -o '/run/containerd/s/[0-9a-f]*' | xargs -r rm -f || true
  find /var/log/containers -lname "$dir/*" -delete 2>/dev/null || true
  unmount_below "$dir"
  rm -rf --one-file-system "$dir"
}

unmount_below() {
  local mounts
  mapfile -t mounts < <(awk -v below="$1/" 'index($2, below) == 1 {print $2}' /proc/mounts | sort -r)
  [[ ${#mounts[@]} -eq 0 ]] || umount -l "${mounts[@]}"
}

free_number() { # the lowest that no node has; node-0 is 0
  local number=0
  while cat "$STATE"/nodes/*/number 2>/dev/null | grep -qx $number; do ((++number)); done
  echo "$number"
}

cni_programs() {
  local dir
  for dir in /usr/lib/cni /usr/libexec/cni /opt/cni/bin; do
    [[ ! -x $dir/bridge ]] || { echo "$dir"; return; }
  done
  fail "CNI plugins are absent: install containernetworking-plugins"
}

start_containerd() {
  local name=$1 dir=$STATE/nodes/$1 number programs
  number=$(free_number)
  programs=$(cni_programs)
  mkdir -p "$dir/cni" "$dir/runc"
  echo "$number" >"$dir/number"
  [[ $number -eq 0 ]] || inside ip address replace "$NODE_NETWORK.$((number + 1))/24" dev nodes
  # restrict_oom_score_adj: in a container, scores cannot be lowered. The rest keeps everything in the node's folder.
  cat >"$dir/containerd.toml" <<C
version = 2
root = "$dir/root"
state = "$dir/run"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "$dir/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "$dir/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$programs"
    conf_dir = "$dir/cni"
C
  cat >"$dir/cni/pods.conflist" <<C
{"cniVersion": "1.0.0", "name": "$ID", "plugins": [{
  "type": "bridge", "bridge": "pods$number", "isGateway": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "dataDir": "$dir/addresses", "routes": [{"dst": "0.0.0.0/0"}],
           "ranges": [[{"subnet": "10.101.$((number * 4)).0/22"}]]}}]}
C
  start_process "$name.containerd" containerd --config "$dir/containerd.toml"
}

start_kubelet() {
  local name=$1 dir=$STATE/nodes/$1 address root
  address=$NODE_NETWORK.$(($(<"$dir/number") + 1))
  make_pods_cgroup "$name.pods"
  # A lease of 8 seconds is renewed every 2: see node-monitor-grace-period.
  cat >"$dir/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: $address
healthzPort: 0
nodeLeaseDurationSeconds: 8
failSwapOn: false
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$ID/$name.pods
cgroupsPerQOS: true
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
containerRuntimeEndpoint: unix://$dir/containerd.sock
podLogsDir: $dir/podlogs
evictionHard: {memory.available: 50Mi}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
maxPods: 500
kubeAPIQPS: 200
kubeAPIBurst: 400
C
  start_process "$name.kubelet" kubelet --kubeconfig "$KUBECONFIG_OWN" --config "$dir/kubelet.yaml" --root-dir "$dir/kubelet" \
    --hostname-override "$name" --node-ip "$address"
}

# make_pods_cgroup NAME: kubelet wants its root to be there, in every tree.
make_pods_cgroup() {
  local root
  for root in "${CGROUP_ROOTS[@]}"; do
    mkdir -p "$root/$ID/$1"
    pass_controllers "$root" "$root/$ID"
    pass_controllers "$root/$ID" "$root/$ID/$1"
  done
}

# pass_controllers PARENT CHILD: version 1 starts a cpuset empty, so that nothing can run in it; version 2 starts without controllers.
pass_controllers() {
  local file controller
  for file in cpuset.cpus cpuset.mems; do
    [[ ! -f $1/cgroup.clone_children || ! -f $1/$file ]] || cat "$1/$file" >"$2/$file"
  done
  [[ -f $1/cgroup.subtree_control ]] || return 0
  for controller in $(<"$1/cgroup.controllers"); do
    echo "+$controller" >"$1/cgroup.subtree_control" || true
  done
}
