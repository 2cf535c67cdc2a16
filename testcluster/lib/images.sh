# shellcheck shell=bash
# Images: built with buildah, or given as archives; kept as archives so that nodes added later get them too.

cluster_image() {
  local ref=${1:-} context=${2:-} archive
  [[ -n $ref && -d $context ]] || fail "usage: cluster image REF DIR [buildah arguments]"
  [[ $ref == *:* ]] || ref=$ref:latest
  archive=$(archive_of "$ref")
  build_image "$ref" "$archive.new" "$context" "${@:3}"
  mv "$archive.new" "$archive"
  load_archive "$archive"
}

cluster_load() {
  local archive
  [[ -f ${1:-} ]] || fail "usage: cluster load FILE (an image archive)"
  archive=$(archive_of "$(realpath "$1")")
  cp "$1" "$archive"
  load_archive "$archive"
}

archive_of() { # archive_of KEY: where an image's archive is kept
  local name
  name=$(sha256sum <<<"$1")
  mkdir -p "$STATE/images"
  echo "$STATE/images/${name:0:16}.tar"
}

build_image() { # build_image REF ARCHIVE DIR [ARG...]
  local dir=$STATE/buildah
  mkdir -p "$dir"
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$dir/policy.json"
  local buildah=(buildah --storage-driver vfs --root "$dir/root" --runroot "$dir/run")
  "${buildah[@]}" build --isolation chroot --signature-policy "$dir/policy.json" --tag "$1" "${@:4}" "$3" >&2
  rm -f "$2"
  "${buildah[@]}" push --quiet --signature-policy "$dir/policy.json" "$1" "docker-archive:$2:$1" >/dev/null
}

load_archive() { # load_archive ARCHIVE: into every node
  local node
  for node in "$STATE"/nodes/*; do
    import_archive "${node##*/}" "$1"
  done
}

load_all_images() { # load_all_images NODE
  local archive
  wait_process "$1.containerd" 30 node_ctr "$1" version
  import_archive "$1" "$(program_dir pause)/pause.tar"
  for archive in "$STATE"/images/*.tar; do
    [[ ! -f $archive ]] || import_archive "$1" "$archive"
  done
}

node_ctr() { # node_ctr NODE ARG...
  ctr --address "$STATE/nodes/$1/containerd.sock" --namespace k8s.io "${@:2}"
}

import_archive() { # import_archive NODE ARCHIVE
  node_ctr "$1" images import "$2" >/dev/null
}
