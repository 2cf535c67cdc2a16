# shellcheck shell=bash
# Waiting for something, for whoever has a function `fail`.

# within SECONDS COMMAND...: polls until the command succeeds.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "not in time: $*"
    sleep 0.2
  done
}
