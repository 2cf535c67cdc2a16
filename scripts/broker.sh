#!/usr/bin/env bash
# A Kafka broker for tests: one process, on loopback or at $FLEETSCORE_BROKER_HOST, its data gone when it is stopped.
#
#   broker.sh start [PORT]   starts it (on a free port without PORT), waits until it answers, prints the environment
#   broker.sh install        installs it, prints the folder of its programs
#   broker.sh prepare PORT   makes its folder anew; whoever starts it otherwise runs kafka.Kafka with broker.properties in there
#   broker.sh env            prints the environment of the running one
#   broker.sh halt           ends its process; ports and data stay
#   broker.sh resume         starts it again with the same ports and data
#   broker.sh stop           ends it and deletes its data
#
# The environment: FLEETSCORE_KAFKA=HOST:PORT without signing in; FLEETSCORE_KAFKA_TLS=HOST:PORT with TLS, where one signs in with Plain,
# ScramSha256, ScramSha512 (users reader and stranger, password NAME-secret; stranger may do nothing), OAuthBearer (unsigned tokens of
# the subject reader) or the connection string of broker.properties; FLEETSCORE_KAFKA_CA=FILE, whose certificates it uses;
# FLEETSCORE_KAFKA_PROXY=HOST:PORT, where a test may let a proxy listen, and FLEETSCORE_KAFKA_BEHIND=HOST:PORT, where that leads to: the
# broker sends who comes from there to the proxy again.
#
# Its programs are installed once into $FLEETSCORE_BROKER_HOME (~/.cache/fleetscore/broker). Which one is meant is told by
# $FLEETSCORE_BROKER_STATE, a folder with its process id, ports and data (`run` in there): choose another one to have a second.
set -euo pipefail

java=(java -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/broker" && pwd)
home=${FLEETSCORE_BROKER_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/broker}
state=${FLEETSCORE_BROKER_STATE:-$home/run}
host=${FLEETSCORE_BROKER_HOST:-127.0.0.1}

fail() {
  echo "broker.sh: $*" >&2
  exit 1
}

install_programs() {
  local program
  for program in java mvn openssl; do
    command -v "$program" >/dev/null || fail "$program is absent; run: scripts/install.sh broker"
  done
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  if ! cmp -s "$source_dir/pom.xml" "$home/installed.xml"; then
    rm -rf "${home:?}/lib"
    mvn -B -q -f "$source_dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$home/lib" >&2
    cp "$source_dir/pom.xml" "$home/installed.xml"
  fi
  exec 9>&-
}

# The process id is trusted only while it belongs to a broker: ids are used again.
running() {
  [[ -f $state/pid ]] && ps -ww -o args= -p "$(cat "$state/pid")" 2>/dev/null | grep -qF "kafka.Kafka $state/"
}

print_env() {
  running || fail "it is not running; run: scripts/broker.sh start"
  local plain tls behind proxy _
  read -r plain tls behind proxy _ <"$state/ports"
  echo "FLEETSCORE_KAFKA=$host:$plain"
  echo "FLEETSCORE_KAFKA_TLS=localhost:$tls"
  echo "FLEETSCORE_KAFKA_CA=$state/ca.pem"
  echo "FLEETSCORE_KAFKA_BEHIND=127.0.0.1:$behind"
  echo "FLEETSCORE_KAFKA_PROXY=127.0.0.1:$proxy"
}

answers() {
  (exec 3<>"/dev/tcp/$2/$1") 2>/dev/null
}

# Below the range from which connections get theirs.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((RANDOM % 12000 + 20000))
    answers "$port" 127.0.0.1 || { echo "$port"; return; }
  done
  fail "no port is free"
}

# A certificate authority of its own, and a certificate for this machine.
certify() (
  cd "$state"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=broker.sh" -keyout ca.key -out ca.pem 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout broker.key -out broker.csr 2>/dev/null
  openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out broker.crt \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") 2>/dev/null
  cat broker.key broker.crt >broker.pem
  rm ca.key broker.key broker.crt broker.csr ca.srl
)

clear_state() {
  rm -rf "${state:?}/data"
  rm -f "$state"/{pid,ports,log,ca.pem,broker.pem,broker.properties}
}

prepare() {
  local plain=${1:-$(free_port)} tls controller behind proxy user
  tls=$(free_port)
  controller=$(free_port)
  behind=$(free_port)
  proxy=$(free_port)
  clear_state
  mkdir -p "$state"
  echo "$plain $tls $behind $proxy" >"$state/ports"
  certify
  sed -e "s|@HOST@|$host|; s|@PLAIN@|$plain|; s|@TLS@|$tls|; s|@CONTROLLER@|$controller|; s|@BEHIND@|$behind|; s|@PROXY@|$proxy|; s|@STATE@|$state|" \
    "$source_dir/broker.properties" >"$state/broker.properties"
  local scram=()
  for user in reader stranger; do
    scram+=(--add-scram "SCRAM-SHA-256=[name=$user,password=$user-secret]" --add-scram "SCRAM-SHA-512=[name=$user,password=$user-secret]")
  done
  "${java[@]}" -cp "$home/lib/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c "$state/broker.properties" "${scram[@]}" >"$state/log" 2>&1 ||
    fail "its storage cannot be made: $(tail -n 3 "$state/log")"
}

launch() {
  local plain tls _
  read -r plain tls _ <"$state/ports"
  answers "$plain" "$host" && fail "port $plain is taken; choose another or none"
  nohup "${java[@]}" -cp "$home/lib/*" kafka.Kafka "$state/broker.properties" \
    </dev/null >>"$state/log" 2>&1 &
  echo $! >"$state/pid"
  for _ in $(seq 600); do
    running || fail "it ended at once: $(grep -m 3 -E "Exception|ERROR" "$state/log"; tail -n 3 "$state/log")"
    if answers "$plain" "$host" && answers "$tls" 127.0.0.1; then
      print_env
      return
    fi
    sleep 0.1
  done
  halt
  fail "it did not answer within 60 seconds: $(tail -n 3 "$state/log")"
}

start() {
  install_programs
  if running; then
    print_env
    return
  fi
  prepare "$@"
  # Another program may take a port that was free a moment ago.
  if ! (launch); then
    [[ $# -eq 0 ]] || exit 1
    prepare
    launch
  fi
}

resume() {
  [[ -f $state/ports ]] || fail "there is none to resume; run: scripts/broker.sh start"
  if running; then
    print_env
    return
  fi
  launch
}

halt() {
  if running; then
    local pid
    pid=$(cat "$state/pid")
    kill "$pid"
    for _ in $(seq 300); do
      running || break
      sleep 0.1
    done
    running && fail "process $pid does not end"
  fi
  rm -f "$state/pid"
}

stop() {
  halt
  clear_state
}

case ${1:-} in
start | resume | halt | stop) "$@" ;;
prepare) install_programs && prepare "${2:?usage: broker.sh prepare PORT}" ;;
install) install_programs && echo "$home" ;;
env) print_env ;;
*) fail "usage: broker.sh start [PORT] | install | prepare PORT | env | halt | resume | stop" ;;
esac
