#!/usr/bin/env bash
# Runs Helm: the one in PATH, else the one that testcluster/ pins, built once with Go (minutes).
set -euo pipefail

if ! command -v helm >/dev/null; then
  source=$(cd "$(dirname "$0")/.." && pwd)/testcluster/tools/helm
  into=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/tools/helm-$(sha256sum <"$source/go.mod" | cut -c1-12)
  [[ -x $into/helm ]] || go build -C "$source" -trimpath -ldflags "-s -w" -o "$into/" helm.sh/helm/v4/cmd/helm
  PATH=$into:$PATH
fi
exec helm "$@"
