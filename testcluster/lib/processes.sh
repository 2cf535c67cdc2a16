# shellcheck shell=bash
# The processes: each runs in a cgroup of its own, and its children with it. The cgroup is the record of what belongs to the cluster:
# it survives the end of this script, follows every fork, and process ids that are used again cannot deceive it.

readonly V2_ROOT=/sys/fs/cgroup
if [[ -f $V2_ROOT/cgroup.controllers ]]; then
  mapfile -t CGROUP_ROOTS <<<"$V2_ROOT"
  CGROUP=$V2_ROOT/$ID
else
  # Version 1: a tree per controller. The processes are kept in that of `pids`; kubelet uses the others for its pods.
  mapfile -t CGROUP_ROOTS < <(awk '$3 ~ /^cgroup2?$/ {print $2}' /proc/mounts)
  CGROUP=$(awk '$3 == "cgroup" && $4 ~ /(^|,)pids(,|$)/ {print $2; exit}' /proc/mounts)/$ID
fi

# Each cluster's commands that change it run one after another; the processes it starts must not inherit the lock.
lock_cluster() {
  mkdir -p "$CACHE"
  exec 8>"$CACHE/.$ID.lock"
  flock 8
}

# start_process NAME COMMAND...: in the cluster's network; it outlives this script. Its log: $STATE/logs/NAME.log.
start_process() {
  local name=$1
  shift
  mkdir -p "$CGROUP/$name" "$STATE/logs" "$STATE/commands"
  printf '%q ' "$@" >"$STATE/commands/$name"
  (
    echo "$BASHPID" >"$CGROUP/$name/cgroup.procs"
    exec setsid nsenter --net="$NETNS" "$@" </dev/null >>"$STATE/logs/$name.log" 2>&1 8>&-
  ) &
  # The child does this itself; doing it here as well makes process_runs true from now on.
  echo $! >"$CGROUP/$name/cgroup.procs" 2>/dev/null || true
}

process_runs() {
  local pid
  { read -r pid <"$CGROUP/$1/cgroup.procs"; } 2>/dev/null && [[ -n $pid ]]
}

# wait_process NAME SECONDS COMMAND...: until the command succeeds; tells the log's end when it does not or the process ends.
wait_process() {
  local name=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    process_runs "$name" || fail "$name ended: $(tail -n 5 "$STATE/logs/$name.log")"
    ((SECONDS < deadline)) || fail "$name is not ready: $(tail -n 5 "$STATE/logs/$name.log")"
    sleep 0.05
  done
}

pids_in() { # pids_in CGROUP...: of them and all below
  find "$@" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}

no_pids_in() {
  [[ -z $(pids_in "$@") ]]
}

signal_pids() { # signal_pids SIGNAL CGROUP...
  local pids
  mapfile -t pids < <(pids_in "${@:2}")
  [[ ${#pids[@]} -eq 0 ]] || kill "-$1" "${pids[@]}" 2>/dev/null || true
}

# kill_cgroups CGROUP...: ends everything in them at once, also what is being forked.
kill_cgroups() {
  local deadline=$((SECONDS + 10))
  until no_pids_in "$@"; do
    ((SECONDS < deadline)) || fail "these processes do not end: $(pids_in "$@" | xargs)"
    signal_pids KILL "$@"
    sleep 0.01
  done
}

# remove_cgroups NAME: in every tree, with all below.
remove_cgroups() {
  local root
  for root in "${CGROUP_ROOTS[@]}"; do
    [[ ! -d $root/$1 ]] || until_true 5 find "$root/$1" -depth -type d -exec rmdir {} + || fail "cgroup $root/$1 cannot be removed"
  done
}

process_names() {
  ls "$STATE/commands" 2>/dev/null || true
}

# full_name NAME: adds `kube-` or `node-0.` where that is what the process is called.
full_name() {
  local prefix
  for prefix in "" kube- node-0.; do
    if [[ -f $STATE/commands/$prefix$1 ]]; then
      echo "$prefix$1"
      return
    fi
  done
  fail "no process $1; there are: $(process_names | xargs)"
}

stop_process() {
  local name
  name=$(full_name "$1")
  signal_pids TERM "$CGROUP/$name"
  until_true 5 no_pids_in "$CGROUP/$name" || kill_cgroups "$CGROUP/$name"
}

restart_process() {
  local name command
  name=$(full_name "$1")
  stop_process "$name"
  eval "command=($(<"$STATE/commands/$name"))"
  start_process "$name" "${command[@]}"
  case $name in
  kube-apiserver) wait_apiserver ;;
  azurite) wait_azurite ;;
  broker) wait_broker ;;
  *) ;;
  esac
}
