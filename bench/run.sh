#!/usr/bin/env bash
# Times fleetscore against a Python process per sensor: bench/run.sh FLEETSCORE
set -euo pipefail

fleetscore=$(realpath "$1")
cd "$(dirname "$0")"
python=${PYTHON:-python3}
venv=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/bench-python
if ! cmp -s requirements.txt "$venv/installed.txt"; then
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet -r requirements.txt
  cp requirements.txt "$venv/installed.txt"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" bench.py "$fleetscore" "$work"
