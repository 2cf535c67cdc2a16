# shellcheck shell=bash
# Karpenter with its KWOK provider: nodes from zero for pods that wait, and back to zero when they are empty.

cluster_karpenter() {
  process_runs karpenter && return
  build_programs karpenter
  start_kwok
  own_kubectl apply -f "$(program_dir karpenter)/crds" >/dev/null
  own_kubectl wait --for=condition=Established crd/nodepools.karpenter.sh crd/nodeclaims.karpenter.sh \
    crd/kwoknodeclasses.karpenter.kwok.sh --timeout=30s >/dev/null
  start_process karpenter env KUBECONFIG="$KUBECONFIG_OWN" SYSTEM_NAMESPACE=kube-system KARPENTER_SERVICE=karpenter \
    METRICS_PORT=18080 HEALTH_PROBE_PORT=18081 DISABLE_LEADER_ELECTION=true CPU_REQUESTS=1000 \
    BATCH_IDLE_DURATION=1s BATCH_MAX_DURATION=3s \
    FEATURE_GATES=StaticCapacity=false,SpotToSpotConsolidation=false,NodeRepair=false,CapacityBuffer=false karpenter
  own_kubectl apply -f "$HERE/karpenter/nodepool.yaml" >/dev/null
  wait_process karpenter 30 own_kubectl wait --for=condition=Ready nodepool/scoring --timeout=5s
}
