#!/usr/bin/env bash
# Lays out what an image with Debian's Python, numpy and joblib is built from: image.sh DIR
# DIR gets a Dockerfile and the files, with plant.py of this folder in /app, where Python imports from. They are those of this machine's
# packages, as no registry can be reached; Debian or Ubuntu alone. Nothing of Fleetscore is among them.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?usage: image.sh DIR}
packages=(python3-minimal python3-numpy python3-joblib)
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
    { echo "image.sh: please install ${packages[*]}" >&2; exit 1; }
done

root=$out/root
rm -rf "$root"
mkdir -p "$root"/{app,dev,etc,proc,run,sys,tmp,usr/bin,usr/lib,usr/lib64,usr/sbin,var}
ln -s /run "$root/var/run"
for link in bin lib lib64 sbin; do ln -s "usr/$link" "$root/$link"; done
# The packages that these need, and their files without the documentation.
apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${packages[@]}" |
  grep '^[a-z0-9]' | sort -u | while read -r package; do dpkg -L "$package" 2>/dev/null || true; done |
  sed -E 's#^/(bin|sbin|lib|lib32|lib64)/#/usr/\1/#' | sort -u | grep -vE '^/usr/share/(doc|man|locale|lintian|info)/|/tests?/|^/(var|etc|dev)/' |
  while read -r file; do
    if [[ -e $file && (! -d $file || -L $file) ]]; then echo "${file#/}"; fi
  done | tar -C / -cf - --no-recursion -T - | tar -C "$root" -xf -
# Libraries of numpy that other packages may provide, such as libblas.so.3, and where the linker finds all of them.
find /usr/lib/python3/dist-packages/numpy -name '*.so' -exec ldd {} + | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u | while read -r library; do
  cp -L --remove-destination "$library" "$root${library/#\/lib\//\/usr\/lib\/}"
done
cp /etc/ld.so.cache "$root/etc/"
echo "nonroot:x:65532:65532::/tmp:/usr/sbin/nologin" >"$root/etc/passwd"
echo "nonroot:x:65532:" >"$root/etc/group"
cp "$here/plant.py" "$root/app/"
printf 'FROM scratch\nCOPY root/ /\nENV PATH=/usr/bin PYTHONPATH=/app\nWORKDIR /app\n' >"$out/Dockerfile"
