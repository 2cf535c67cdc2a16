# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# Readings, models and predictions on a file server: a claim that pods of two nodes mount.

scenario_file_server() {
  local folder=$work/files node
  reference >/dev/null
  mkdir -p "$folder"
  cp -r "$work/plant/models" "$work/readings" "$folder/"
  chmod -R a+rwX "$folder"
  cluster node add second >/dev/null
  kube delete scoringrun files --ignore-not-found >/dev/null
  kube delete pvc plant-files --ignore-not-found >/dev/null
  cluster run kubectl delete pv plant-files --ignore-not-found >/dev/null
  cluster run kubectl apply -f - >/dev/null <<Y
apiVersion: v1
kind: PersistentVolume
metadata: {name: plant-files}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  storageClassName: ""
  claimRef: {namespace: $NAMESPACE, name: plant-files}
  # All nodes of the test cluster see this machine's folders, as those of a real one see a file server.
  hostPath: {path: $folder, type: Directory}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: plant-files, namespace: $NAMESPACE}
spec: {accessModes: [ReadWriteMany], storageClassName: "", volumeName: plant-files, resources: {requests: {storage: 1Gi}}}
Y
  MODEL='file:///data/models/model_{device}_{tag}.fsm' INPUT='file:///data/readings/readings.csv' OUTPUT='file:///data/predictions/{run}/'
  STORAGE='{volumes: [{name: plant, mountPath: /data, claim: plant-files}]}'
  start files <<<'  sharding: {sensorsPerPod: 1, parallelism: 6}
  podTemplate: {spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {scoring.fleetscore.io/run: files}}}]}}'
  ends files Succeeded
  equal '{"failed":0,"succeeded":24,"total":24}' "$(field files .status.sensors)" "sensors"
  node=$(kube get pods -l scoring.fleetscore.io/run=files,scoring.fleetscore.io/step=score -o 'jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort -u | wc -l)
  equal 2 "$node" "nodes of the score pods"
  # The reference's predictions were read from blobs, and lie there.
  diff <(reference) <(cd "$folder/predictions/files" && find . -type f ! -path './_run/*' | sed 's|^\./||' | sort | while read -r name; do
    if [[ $name == _SUCCESS ]]; then printf '%064d %s\n' 0 "$name" | tr 0 -; else echo "$(sha256sum <"$name" | cut -d' ' -f1) $name"; fi
  done) || fail "the predictions are not those of the run on blobs"
  [[ -s $folder/predictions/files/_run/report.html ]] || fail "no report"
  equal "file:///data/predictions/files/_run/report.html" "$(field files .status.report)" "report"
  cluster node remove second >/dev/null
}
