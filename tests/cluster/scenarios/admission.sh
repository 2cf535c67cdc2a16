# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The API server refuses what `fleetscore plan -f` refuses.

dry_run() { # dry_run FILE
  cluster run kubectl -n plant create --dry-run=server --validate=strict -f "$1" 2>&1
}

# Every file in invalid/ names the field, and what is wrong, in its first line.
scenario_manifests() {
  local file said wanted name wrong=0 refused=0
  make_namespace plant-a
  for file in "$root"/crds/tests/objects/valid/*.yaml; do
    said=$(cluster run kubectl create --dry-run=server --validate=strict -f "$file" 2>&1) || { echo "${file##*/}: refused: $said"; wrong=1; }
  done
  for file in "$root"/crds/tests/objects/invalid/*.yaml; do
    name=${file##*/}
    # A status in a manifest is dropped by the API server, and its rules do not see labels.
    [[ $name != status-in-manifest.yaml && $name != schedule-name-without-schedule.yaml ]] || continue
    if said=$(dry_run "$file"); then
      echo "$name: accepted"
      wrong=1
      continue
    fi
    ((++refused))
    wanted=$(sed -n '1s/^# \([^:]*\): .*/\1/p' "$file")
    names_field "$said" "$wanted" || { echo "$name: does not name $wanted: $said"; wrong=1; }
  done
  [[ $wrong -eq 0 ]] || fail "manifests are judged otherwise by the API server"
  echo "$refused invalid manifests refused"
}

# names_field TEXT FIELD: kubectl itself says of an unknown kind or version that there is `no matches for kind`.
names_field() {
  # It writes a field of a map as [x], not as .x.
  [[ $(sed 's/\[\([a-z]*\)\]/.\1/g' <<<"$1") == *"$2"* || $1 == *"$2"* || ($2 =~ ^(kind|apiVersion)$ && $1 == *"no matches for kind"*) ]]
}

scenario_planned_spec() {
  local said
  start fixed <<<'  sensors: {list: [{device: "1", tag: "1"}]}'
  ends fixed Succeeded
  if said=$(kube patch scoringrun fixed --type=merge -p '{"spec": {"sharding": {"sensorsPerPod": 7}}}' 2>&1); then
    fail "the spec of a planned run was changed"
  fi
  has "$said" spec "the refusal"
  suspend fixed true
}
