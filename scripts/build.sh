#!/usr/bin/env bash
# Builds static programs, which run on any Linux: scripts/build.sh PROFILE PACKAGE... [-- CARGO_ARG...]
# The packages are cli, scorer and operator. Prints the folder with the programs.
set -euo pipefail

cd "$(dirname "$0")/.."
profile=${1:?usage: scripts/build.sh PROFILE PACKAGE... [-- CARGO_ARG...]}
shift
packages=()
while [[ $# -gt 0 && $1 != -- ]]; do
  packages+=("--package=fleetscore-$1")
  shift
done
# With --target, the flags reach the programs alone, not the macros that the compiler loads.
target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile "$profile" --target "$target" "${packages[@]}" --bins "${@:2}" >&2
echo "${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}"
