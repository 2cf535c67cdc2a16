#!/usr/bin/env bash
# Builds the static programs of the images and lays out a root folder for each: scripts/image-roots.sh OUT [PROFILE [CARGO_ARG...]]
# Writes OUT/operator and OUT/scorer: the program, certificates and time zones of this machine, a user. PROGRAMS names one or both.
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
  mkdir -p "$root/etc/ssl/certs" "$root/usr/share/zoneinfo"
  install -m 755 "$built/${binary[$program]}" "$root/"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  # `right` counts leap seconds, which nothing else does; `posix` repeats all.
  tar -C /usr/share/zoneinfo --exclude=./posix --exclude=./right --exclude=./localtime -cf - . | tar -C "$root/usr/share/zoneinfo" --no-same-owner -xf -
  echo "hosts: files dns" >"$root/etc/nsswitch.conf"
  echo "nonroot:x:65532:65532::/:/sbin/nologin" >"$root/etc/passwd"
  echo "nonroot:x:65532:" >"$root/etc/group"
done
