# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The chart's alerts in a real Prometheus that reads the chart's operator: storage goes away, a run fails, FleetscoreRunFailed fires; storage
# comes back, and it resolves.

PROMETHEUS=127.0.0.1:9199

monitoring() { cluster run "$root/scripts/monitoring-tool.sh" "$@"; }

# shortened: the chart's alerts, but for what no test can wait for: they look back 2 minutes instead of an hour, and wait 5 seconds before
# they fire instead of minutes. The expressions are those of the chart.
shortened() {
  sed -E 's/\[1h\]/[2m]/g; s/^( *for): [0-9]+m$/\1: 5s/' "$root/charts/fleetscore/files/alerts.yaml"
}

# operator_address: where the operator tells its metrics.
operator_address() {
  local ip
  ip=$(cluster run kubectl -n fleetscore-system get pods -l app.kubernetes.io/component=operator --field-selector status.phase=Running \
    --sort-by=.metadata.creationTimestamp -o 'jsonpath={.items[-1:].status.podIP}')
  [[ -n $ip ]] || fail "the operator has no address"
  echo "$ip:8080"
}

# configured ADDRESS: what Prometheus is to read. Like the chart's monitor, it lets the operator say of which namespace a schedule is.
configured() {
  cat <<Y
global: {scrape_interval: 5s, evaluation_interval: 5s}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: fleetscore
    honor_labels: true
    static_configs: [{targets: ["$1"]}]
Y
}

start_prometheus() {
  local address
  address=$(operator_address)
  mkdir -p "$work/prometheus"
  shortened >"$work/prometheus/alerts.yaml"
  configured "$address" >"$work/prometheus/prometheus.yml"
  monitoring promtool check config "$work/prometheus/prometheus.yml" >"$work/prometheus/check" || fail "$(<"$work/prometheus/check")"
  # Built before it is put into the background, so that what runs there is Prometheus itself.
  monitoring prometheus --version >/dev/null 2>&1
  monitoring prometheus --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/prometheus/data" \
    --web.listen-address="$PROMETHEUS" --log.level=warn >"$work/prometheus/log" 2>&1 &
  prometheus=$!
  within 60 sees 'fleetscore_leader == 1'
}

stop_prometheus() {
  kill "$prometheus" 2>/dev/null || true
  wait "$prometheus" 2>/dev/null || true
  rm -rf "$work/prometheus/data"
}

# asked EXPRESSION: its series, a line each.
asked() { monitoring promtool query instant "http://$PROMETHEUS" "$1"; }

sees() { [[ -n $(asked "$1") ]]; }

fires() { sees "ALERTS{alertstate=\"firing\",alertname=\"$1\",namespace=\"$NAMESPACE\"}"; }

# quiet ALERT: it does not fire, and Prometheus answers.
quiet() {
  local found
  found=$(asked "ALERTS{alertstate=\"firing\",alertname=\"$1\"}") || return 1
  [[ -z $found ]]
}

scenario_alerts() {
  local prometheus
  trap 'cluster restart-azurite; stop_prometheus' EXIT
  start_prometheus
  # Runs of other scenarios may have failed a moment ago.
  within 180 quiet FleetscoreRunFailed

  cluster stop-azurite
  start unstored <<<"  activeDeadlineSeconds: 20"
  ends unstored Failed
  # The operator tells the first end of a namespace two minutes after the namespace's first run, so that it is seen to be counted.
  within 240 fires FleetscoreRunFailed

  cluster restart-azurite
  start stored </dev/null
  ends stored Succeeded
  within 240 quiet FleetscoreRunFailed
  quiet FleetscoreOperatorDown || fail "FleetscoreOperatorDown fires: $(asked 'ALERTS{alertstate="firing"}')"
  stop_prometheus
  trap - EXIT
}
