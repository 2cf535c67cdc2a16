#!/usr/bin/env bash
# Builds static programs, which run on any Linux: scripts/build.sh PROFILE PROGRAM... [-- CARGO_ARG...]
# The programs are cli, scorer, ingest and operator. Prints the folder with them.
#
# Whichever are wanted, the features of the dependencies are the same, so that none is compiled twice: those of cli, scorer and ingest together, and
# for the operator those of all four. scripts/features-test.sh checks that they are equal where all have a dependency. Only the
# operator has the Kubernetes types of fleetscore-crds, so it is built by itself.
set -euo pipefail

cd "$(dirname "$0")/.."
profile=${1:?usage: scripts/build.sh PROFILE PROGRAM... [-- CARGO_ARG...]}
shift
scoring=() operator=()
while [[ $# -gt 0 && $1 != -- ]]; do
  case $1 in
    cli) scoring+=(--bin fleetscore) ;;
    scorer) scoring+=(--bin scorer) ;;
    ingest) scoring+=(--bin fleetscore-ingest) ;;
    operator) operator=(--bin fleetscore-operator) ;;
    *) echo "build.sh: no program $1; there are: cli scorer ingest operator" >&2; exit 2 ;;
  esac
  shift
done
# With --target, the flags reach the programs alone, not the macros that the compiler loads.
target=$(rustc -vV | sed -n 's/^host: //p')
build() {
  RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile "$profile" --target "$target" -p fleetscore-cli -p fleetscore-scorer -p fleetscore-ingest "$@" >&2
}
[[ ${#scoring[@]} -eq 0 ]] || build "${scoring[@]}" "${@:2}"
[[ ${#operator[@]} -eq 0 ]] || build -p fleetscore-operator "${operator[@]}" "${@:2}"
echo "${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}"
