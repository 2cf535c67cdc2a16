#!/usr/bin/env bash
# Measures 1,000 ScoringSchedules that tick in one minute, and 1,000 CronJobs, on a test cluster of its own (root on Linux):
#   bench/schedules.sh OPERATOR
# OPERATOR is the program. schedules.py says what is measured. SCHEDULES, ROUNDS and PREPARE in the environment make it smaller.
set -euo pipefail

operator=$(realpath "${1:?usage: bench/schedules.sh OPERATOR}")
cd "$(dirname "$0")/.."
unset KUBECONFIG
export TESTCLUSTER_NAME=${TESTCLUSTER_NAME:-schedules}
cluster=testcluster/cluster
work=$(mktemp -d)
trap '"$cluster" down; rm -rf "$work"' EXIT

"$cluster" up
"$cluster" run kubectl apply --server-side --filename crds/yaml >/dev/null
"$cluster" run kubectl wait --for=condition=Established crd/scoringruns.scoring.fleetscore.io crd/scoringschedules.scoring.fleetscore.io >/dev/null
"$cluster" run python3 bench/schedules.py "$operator" "$work"
