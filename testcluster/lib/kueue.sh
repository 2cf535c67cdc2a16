# shellcheck shell=bash
# Kueue, which admits Jobs that wait in a queue. Without its webhooks: they would default and check Kueue's own objects, and suspend
# Jobs that name a queue, which is up to whoever creates the Job here.

cluster_kueue() {
  process_runs kueue && return
  build_programs kueue
  # Its definitions are too large for the annotation of a client-side apply.
  own_kubectl apply --server-side -f "$(program_dir kueue)/crds" >/dev/null
  # A definition without any status yet is an error to `wait`.
  until_true 30 own_kubectl wait --for=condition=Established --timeout=5s \
    crd/{workloads,clusterqueues,localqueues,resourceflavors}.kueue.x-k8s.io || fail "Kueue's definitions are not established"
  kueue_certificate
  # It looks for a certificate of its metrics in /etc/kueue and nowhere else: it gets an /etc of its own.
  # shellcheck disable=SC2016
  start_process kueue env KUBECONFIG="$KUBECONFIG_OWN" unshare --mount sh -c '
    mount -t tmpfs kueue /etc && mkdir -p /etc/kueue/metrics && ln -s "$1" /etc/kueue/metrics/certs && exec kueue --config "$2" --feature-gates VisibilityOnDemand=false
  ' sh "$STATE/kueue" "$(kueue_configuration)"
  wait_process kueue 60 nsenter --net="$NETNS" curl --fail --silent http://127.0.0.1:18091/readyz
}

# The servers of webhooks and metrics want one, though nobody asks them.
kueue_certificate() {
  local dir=$STATE/kueue
  mkdir -p "$dir"
  [[ -f $dir/tls.crt ]] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=kueue \
    -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null
}

kueue_configuration() {
  sed "s|CERTIFICATES|$STATE/kueue|" "$HERE/kueue/configuration.yaml" >"$STATE/kueue/configuration.yaml"
  echo "$STATE/kueue/configuration.yaml"
}
