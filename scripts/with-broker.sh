#!/usr/bin/env bash
# Runs a command with a Kafka broker of its own: scripts/with-broker.sh COMMAND...
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
FLEETSCORE_BROKER_STATE=$(mktemp -d)
export FLEETSCORE_BROKER_STATE
cleanup() {
  "$here/broker.sh" stop || true
  rm -rf "$FLEETSCORE_BROKER_STATE"
}
trap cleanup EXIT
environment=$("$here/broker.sh" start)
while IFS= read -r variable; do
  export "${variable?}"
done <<<"$environment"
"$@"
