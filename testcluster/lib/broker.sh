# shellcheck shell=bash
# A Kafka broker on the node's address, where pods reach it, without signing in. Its data lasts until `down`.

readonly BROKER_PORT=9092
readonly BROKER=$HOST_IP:$BROKER_PORT

cluster_broker() {
  local programs
  if ! process_runs broker; then
    programs=$("$HERE/../scripts/broker.sh" install)
    FLEETSCORE_BROKER_STATE=$STATE/broker FLEETSCORE_BROKER_HOST=$HOST_IP "$HERE/../scripts/broker.sh" prepare "$BROKER_PORT"
    start_process broker java -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$programs/lib/*" kafka.Kafka \
      "$STATE/broker/broker.properties"
    wait_broker
  fi
  echo "FLEETSCORE_KAFKA=$BROKER"
}

wait_broker() {
  wait_process broker 60 port_open "$HOST_IP" "$BROKER_PORT"
}
