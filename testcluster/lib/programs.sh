# shellcheck shell=bash
# The programs: built from the Go modules pinned in tools/*/go.mod, and pause from C. Each program lies in a folder named by the hash
# of its pins, so that a changed pin builds what it pins alone and two checkouts with different pins share the cache.
#
# Kubernetes and etcd are pinned together in tools/kubernetes, so that what they share is compiled once.

# What a cluster needs, in the order of building: each adds little to those before it.
readonly CLUSTER_PROGRAMS=(pause etcd kubectl kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy helm)
readonly PROGRAMS=("${CLUSTER_PROGRAMS[@]}" kwok karpenter kueue oauth2-proxy)

# pins_of PROGRAM: the folder with its sources or pins.
pins_of() {
  case $1 in
  pause | helm | kwok | karpenter | kueue | oauth2-proxy) echo "$HERE/tools/$1" ;;
  *) echo "$HERE/tools/kubernetes" ;;
  esac
}

# program_dir PROGRAM: the folder that it lies in, whether or not it is there yet.
program_dir() {
  local key
  key=$(cd "$(pins_of "$1")" && find . -type f | LC_ALL=C sort | xargs cat | sha256sum)
  echo "$CACHE/bin/$1-${key:0:12}"
}

# programs_path: sets BIN_PATH, the folders of all programs joined for PATH.
programs_path() {
  local program
  BIN_PATH=
  for program in "${PROGRAMS[@]}"; do
    BIN_PATH+=$(program_dir "$program"):
  done
}

# build_programs PROGRAM...: those that are absent, one after another, and says which of how many.
build_programs() {
  local program absent=() number=0
  for program in "$@"; do
    [[ -d $(program_dir "$program") ]] || absent+=("$program")
  done
  for program in "${absent[@]}"; do
    build_program "$program" "$((++number)) of ${#absent[@]}"
  done
}

# build_program PROGRAM WHICH: the folder appears complete or not at all.
build_program() {
  local program=$1 into partial lock began=$SECONDS
  into=$(program_dir "$program")
  mkdir -p "$CACHE/bin"
  exec {lock}>"$CACHE/bin/.$program.lock"
  flock "$lock"
  if [[ ! -d $into ]]; then
    echo "building $2: $program" >&2
    partial=$into.partial
    rm -rf "$partial"
    mkdir -p "$partial"
    "compile_${program//-/_}" "$(pins_of "$program")" "$partial"
    mv "$partial" "$into"
    echo "built $program in $((SECONDS - began)) s" >&2
  fi
  exec {lock}>&-
}

# compile_go SOURCE INTO LDFLAGS PACKAGE: without debug information, which the compiler writes for nothing otherwise, and without C.
# What is downloaded is not told, a line for each of hundreds of modules, unless it fails.
compile_go() {
  local log=$2.log
  rm -f "$log"
  (
    export CGO_ENABLED=0
    nice -n 5 go list -C "$1" -deps "$4" && nice -n 5 go build -C "$1" -trimpath -gcflags=all=-dwarf=false -ldflags "-s -w $3" -o "$2/" "$4"
  ) >"$log" 2>&1 || fail "$4: $(grep -v '^go: downloading' "$log" | tail -n 20)"
  rm -f "$log"
}

module_version() { # module_version SOURCE MODULE
  go list -C "$1" -m -f '{{.Version}}' "$2" 2>/dev/null
}

# Without the version, a build from the module says it is v0.0.0, and clients refuse to talk to it.
compile_kubernetes() { # compile_kubernetes SOURCE INTO PROGRAM
  local version at=k8s.io/component-base/version
  version=$(module_version "$1" k8s.io/kubernetes)
  compile_go "$1" "$2" "-X $at.gitVersion=$version -X $at.gitMajor=1 -X $at.gitMinor=$(cut -d. -f2 <<<"$version")" "k8s.io/kubernetes/cmd/$3"
}

compile_kubectl() { compile_kubernetes "$@" kubectl; }
compile_kube_apiserver() { compile_kubernetes "$@" kube-apiserver; }
compile_kube_controller_manager() { compile_kubernetes "$@" kube-controller-manager; }
compile_kube_scheduler() { compile_kubernetes "$@" kube-scheduler; }
compile_kubelet() { compile_kubernetes "$@" kubelet; }
compile_kube_proxy() { compile_kubernetes "$@" kube-proxy; }
compile_etcd() { compile_go "$1" "$2" "" ./etcd; }
compile_helm() { compile_go "$1" "$2" "-X helm.sh/helm/v4/internal/version.version=$(module_version "$1" helm.sh/helm/v4)" helm.sh/helm/v4/cmd/helm; }
compile_oauth2_proxy() { compile_go "$1" "$2" "" github.com/oauth2-proxy/oauth2-proxy/v7; }
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
