#!/usr/bin/env bash
# Opens sample reports and the dashboards in a real browser and checks what they show; with `pictures FOLDER`, only takes the README's pictures.
set -euo pipefail

cd "$(dirname "$0")/.."
home=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/browser
mkdir -p "$home"
cp tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc tests/browser/*.js "$home/"
if ! cmp -s tests/browser/package-lock.json "$home/installed.json"; then
  npm ci --prefix "$home" --no-audit --no-fund --loglevel=error
  cp tests/browser/package-lock.json "$home/installed.json"
fi
REPORT_DIR=$(mktemp -d)
export REPORT_DIR
trap 'rm -rf "$REPORT_DIR"' EXIT
# The same selection as in the other tests, so that nothing is compiled twice.
cargo build --quiet --locked --workspace --all-features --examples --bin fleetscore
"${CARGO_TARGET_DIR:-target}/debug/examples/sample_report" "$REPORT_DIR"
export FLEETSCORE=${CARGO_TARGET_DIR:-target}/debug/fleetscore SAMPLE_HISTORY=${CARGO_TARGET_DIR:-target}/debug/examples/sample_history
if [[ ${1-} == pictures ]]; then
  node "$home/pictures.js" "$2"
  exit
fi
node --test "$home/report.test.js" "$home/dashboard.test.js" "$home/cluster.test.js" "$home/html.test.js"
