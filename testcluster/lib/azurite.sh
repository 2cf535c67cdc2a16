# shellcheck shell=bash
# Azurite on the node's address, where pods reach it. Its data lasts until `down`. The account is in the path, whatever the host's name.

readonly AZURITE_PORT=10000
readonly AZURITE_ENDPOINT=http://$HOST_IP:$AZURITE_PORT/devstoreaccount1

cluster_azurite() {
  local programs
  if ! process_runs azurite; then
    programs=$("$HERE/../scripts/azurite.sh" install)
    start_process azurite node "$programs/node_modules/azurite/dist/src/blob/main.js" --blobHost "$HOST_IP" \
      --blobPort "$AZURITE_PORT" --location "$STATE/azurite" --skipApiVersionCheck --disableProductStyleUrl --disableTelemetry --silent
    wait_azurite
  fi
  echo "FLEETSCORE_AZURITE_ENDPOINT=$AZURITE_ENDPOINT"
}

wait_azurite() {
  wait_process azurite 30 port_open "$HOST_IP" "$AZURITE_PORT"
}
