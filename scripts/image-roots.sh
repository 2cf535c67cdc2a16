#!/usr/bin/env bash
# Lays out the root folders of the images: scripts/image-roots.sh OUT BUILT
# Writes OUT/operator, OUT/scorer, OUT/ingest and OUT/dashboard: the program from the folder BUILT, which carries its time zones, certificates of this machine, a user.
set -euo pipefail

out=${1:?usage: scripts/image-roots.sh OUT BUILT} built=$2
declare -A binary=([operator]=fleetscore-operator [scorer]=scorer [ingest]=fleetscore-ingest [dashboard]=fleetscore)
for program in operator scorer ingest dashboard; do
  root=$out/$program
  rm -rf "$root"
  mkdir -p "$root/etc/ssl/certs"
  install -m 755 "$built/${binary[$program]}" "$root/"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  echo "hosts: files dns" >"$root/etc/nsswitch.conf"
  echo "nonroot:x:65532:65532::/:/sbin/nologin" >"$root/etc/passwd"
  echo "nonroot:x:65532:" >"$root/etc/group"
done
