#!/usr/bin/env bash
# Checks that the operator's build shares the dependencies of the other programs' build: scripts/features-test.sh
# A dependency with other features is another one: it and all that depends on it would be compiled a second time.
set -euo pipefail

cd "$(dirname "$0")/.."
# They take seconds together, and hardly anything that is shared depends on them.
small='ahash either fleetscore-crds futures-executor getrandom serde'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

list() { # list FILE FORMAT PACKAGE...: a line for each dependency
  cargo tree --locked --quiet --edges normal --prefix none --no-dedupe --format "$2" "${@:3}" >"$work/lines"
  sort -u "$work/lines" >"$work/$1"
}
scoring=(-p fleetscore-cli -p fleetscore-scorer -p fleetscore-ingest)
list scoring '{p} [{f}]' "${scoring[@]}"
list all '{p} [{f}]' "${scoring[@]}" -p fleetscore-operator
list operator '{p}' -p fleetscore-operator

comm -3 "$work/scoring" "$work/all" | sed 's/^\t//; s/ \[.*//' | sort | uniq -d >"$work/differing"
found=$(comm -12 "$work/differing" "$work/operator" | grep -vE "^(${small// /|}) " || true)
[[ -z $found ]] || {
  printf 'features-test: the operator has these with other features than cli, scorer and ingest; give both the same in Cargo.toml:\n%s\n' "$found" >&2
  exit 1
}
