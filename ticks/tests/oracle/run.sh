#!/usr/bin/env bash
# Compares the program `ticks` with cronsim over random questions: run.sh TICKS [COUNT [SEED]]
set -euo pipefail

ticks=$(realpath "$1")
count=${2:-200000}
seed=${3:-1}
cd "$(dirname "$0")"
python=${PYTHON:-python3}
venv=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/ticks-python
if ! cmp -s requirements.txt "$venv/installed.txt"; then
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet -r requirements.txt
  cp requirements.txt "$venv/installed.txt"
fi
export PYTHONDONTWRITEBYTECODE=1
"$venv/bin/python" compare.py "$ticks" "$count" "$seed"
