#!/usr/bin/env bash
# Opens sample reports in a real browser and checks what it shows.
set -euo pipefail

cd "$(dirname "$0")/.."
home=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/browser
mkdir -p "$home"
cp tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc "$home/"
if ! cmp -s tests/browser/package-lock.json "$home/installed.json"; then
  npm ci --prefix "$home" --no-audit --no-fund --loglevel=error
  cp tests/browser/package-lock.json "$home/installed.json"
fi
cp tests/browser/*.mjs "$home/"
REPORT_DIR=$(mktemp -d)
export REPORT_DIR
trap 'rm -rf "$REPORT_DIR"' EXIT
cargo run -q --locked -p fleetscore-scorer --example sample_report -- "$REPORT_DIR"
node --test "$home/"*.test.mjs
