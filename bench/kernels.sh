#!/usr/bin/env bash
# Times the scorer's decision function against other implementations on one thread: bench/kernels.sh EXAMPLES [FRAGMENT]
# EXAMPLES is the folder with kernel_speed and linfa_speed; FRAGMENT a file for the results as Markdown.
set -euo pipefail

examples=$(realpath "${1:?usage: bench/kernels.sh EXAMPLES [FRAGMENT]}")
fragment=$(realpath -m "${2:-/dev/null}")
cd "$(dirname "$0")"
python=${PYTHON:-python3}
venv=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/bench-kernels-python
if ! cmp -s kernels-requirements.txt "$venv/installed.txt"; then
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet -r kernels-requirements.txt
  cp kernels-requirements.txt "$venv/installed.txt"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O3 -shared -fPIC -o "$work/libsvm_loop.so" libsvm_loop.c
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
"$venv/bin/python" kernels.py "$examples" "$work" "$fragment"
