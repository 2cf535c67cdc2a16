#!/usr/bin/env bash
# Builds the images of the operator and the scorer: scripts/images.sh [--profile PROFILE] [--tag TAG] [--out DIR] [operator] [scorer]
# Writes DIR/fleetscore-operator.tar and DIR/fleetscore-scorer.tar, named localhost/fleetscore-...:TAG, which `docker load`,
# `kind load image-archive` and `testcluster/cluster load` take. Needs buildah, but neither root's Docker nor the network.
set -euo pipefail

cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fleetscore
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
profile=release tag=dev out=$cache/images programs=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --profile) profile=$2; shift 2 ;;
    --tag) tag=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    operator | scorer) programs+=("$1"); shift ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
  esac
done
[[ ${#programs[@]} -gt 0 ]] || programs=(operator scorer)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PROGRAMS="${programs[*]}" scripts/image-roots.sh "$work/roots" "$profile"

mkdir -p "$out" "$work/context"
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
buildah=(buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run")
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
for program in "${programs[@]}"; do
  image=localhost/fleetscore-$program:$tag
  "${buildah[@]}" build --quiet --isolation chroot --signature-policy "$work/policy.json" --file Dockerfile --target "$program" \
    --build-context "build=$work/roots" --build-arg VERSION="$version" --build-arg REVISION="$revision" --tag "$image" "$work/context" >/dev/null
  rm -f "$out/fleetscore-$program.tar.new"
  "${buildah[@]}" push --quiet --signature-policy "$work/policy.json" "$image" "docker-archive:$out/fleetscore-$program.tar.new:$image"
  mv "$out/fleetscore-$program.tar.new" "$out/fleetscore-$program.tar"
  echo "$image $out/fleetscore-$program.tar"
done
