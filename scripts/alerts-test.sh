#!/usr/bin/env bash
# Tests the alerts and dashboards without a Prometheus: what fires when, that every expression can be read, that each alert has its
# runbook, and that the mixin says what the chart says.
set -euo pipefail

cd "$(dirname "$0")/.."
tool=scripts/monitoring-tool.sh
files=charts/fleetscore/files
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$tool" promtool check rules --lint=all --lint-fatal "$files/alerts.yaml" >"$work/check" || { cat "$work/check" >&2; exit 1; }
"$tool" promtool test rules mixin/tests/alerts.yaml >"$work/test" 2>&1 || { cat "$work/test" >&2; exit 1; }
# Its fields are hidden, as those of any mixin.
"$tool" jsonnet -e 'local mixin = import "mixin/mixin.libsonnet"; { [name]: mixin[name] for name in std.objectFieldsAll(mixin) }' >"$work/mixin.json"
mixin/tests/check.py "$files" mixin/tests/alerts.yaml docs/cluster/alerts.md "$work/mixin.json" "$work/panels.yaml"
"$tool" promtool check rules "$work/panels.yaml" >"$work/check" || { cat "$work/check" >&2; exit 1; }
echo "alerts: ok"
