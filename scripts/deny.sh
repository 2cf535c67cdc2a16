#!/usr/bin/env bash
# Checks the dependencies: scripts/deny.sh bans licenses sources advisories
# The advisories need their database, from the network or from an earlier time: without it they are left out, with a word.
set -euo pipefail

cd "$(dirname "$0")/.."
version=0.20.2
tools=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/tools
if [[ $("$tools/bin/cargo-deny" --version 2>/dev/null) != "cargo-deny $version" ]]; then
  # It runs for seconds: compiling it faster is worth more than a fast program.
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
    cargo install --locked --quiet --root "$tools" "cargo-deny@$version"
fi
deny() { "$tools/bin/cargo-deny" --workspace --all-features "$@"; }

checks=()
fetched=()
for check in "$@"; do
  if [[ $check == advisories ]]; then
    if answer=$(timeout "${FETCH_SECONDS:-60}" "$tools/bin/cargo-deny" --workspace --all-features fetch db 2>&1); then
      fetched=(--disable-fetch)
    else
      printf 'deny: advisories are not checked: their database cannot be fetched\n%s\n' "$(tail -n 3 <<<"$answer")" >&2
      continue
    fi
  fi
  checks+=("$check")
done
[[ ${#checks[@]} -eq 0 ]] || deny check "${fetched[@]}" "${checks[@]}"
