# shellcheck shell=bash
# Starting, stopping and using the cluster as a whole.

external_cluster() {
  [[ -n ${KUBECONFIG:-} && $KUBECONFIG != "$KUBECONFIG_OWN" ]]
}

own_cluster_only() {
  external_cluster || return 0
  case $1 in
  image | load) fail "$1: not in the cluster of KUBECONFIG=$KUBECONFIG; push the image to a registry that it reads" ;;
  *) fail "$1: not in the cluster of KUBECONFIG=$KUBECONFIG; unset KUBECONFIG to use the test cluster" ;;
  esac
}

require_root() {
  [[ $(id -u) -eq 0 ]] || fail "a node needs root; run as root, or set KUBECONFIG to use another cluster"
}

# The marker is written last by `up`; what else belongs to a running cluster are the processes.
is_up() {
  local process
  [[ -f $STATE/up && -e $NETNS ]] || return 1
  for process in etcd kube-apiserver kube-controller-manager kube-scheduler kube-proxy node-0.containerd node-0.kubelet; do
    process_runs "$process" || return 1
  done
}

require_up() {
  require_root
  programs_path
  export PATH=$BIN_PATH$PATH
  [[ -f $STATE/up && -e $NETNS ]] || fail "the cluster is not up; run: testcluster/cluster up"
}

# cluster_build [PROGRAM...]: prints the folders of the programs that are named.
cluster_build() {
  local program
  if [[ $# -gt 0 ]]; then
    for program in "$@"; do
      [[ " ${PROGRAMS[*]} " == *" $program "* ]] || fail "no program $program; there are: ${PROGRAMS[*]}"
    done
    build_programs "$@"
    for program in "$@"; do program_dir "$program"; done
    return
  fi
  if external_cluster; then
    echo "using the cluster of KUBECONFIG=$KUBECONFIG" >&2
    return
  fi
  "$HERE/../scripts/install.sh" cluster
  build_programs "${PROGRAMS[@]}"
}

cluster_up() {
  if external_cluster; then
    echo "using the cluster of KUBECONFIG=$KUBECONFIG" >&2
    return
  fi
  require_root
  is_up && return
  "$HERE/../scripts/install.sh" cluster
  build_programs "${CLUSTER_PROGRAMS[@]}"
  lock_cluster
  is_up && return
  remove_all
  programs_path
  export PATH=$BIN_PATH$PATH
  start_all
}

start_all() {
  mkdir -p "$STATE"
  start_network
  start_etcd
  start_containerd node-0
  start_apiserver
  start_controllers
  load_all_images node-0
  start_kubelet node-0
  start_proxy
  wait_node node-0
  until_true 30 own_kubectl get serviceaccount default || fail "no default service account; see $STATE/logs"
  touch "$STATE/up"
  echo "the cluster is up; next: testcluster/cluster run kubectl get nodes" >&2
}

cluster_down() {
  if external_cluster; then
    echo "leaving the cluster of KUBECONFIG=$KUBECONFIG as it is" >&2
    return
  fi
  require_root
  lock_cluster
  remove_all
}

# remove_all: whatever part of a cluster is there, running or not.
remove_all() {
  local node
  [[ ! -d $CGROUP ]] || kill_cgroups "$CGROUP"
  for node in "$STATE"/nodes/*; do
    [[ ! -d $node ]] || remove_node_files "${node##*/}"
  done
  remove_network
  remove_cgroups "$ID"
  unmount_below "$STATE"
  rm -rf --one-file-system "$STATE"
}

print_env() {
  programs_path
  echo "KUBECONFIG=$KUBECONFIG_OWN"
  echo "PATH=$BIN_PATH$PATH"
  echo "TESTCLUSTER_NAME=$NAME"
  echo "TESTCLUSTER_STATE=$STATE"
  [[ ! -f $STATE/commands/azurite ]] || echo "FLEETSCORE_AZURITE_ENDPOINT=$AZURITE_ENDPOINT"
  [[ ! -f $STATE/commands/broker ]] || echo "FLEETSCORE_KAFKA=$BROKER"
}

cluster_env() {
  local name value
  if external_cluster; then
    printf 'export KUBECONFIG=%q\n' "$KUBECONFIG"
    return
  fi
  print_env | while IFS='=' read -r name value; do
    printf 'export %s=%q\n' "$name" "$value"
  done
}

cluster_run() {
  [[ $# -gt 0 ]] || fail "usage: cluster run COMMAND..."
  external_cluster && exec "$@"
  require_up
  local variables
  mapfile -t variables < <(print_env)
  exec nsenter --net="$NETNS" env "${variables[@]}" "$@"
}

# cluster_status: fails when the cluster is not up.
cluster_status() {
  if external_cluster; then
    kubectl get nodes
    return
  fi
  local process
  for process in $(process_names); do
    if process_runs "$process"; then echo "$process: runs"; else echo "$process: does not run"; fi
  done
  [[ ! -d $STATE ]] || echo "logs: $STATE/logs"
  is_up || { echo "$NAME is not up"; return 1; }
}
