#!/usr/bin/env bash
# Checks the dependencies: scripts/deny.sh bans licenses sources advisories
set -euo pipefail

cd "$(dirname "$0")/.."
version=0.20.2
tools=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/tools
if [[ $("$tools/bin/cargo-deny" --version 2>/dev/null) != "cargo-deny $version" ]]; then
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --locked --quiet --root "$tools" "cargo-deny@$version"
fi
"$tools/bin/cargo-deny" --workspace --all-features check "$@"
