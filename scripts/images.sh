#!/usr/bin/env bash
# Packs the images of the operator, the scorer, the streams' pods and the dashboard: scripts/images.sh BUILT [--tag TAG] [--out DIR]
# BUILT is the folder with the static programs, as scripts/build.sh prints it. Writes DIR/fleetscore-operator.tar,
# DIR/fleetscore-scorer.tar, DIR/fleetscore-ingest.tar and DIR/fleetscore-dashboard.tar, named localhost/fleetscore-...:TAG, which `docker load`, `kind load image-archive` and
# `testcluster/cluster load` take. Needs buildah, but neither root's Docker nor the network.
set -euo pipefail

built=$(realpath "${1:?usage: scripts/images.sh BUILT [--tag TAG] [--out DIR]}")
shift
cd "$(dirname "$0")/.."
tag=dev out=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore/images
while [[ $# -gt 0 ]]; do
  case $1 in
    --tag) tag=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
  esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts/image-roots.sh "$work/roots" "$built"

mkdir -p "$out" "$work/context"
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
buildah=(buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
for program in operator scorer ingest dashboard; do
  image=localhost/fleetscore-$program:$tag
  "${buildah[@]}" build --quiet --isolation chroot --signature-policy "$work/policy.json" --file Dockerfile --target "$program" \
    --build-context "build=$work/roots" --build-arg VERSION="$version" --build-arg REVISION="$revision" --tag "$image" "$work/context" >/dev/null
  rm -f "$out/fleetscore-$program.tar.new"
  "${buildah[@]}" push --quiet --signature-policy "$work/policy.json" "$image" "docker-archive:$out/fleetscore-$program.tar.new:$image"
  mv "$out/fleetscore-$program.tar.new" "$out/fleetscore-$program.tar"
  echo "$image $out/fleetscore-$program.tar"
done
