#!/usr/bin/env bash
# Flink 1.20 for tests: a cluster within one process, which ends with its work.
#
#   flink.sh install        installs it, prints the folder of its programs
#   flink.sh run FILE.sql   runs the statements one after the other, waits for the end of each INSERT; fails with the first that fails
#
# An INSERT from Kafka ends where its table says so: 'scan.bounded.mode' = 'latest-offset'. Its programs are installed once into
# $FLEETSCORE_FLINK_HOME (~/.cache/fleetscore/flink). $FLEETSCORE_FLINK_HEAP is its heap (1g).
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/flink" && pwd)
home=${FLEETSCORE_FLINK_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/flink}

fail() {
  echo "flink.sh: $*" >&2
  exit 1
}

install_programs() {
  local program
  for program in java javac mvn; do
    command -v "$program" >/dev/null || fail "$program is absent; run: scripts/install.sh flink"
  done
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock 9
  if ! cmp -s "$source_dir/pom.xml" "$home/installed.xml"; then
    rm -rf "${home:?}/lib"
    mvn -B -q -Dstyle.color=never -f "$source_dir/pom.xml" dependency:copy-dependencies -DoutputDirectory="$home/lib" >&2
    cp "$source_dir/pom.xml" "$home/installed.xml"
  fi
  if ! cmp -s "$source_dir/SqlRunner.java" "$home/SqlRunner.java"; then
    rm -rf "${home:?}/runner"
    javac --release 11 -cp "$home/lib/*" -d "$home/runner" "$source_dir/SqlRunner.java" >&2
    cp "$source_dir/SqlRunner.java" "$home/SqlRunner.java"
  fi
  exec 9>&-
}

run() {
  local open=() package
  install_programs
  # Flink looks into these packages, which Java closes since 17.
  for package in lang lang.invoke lang.reflect math net text time nio util util.concurrent; do
    open+=(--add-opens="java.base/java.$package=ALL-UNNAMED")
  done
  java "${open[@]}" "-Xmx${FLEETSCORE_FLINK_HEAP:-1g}" -Dorg.slf4j.simpleLogger.defaultLogLevel="${FLEETSCORE_FLINK_LOG:-error}" \
    -cp "$home/runner:$home/lib/*" SqlRunner "$1"
}

case ${1:-} in
install) install_programs && echo "$home" ;;
run) [[ -f ${2:-} ]] || fail "usage: flink.sh run FILE.sql"; run "$2" ;;
*) fail "usage: flink.sh install | run FILE.sql" ;;
esac
