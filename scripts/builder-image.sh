#!/usr/bin/env bash
# Runs the whole Dockerfile where no registry can be reached: scripts/builder-image.sh [PROFILE]
# Makes localhost/fleetscore-builder:dev from this machine's /usr, /etc and Rust toolchain, vendors the sources, and compiles both images
# in it from those. Heavy: some 10 GB of disk for a while, and a full build. It shows that the Dockerfile's own stage works.
set -euo pipefail

cd "$(dirname "$0")/.."
profile=${1:-release}
work=$(mktemp -d -p "${XDG_CACHE_HOME:-$HOME/.cache}")
trap 'rm -rf "$work"' EXIT
root=$work/builder
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
buildah() { command buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }

# What compiling takes: programs, C compiler, headers, libraries, certificates, the toolchain.
machine=$(cc -dumpmachine)
mkdir -p "$root"/{etc/ssl/certs,usr,tmp,rust}
ln -s usr/bin "$root/bin"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
tar -C /usr -cf - bin include "lib/$machine" lib/gcc lib64 | tar -C "$root/usr" -xf -
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -a /etc/alternatives /etc/ld.so.cache "$root/etc/"
tar -C "$(rustc --print sysroot)" --exclude=./share -cf - . | tar -C "$root/rust" -xf -
printf 'FROM scratch\nCOPY . /\nENV PATH=/rust/bin:/usr/bin HOME=/tmp CARGO_HOME=/tmp/cargo\n' >"$work/Dockerfile"
buildah build --quiet --isolation chroot --signature-policy "$work/policy.json" --file "$work/Dockerfile" \
  --tag localhost/fleetscore-builder:dev "$root" >/dev/null
rm -rf "$root"

# The sources as they are here, without what git ignores, and those of the dependencies.
git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | (mkdir "$work/source" && tar -C "$work/source" -xf -)
mkdir -p "$work/source/.cargo"
# Not --quiet: that leaves the configuration out too.
(cd "$work/source" && cargo vendor --locked vendor >.cargo/config.toml 2>"$work/vendor.log") || { cat "$work/vendor.log" >&2; exit 1; }

for program in operator scorer; do
  buildah build --isolation chroot --pull-never --layers --signature-policy "$work/policy.json" --target "$program" \
    --build-arg BUILDER=localhost/fleetscore-builder:dev --build-arg PROFILE="$profile" --build-arg CARGO_ARGS=--offline \
    --tag "localhost/fleetscore-$program:built" "$work/source"
done
buildah images
