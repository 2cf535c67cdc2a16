#!/usr/bin/env bash
# Azurite, the emulator of Azure Blob Storage, for tests: on loopback, in memory.
#
#   azurite.sh start [PORT]            starts it (on a free port without PORT), waits until it answers, prints the environment
#   azurite.sh install                 installs it, prints the folder of its programs
#   azurite.sh env                     prints the environment of the running one
#   azurite.sh container NAME...       creates containers; those that exist stay
#   azurite.sh upload CONTAINER DIR    puts the files of a folder into a container
#   azurite.sh sas CONTAINER MINUTES   prints a SAS token that expires in MINUTES; expired where negative
#                                      (both at $FLEETSCORE_AZURITE_ENDPOINT where that is set)
#   azurite.sh stop                    stops it
#
# Its programs are installed once into $FLEETSCORE_AZURITE_HOME (~/.cache/fleetscore/azurite). Which one is meant is told by
# $FLEETSCORE_AZURITE_STATE, a folder with its process id and port (`run` in there): choose another one to have a second.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/azurite" && pwd)
home=${FLEETSCORE_AZURITE_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/azurite}
state=${FLEETSCORE_AZURITE_STATE:-$home/run}

fail() {
  echo "azurite.sh: $*" >&2
  exit 1
}

install_programs() {
  command -v node >/dev/null || fail "node is absent; install Node.js 20 or later with npm"
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  if ! cmp -s "$source_dir/package-lock.json" "$home/installed.json"; then
    cp "$source_dir/package.json" "$source_dir/package-lock.json" "$source_dir/.npmrc" "$home/"
    npm ci --prefix "$home" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    cp "$source_dir/package-lock.json" "$home/installed.json"
  fi
  exec 9>&-
}

# The process id is trusted only while it belongs to Azurite: ids are used again.
running() {
  [[ -f $state/pid ]] && ps -o args= -p "$(cat "$state/pid")" 2>/dev/null | grep -q azurite
}

endpoint() {
  echo "http://127.0.0.1:$(cat "$state/port")/devstoreaccount1"
}

print_env() {
  running || fail "it is not running; run: scripts/azurite.sh start"
  echo "FLEETSCORE_AZURITE_ENDPOINT=$(endpoint)"
}

admin() {
  local to=${FLEETSCORE_AZURITE_ENDPOINT:-}
  if [[ -z $to ]]; then
    running || fail "it is not running; run: scripts/azurite.sh start"
    to=$(endpoint)
  fi
  # Modules are looked up from where the file lies.
  cmp -s "$source_dir/admin.mjs" "$home/admin.mjs" || cp "$source_dir/admin.mjs" "$home/admin.mjs"
  node "$home/admin.mjs" "$to" "$@"
}

free_port() {
  node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

start() {
  install_programs
  if running; then
    print_env
    return
  fi
  local port=${1:-$(free_port)}
  answers "$port" && fail "port $port is taken; choose another or none"
  mkdir -p "$state"
  nohup node "$home/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort "$port" --inMemoryPersistence \
    --skipApiVersionCheck --disableTelemetry --silent </dev/null >"$state/log" 2>&1 &
  echo $! >"$state/pid"
  echo "$port" >"$state/port"
  for _ in $(seq 300); do
    running || fail "it ended at once: $(tail -n 3 "$state/log")"
    if answers "$port"; then
      print_env
      return
    fi
    sleep 0.1
  done
  stop
  fail "it did not answer within 30 seconds: $(tail -n 3 "$state/log")"
}

stop() {
  if running; then
    local pid
    pid=$(cat "$state/pid")
    kill "$pid"
    for _ in $(seq 100); do
      running || break
      sleep 0.1
    done
    running && fail "process $pid does not end"
  fi
  rm -f "$state/pid" "$state/port"
}

case ${1:-} in
start | stop) "$@" ;;
install) install_programs && echo "$home" ;;
env) print_env ;;
container | sas | upload) admin "$@" ;;
*) fail "usage: azurite.sh start [PORT] | install | env | container NAME... | sas CONTAINER MINUTES | upload CONTAINER DIR | stop" ;;
esac
