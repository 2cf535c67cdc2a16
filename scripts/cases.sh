#!/usr/bin/env bash
# Runs the program over inputs that people have and prints what it says of each, as a table: scripts/cases.sh FLEETSCORE [FOLDER]
#
# FOLDER holds a folder for each case: `run.yaml` with its inputs, and a README. Without it, the cases are those below. The
# README's line `how:` is understood where it says to run twice, to give the manifest on standard input, or to replace PORT by
# that of Azurite ($FLEETSCORE_AZURITE_ENDPOINT: scripts/with-azurite.sh). Nothing is written in FOLDER.
set -euo pipefail

fleetscore=$(realpath "$1")
folder=${2:+$(realpath "$2")}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A plant of two sensors, which every case of our own begins with.
make_plant() {
  (
    cd "$scratch"
    "$fleetscore" simulate --sensors 2 --tags 2 --hours 0.5 --interval-seconds 60 --train-hours 2 --seed 7 --out plant
    "$fleetscore" train -f plant/train.yaml
  ) >/dev/null
}

# A case of our own: its name, how it is run, and a command that makes it of the plant it stands in.
make_case() {
  cp -r "$scratch/plant" "$scratch/own/$1"
  printf 'how: %s\n' "$2" >"$scratch/own/$1/README"
  (cd "$scratch/own/$1" && eval "$3")
}

make_cases() {
  make_plant
  mkdir "$scratch/own"
  make_case as-it-is "" ""
  make_case standard-input "cat run.yaml | fleetscore run -f -" ""
  make_case twice "run twice" ""
  make_case windows-text "" "sed -i 's/\$/\r/; 1s/^/\xef\xbb\xbf/' run.yaml"
  make_case tabs "" "sed -i 's/^    /\t/' run.yaml"
  make_case duplicate-key "" "echo 'spec: {}' >>run.yaml"
  make_case two-objects "" "printf -- '---\nkind: ConfigMap\n' >>run.yaml"
  make_case misspelt-field "" "sed -i 's/features:/feature:/' run.yaml"
  make_case other-scheme "" "sed -i 's|location: models/|location: s3://models/|' run.yaml"
  make_case absent-readings "" "rm readings.csv"
  make_case absent-model "" "rm models/model_1_2.fsm; printf 'device,tag\n1,1\n1,2\n' >sensors.csv"
  make_case damaged-model "" "head -c 100 models/model_1_1.fsm >cut; mv cut models/model_1_1.fsm"
  make_case no-number "" "sed -i '3s/,[^,]*\$/,broken/' readings.csv"
  make_case other-zone "" "sed -i 's/time: TS/time: TS\n      timeZone: GMT+2/' run.yaml"
}

# The manifest's first document says whether it is a schedule.
is_schedule() { grep -q '^kind: ScoringSchedule' run.yaml; }

# Runs the case in the current folder; standard output and error go to `said`.
run_case() {
  local how
  how=$(sed -n 's/^how: //p' README 2>/dev/null || true)
  case $how in
    *"-f -"*) "$fleetscore" run -f - --quiet <run.yaml ;;
    "run twice") "$fleetscore" run -f run.yaml --quiet >/dev/null 2>&1 || true
      "$fleetscore" run -f run.yaml --quiet ;;
    *"run "*" & "*wait*) at_once ;;
    *) if is_schedule; then "$fleetscore" plan -f run.yaml --ticks 1; else "$fleetscore" run -f run.yaml --quiet; fi ;;
  esac
}

# Two runs of one manifest at once, over readings that take a while.
at_once() {
  local first second code=0 other=0
  "$fleetscore" simulate --sensors 400 --hours 24 --seed 2 --out p >/dev/null
  "$fleetscore" train -f p/train.yaml >/dev/null
  "$fleetscore" run -f p/run.yaml --quiet >first 2>&1 &
  first=$!
  "$fleetscore" run -f p/run.yaml --quiet >second 2>&1 &
  second=$!
  wait "$first" || code=$?
  wait "$second" || other=$?
  echo "ended with $code and $other: $(head -1 first) / $(head -1 second); $(ls -d p/predictions/_SUCCESS 2>/dev/null || echo "no _SUCCESS")"
  return "$code"
}

# What matters of a command's output, in one line: the error, or phase, counts, failures and warnings with their messages.
in_short() {
  sed "s|$PWD|.|g" "$1" | awk '
    /^most anomalous|^report:/ { told = 0; next }
    /^(error|note|warning): / && !/\(.* sensors?\)$/ { print; told = 0; next }
    /^(Succeeded|PartiallySucceeded|Failed)  / { print $1; next }
    /^  (sensors|readings|anomalies) / { $1 = $1; print; next }
    /^(failed|warning): / { print; told = 1; next }
    told && /^    / { $1 = $1; print "+" $0; next }
    told { next }
    /^ended with|: spec|:[0-9]+:[0-9]+: / { print }
  ' | awk 'sub(/^\+/, "") { printf " %s", $0; next } NR > 1 { printf "; " } { printf "%s", $0 } END { print "" }' | cut -c "1-${CASES_WIDTH:-400}"
}

if [[ -z $folder ]]; then
  make_cases
  folder=$scratch/own
fi
port=${FLEETSCORE_AZURITE_ENDPOINT:-}
port=${port#http://127.0.0.1:}
port=${port%%/*}

printf '%-34s %4s  %s\n' case exit "what it says"
for case in "$folder"/*/; do
  [[ -f $case/run.yaml ]] || continue
  name=$(basename "$case")
  cp -r "$case" "$scratch/$name.case"
  cd "$scratch/$name.case"
  if grep -q PORT run.yaml && [[ -z $port ]]; then
    printf '%-34s %4s  %s\n' "$name" - "needs Azurite: scripts/with-azurite.sh scripts/cases.sh ..."
    continue
  fi
  # Names of containers have three characters at least.
  if grep -q PORT run.yaml; then sed -i "s/PORT/$port/g; s#az://c/#az://cases/#g; s#/devstoreaccount1/c\"#/devstoreaccount1/cases\"#" run.yaml; fi
  code=0
  (run_case) >said 2>&1 || code=$?
  printf '%-34s %4s  %s\n' "$name" "$code" "$(in_short said)"
  cd "$scratch"
  rm -rf "${scratch:?}/$name.case"
done
