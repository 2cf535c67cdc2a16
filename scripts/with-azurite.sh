#!/usr/bin/env bash
# Runs a command with an Azurite of its own: scripts/with-azurite.sh COMMAND...
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
FLEETSCORE_AZURITE_STATE=$(mktemp -d)
export FLEETSCORE_AZURITE_STATE
cleanup() {
  "$here/azurite.sh" stop || true
  rm -rf "$FLEETSCORE_AZURITE_STATE"
}
trap cleanup EXIT
environment=$("$here/azurite.sh" start)
export "${environment?}"
"$@"
