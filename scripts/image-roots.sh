#!/usr/bin/env bash
# Builds the static programs of the images and lays out a root folder for each: scripts/image-roots.sh OUT [PROFILE [CARGO_ARG...]]
# Writes OUT/operator and OUT/scorer: the program, which carries its time zones, certificates of this machine, a user. PROGRAMS names one or both.
set -euo pipefail

out=$(realpath -m "${1:?usage: scripts/image-roots.sh OUT [PROFILE [CARGO_ARG...]]}")
profile=${2:-release}
shift $(($# < 2 ? $# : 2))
cd "$(dirname "$0")/.."
read -ra programs <<<"${PROGRAMS:-operator scorer}"
declare -A binary=([operator]=fleetscore-operator [scorer]=scorer)

# With --target, the flags reach the programs alone, not the macros that the compiler loads.
target=$(rustc -vV | sed -n 's/^host: //p')
packages=("${programs[@]/#/--package=fleetscore-}")
RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile "$profile" --target "$target" "${packages[@]}" --bins "$@"
built=${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}

for program in "${programs[@]}"; do
  root=$out/$program
  rm -rf "$root"
  mkdir -p "$root/etc/ssl/certs"
  install -m 755 "$built/${binary[$program]}" "$root/"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  echo "hosts: files dns" >"$root/etc/nsswitch.conf"
  echo "nonroot:x:65532:65532::/:/sbin/nologin" >"$root/etc/passwd"
  echo "nonroot:x:65532:" >"$root/etc/group"
done
