#!/usr/bin/env bash
# Runs Helm: the one in PATH, else the one that testcluster/ pins, built once with Go (minutes).
set -euo pipefail

if ! command -v helm >/dev/null; then
  command -v go >/dev/null || { echo "helm.sh: neither helm nor go is there; install one of them" >&2; exit 1; }
  PATH=$("$(dirname "$0")/../testcluster/cluster" build helm):$PATH
fi
exec helm "$@"
