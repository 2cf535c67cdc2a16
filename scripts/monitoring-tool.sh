#!/usr/bin/env bash
# Runs promtool, prometheus or jsonnet as mixin/tools pins them, built once with Go into the cache (minutes):
# scripts/monitoring-tool.sh promtool check rules FILE
set -euo pipefail

command -v go >/dev/null || { echo "monitoring-tool.sh: go is absent: install Go 1.21 or later; it fetches the version it needs" >&2; exit 1; }
pins=$(dirname "$(realpath "$0")")/../mixin/tools
key=$(cat "$pins/go.mod" "$pins/go.sum" | sha256sum)
into=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/tools/monitoring-${key:0:12}

case $1 in
promtool | prometheus) package=github.com/prometheus/prometheus/cmd/$1 ;;
jsonnet) package=github.com/google/go-jsonnet/cmd/jsonnet ;;
*) echo "monitoring-tool.sh: no tool $1: promtool, prometheus or jsonnet" >&2; exit 1 ;;
esac

# Without what finds targets in clouds, which is most of Prometheus and of no use here.
build() {
  CGO_ENABLED=0 nice -n 5 go build -C "$pins" -trimpath -gcflags=all=-dwarf=false -ldflags "-s -w" -tags remove_all_sd -o "$into/$1.partial" "$package"
  mv "$into/$1.partial" "$into/$1"
}

if [[ ! -x $into/$1 ]]; then
  mkdir -p "$into"
  exec {lock}>"$into.lock"
  flock "$lock"
  if [[ ! -x $into/$1 ]]; then
    echo "building $1" >&2
    build "$1"
  fi
  exec {lock}>&-
fi
exec "$into/$1" "${@:2}"
