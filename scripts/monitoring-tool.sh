#!/usr/bin/env bash
# Runs promtool or jsonnet as mixin/tools pins them, built once with Go into the cache (minutes): scripts/monitoring-tool.sh promtool check rules FILE
set -euo pipefail

command -v go >/dev/null || { echo "monitoring-tool.sh: go is absent: install Go 1.21 or later; it fetches the version it needs" >&2; exit 1; }
pins=$(dirname "$(realpath "$0")")/../mixin/tools
key=$(cat "$pins/go.mod" "$pins/go.sum" | sha256sum)
into=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/tools/monitoring-${key:0:12}

# build INTO: without what finds targets in clouds, which is most of promtool and of no use here.
build() {
  rm -rf "$1"
  CGO_ENABLED=0 nice -n 5 go build -C "$pins" -trimpath -gcflags=all=-dwarf=false -ldflags "-s -w" -tags remove_all_sd -o "$1/" \
    github.com/prometheus/prometheus/cmd/promtool github.com/google/go-jsonnet/cmd/jsonnet
}

if [[ ! -d $into ]]; then
  mkdir -p "$(dirname "$into")"
  exec {lock}>"$into.lock"
  flock "$lock"
  if [[ ! -d $into ]]; then
    echo "building promtool and jsonnet" >&2
    build "$into.partial"
    mv "$into.partial" "$into"
  fi
  exec {lock}>&-
fi
exec "$into/$1" "${@:2}"
