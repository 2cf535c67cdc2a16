#!/usr/bin/env bash
# Times fleetscore against others and writes the results into docs/benchmarks.md:
# bench/run.sh FLEETSCORE EXAMPLES [processes|files|latency|streams|kernels|models|worker ...]
# EXAMPLES is the folder with kernel_speed, linfa_speed and forest_speed.
set -euo pipefail

fleetscore=$(realpath "${1:?usage: bench/run.sh FLEETSCORE EXAMPLES [processes|files|latency|streams|kernels|models|worker ...]}")
examples=$(realpath "$2")
shift 2
cd "$(dirname "$0")"
venv=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/bench-python
if ! cmp -s requirements.txt "$venv/installed.txt"; then
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet -r requirements.txt
  cp requirements.txt "$venv/installed.txt"
fi
python=$venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(processes files latency streams kernels models worker)
for part in "${parts[@]}"; do
  case $part in
    processes) "$python" processes.py "$fleetscore" "$work" "$work/processes.md" ;;
    files) "$python" files.py "$fleetscore" "$work" "$work/files.md" ;;
    latency) ../scripts/with-azurite.sh "$python" latency.py "$fleetscore" "$work" "$work/latency.md" ;;
    streams)
      ../scripts/flink.sh install >/dev/null
      ../scripts/with-broker.sh ../scripts/with-azurite.sh "$python" streams.py "$fleetscore" "$work" "$work/streams.md"
      ;;
    kernels)
      cc -O3 -shared -fPIC -o "$work/libsvm_loop.so" libsvm_loop.c
      OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 "$python" kernels.py "$examples" "$work" "$work/kernels.md"
      ;;
    models)
      OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$python" models.py "$examples" "$work" "$work/models.md"
      "$python" processes.py "$fleetscore" "$work" "$work/forests.md" forest
      { echo; cat "$work/forests.md"; } >>"$work/models.md"
      ;;
    worker) "$python" worker.py "$fleetscore" "$work" "$work/worker.md" ;;
    *) echo "no such part: $part" >&2; exit 2 ;;
  esac
  "$python" insert.py ../docs/benchmarks.md "$part" "$work/$part.md"
done
