# shellcheck shell=bash
# The control plane: etcd, API server, controller manager, scheduler; and kube-proxy, one for all nodes as they share a network.

readonly KUBECONFIG_OWN=$STATE/kubeconfig

own_kubectl() {
  inside kubectl --kubeconfig "$KUBECONFIG_OWN" "$@"
}

start_etcd() {
  local client=http://127.0.0.1:2379
  start_process etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn --quota-backend-bytes 4294967296 \
    --listen-client-urls $client --advertise-client-urls $client --listen-peer-urls http://127.0.0.1:2380
}

start_apiserver() {
  local token
  token=$(openssl rand -hex 16)
  (umask 077 && echo "$token,admin,admin,system:masters" >"$STATE/tokens.csv")
  openssl ecparam -name prime256v1 -genkey -noout -out "$STATE/serviceaccount.key"
  # Pods leave a node that is gone after 5 seconds, not 300, so that tests need not wait for it.
  start_process kube-apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --cert-dir "$STATE/certificates" \
    --secure-port 6443 --advertise-address "$HOST_IP" --service-cluster-ip-range "$SERVICE_CIDR" \
    --authorization-mode Node,RBAC --allow-privileged=true --token-auth-file "$STATE/tokens.csv" \
    --service-account-issuer https://kubernetes.default.svc --service-account-signing-key-file "$STATE/serviceaccount.key" \
    --service-account-key-file "$STATE/serviceaccount.key" --kubelet-preferred-address-types InternalIP \
    --max-requests-inflight 4000 --max-mutating-requests-inflight 2000 \
    --default-not-ready-toleration-seconds 5 --default-unreachable-toleration-seconds 5
  wait_process kube-apiserver 60 port_open "$HOST_IP" 6443
  write_kubeconfig "$token"
  wait_apiserver
}

write_kubeconfig() { # write_kubeconfig TOKEN
  local authority
  authority=$(base64 -w0 "$STATE/certificates/apiserver.crt")
  (umask 077 && cat >"$KUBECONFIG_OWN") <<K
apiVersion: v1
kind: Config
clusters: [{name: $ID, cluster: {server: "https://$HOST_IP:6443", certificate-authority-data: $authority}}]
users: [{name: admin, user: {token: $1}}]
contexts: [{name: $ID, context: {cluster: $ID, user: admin}}]
current-context: $ID
K
}

apiserver_ready() {
  own_kubectl get --raw /readyz
}

wait_apiserver() {
  wait_process kube-apiserver 60 apiserver_ready
}

start_controllers() {
  local rate=(--kube-api-qps 500 --kube-api-burst 1000)
  start_process kube-controller-manager kube-controller-manager --kubeconfig "$KUBECONFIG_OWN" --leader-elect=false \
    --cert-dir "$STATE/controllers" --use-service-account-credentials --concurrent-job-syncs 20 "${rate[@]}" \
    --service-account-private-key-file "$STATE/serviceaccount.key" --root-ca-file "$STATE/certificates/apiserver.crt" \
    --node-monitor-period 2s --node-monitor-grace-period 10s --node-eviction-rate 10
  start_process kube-scheduler kube-scheduler --kubeconfig "$KUBECONFIG_OWN" --leader-elect=false \
    --cert-dir "$STATE/scheduler" "${rate[@]}"
}

start_proxy() {
  cat >"$STATE/proxy.yaml" <<C
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: $KUBECONFIG_OWN}
clusterCIDR: $POD_CIDR
hostnameOverride: node-0
conntrack: {maxPerCore: 0, min: 0}
C
  start_process kube-proxy kube-proxy --config "$STATE/proxy.yaml"
}
