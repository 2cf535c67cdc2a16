#!/usr/bin/env bash
# Installs Debian or Ubuntu packages that are absent: scripts/install.sh [build] [node] [python] [python-image] [broker] [flink] [chromium] [java] [shell] [images] [cluster]
set -euo pipefail

wanted=()
need() { # need COMMAND PACKAGE...
  command -v "$1" >/dev/null || wanted+=("${@:2}")
}

for group in "$@"; do
  case $group in
    build) need cc build-essential; need make make; need ps procps ;;
    node) need node nodejs; need npm npm ;;
    python)
      # What tests/pod/python.rs of the scorer looks for; a Python before Debian's may lack it.
      [[ -n ${FLEETSCORE_PYTHON:-} ]] || /usr/bin/python3 -c 'import joblib, numpy, pandas, sklearn' 2>/dev/null ||
        wanted+=(python3-joblib python3-pandas python3-sklearn)
      ;;
    broker) need java default-jre-headless; need mvn maven; need openssl openssl; need ps procps ;;
    flink) need javac default-jdk-headless; need mvn maven ;;
    chromium) need chromium chromium ;;
    java) need java default-jre-headless ;;
    shell) need shellcheck shellcheck ;;
    # What tests/cluster/worker/image.sh makes an image of.
    python-image) dpkg-query -W python3-numpy python3-joblib >/dev/null 2>&1 || wanted+=(python3-minimal python3-numpy python3-joblib) ;;
    images) need buildah buildah; need update-ca-certificates ca-certificates ;;
    cluster)
      command -v go >/dev/null || { echo "go is absent: install Go 1.21 or later; it fetches the version it needs" >&2; exit 1; }
      need cc build-essential; need containerd containerd; need runc runc; need buildah buildah; need nft nftables
      need conntrack conntrack; need ip iproute2; need openssl openssl; need busybox busybox-static
      [[ -x /usr/libexec/cni/bridge || -x /opt/cni/bin/bridge ]] || need /usr/lib/cni/bridge containernetworking-plugins
      ;;
    *) echo "install.sh: unknown group $group" >&2; exit 2 ;;
  esac
done
command -v cargo >/dev/null || { echo "cargo is absent: install Rust 1.95 or later with rustup" >&2; exit 1; }
[[ ${#wanted[@]} -eq 0 ]] && exit 0

command -v apt-get >/dev/null || { echo "please install: ${wanted[*]}" >&2; exit 1; }
as_root=()
[[ $(id -u) -eq 0 ]] || as_root=(sudo)
echo "installing ${wanted[*]}" >&2
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
