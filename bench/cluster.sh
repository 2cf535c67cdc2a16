#!/usr/bin/env bash
# Measures the operator at 10,000 pods, on KWOK's fake nodes in a test cluster of its own (root on Linux):
#   bench/cluster.sh OPERATOR [IMAGES] [ratio|operator|jobs ...]
# OPERATOR is the program, IMAGES the folder with fleetscore-scorer.tar, as `make images` writes it. Without a word after them all is
# measured: cluster.py says what. SENSORS, ROUNDS and SIZES in the environment make it smaller.
set -euo pipefail

operator=$(realpath "${1:?usage: bench/cluster.sh OPERATOR [IMAGES] [ratio|operator|jobs ...]}")
images=$(realpath "${2:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/images}")
shift $(($# < 2 ? $# : 2))
cd "$(dirname "$0")/.."
unset KUBECONFIG
export TESTCLUSTER_NAME=${TESTCLUSTER_NAME:-scale}
cluster=testcluster/cluster
work=$(mktemp -d)
trap '"$cluster" down; rm -rf "$work"' EXIT

"$cluster" up
"$cluster" kwok 10
"$cluster" azurite
"$cluster" load "$images/fleetscore-scorer.tar"
"$cluster" run kubectl apply --server-side --filename crds/yaml >/dev/null
"$cluster" run scripts/azurite.sh container config predictions
"$cluster" run python3 bench/cluster.py "$operator" "$work" "$@"
