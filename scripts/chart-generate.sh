#!/usr/bin/env bash
# Writes what the chart takes from elsewhere: scripts/chart-generate.sh [DIR]
# The CRDs from crds/yaml into files/crds, and the table of README.md from values.yaml. Into DIR instead of the chart, for comparison.
set -euo pipefail

cd "$(dirname "$0")/.."
chart=charts/fleetscore
to=${1:-$chart}
mkdir -p "$to/files/crds"
rm -f "$to"/files/crds/*.yaml
cp crds/yaml/*.yaml "$to/files/crds/"

# A row for each `# --` comment: the path of the key below it, what stands after its colon, the comment.
values_table() {
  echo '| value | default | meaning |'
  echo '|---|---|---|'
  awk '
    /^ *# -- / { sub(/^ *# -- /, ""); comment = $0; next }
    /^ *[A-Za-z]+:/ {
      depth = match($0, /[^ ]/) - 1
      key = $0; sub(/^ */, "", key); sub(/:.*/, "", key)
      value = $0; sub(/^[^:]*: */, "", value)
      name[depth] = key
      if (comment != "") {
        path = ""
        for (i = 0; i < depth; i += 2) path = path name[i] "."
        print "| `" path key "` | " (value == "" ? "see `values.yaml`" : "`" value "`") " | " comment " |"
        comment = ""
      }
    }' "$chart/values.yaml"
}

{
  sed '/<!-- values -->/q' "$chart/README.md"
  values_table
} >"$to/README.new"
mv "$to/README.new" "$to/README.md"
