# shellcheck shell=bash
# The programs: built from the Go modules pinned in tools/*/go.mod, and pause from C. Each tool lies in a folder named by the hash
# of its pins, so that a changed pin builds that tool alone and two checkouts with different pins share the cache.

readonly TOOLS=(k8s etcd pause helm kwok karpenter kueue)

# tool_dir TOOL: the folder of its programs, whether or not it is there yet.
tool_dir() {
  local key
  key=$(cat "$HERE/tools/$1"/* | sha256sum)
  echo "$CACHE/bin/$1-${key:0:12}"
}

# binaries_path: sets BIN_PATH, the folders of all programs joined for PATH.
binaries_path() {
  local tool
  BIN_PATH=
  for tool in "${TOOLS[@]}"; do
    BIN_PATH+=$(tool_dir "$tool"):
  done
}

build_tools() { # build_tools TOOL...
  local tool
  "$HERE/../scripts/install.sh" cluster
  for tool in "$@"; do
    build_tool "$tool"
  done
}

# build_tool TOOL: does nothing where it is built. The folder appears complete or not at all.
build_tool() {
  local tool=$1 into partial lock began=$SECONDS
  into=$(tool_dir "$tool")
  [[ -d $into ]] && return
  mkdir -p "$CACHE/bin"
  exec {lock}>"$CACHE/bin/.$tool.lock"
  flock "$lock"
  if [[ ! -d $into ]]; then
    echo "building $tool" >&2
    partial=$into.partial
    rm -rf "$partial"
    mkdir -p "$partial"
    "compile_$tool" "$HERE/tools/$tool" "$partial"
    mv "$partial" "$into"
    echo "built $tool in $((SECONDS - began)) s" >&2
  fi
  exec {lock}>&-
}

compile_go() { # compile_go SOURCE INTO LDFLAGS PACKAGE...
  nice -n 5 go build -C "$1" -trimpath -ldflags "-s -w $3" -o "$2/" "${@:4}"
}

module_version() { # module_version SOURCE MODULE
  go list -C "$1" -m -f '{{.Version}}' "$2"
}

compile_k8s() {
  local version at=k8s.io/component-base/version packages
  version=$(module_version "$1" k8s.io/kubernetes)
  mapfile -t packages < <(go list -C "$1" tool)
  # Without these, a build from the module says it is v0.0.0, and clients refuse to talk to it.
  compile_go "$1" "$2" "-X $at.gitVersion=$version -X $at.gitMajor=1 -X $at.gitMinor=$(cut -d. -f2 <<<"$version")" "${packages[@]}"
}

compile_etcd() { compile_go "$1" "$2" "" .; }
compile_helm() { compile_go "$1" "$2" "-X helm.sh/helm/v4/internal/version.version=$(module_version "$1" helm.sh/helm/v4)" helm.sh/helm/v4/cmd/helm; }
compile_kwok() { compile_go "$1" "$2" "" sigs.k8s.io/kwok/cmd/kwok; }

compile_karpenter() {
  local module
  compile_go "$1" "$2" "" sigs.k8s.io/karpenter/kwok
  mv "$2/kwok" "$2/karpenter"
  module=$(go list -C "$1" -m -f '{{.Dir}}' sigs.k8s.io/karpenter)
  mkdir "$2/crds"
  cp "$module"/pkg/apis/crds/*.yaml "$module"/kwok/apis/crds/*.yaml "$2/crds/"
  chmod -R u+w "$2/crds"
}

compile_kueue() {
  local module
  compile_go "$1" "$2" "" sigs.k8s.io/kueue/cmd/kueue
  module=$(go list -C "$1" -m -f '{{.Dir}}' sigs.k8s.io/kueue)
  mkdir "$2/crds"
  cp "$module"/config/components/crd/bases/*.yaml "$2/crds/"
  chmod -R u+w "$2/crds"
}

# An image of one file needs no image builder.
compile_pause() {
  local layer
  cc -static -Os -s -o "$2/pause" "$1/pause.c"
  tar -cf "$2/layer.tar" -C "$2" --owner 0 --group 0 pause
  layer=$(sha256sum <"$2/layer.tar")
  cat >"$2/config.json" <<J
{"architecture": "$(go env GOARCH)", "os": "linux", "config": {"Entrypoint": ["/pause"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:${layer%% *}"]}}
J
  echo '[{"Config": "config.json", "RepoTags": ["localhost/pause:1"], "Layers": ["layer.tar"]}]' >"$2/manifest.json"
  tar -cf "$2/pause.tar" -C "$2" manifest.json config.json layer.tar
}
