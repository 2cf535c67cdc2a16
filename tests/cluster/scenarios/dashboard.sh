# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# The chart's dashboard behind a real oauth2-proxy: who sees what, whether it can be deceived, and that its numbers are the plugin's.

readonly DASHBOARD_HOST=fleetscore.plant.example

# proxy_image: oauth2-proxy with two people that it knows by their passwords, in place of a provider of identities.
proxy_image() {
  local programs person
  programs=$(cluster build oauth2-proxy)
  mkdir -p "$work/proxy"
  cp "$programs/oauth2-proxy" "$work/proxy/"
  for person in ann bob; do
    printf '%s:{SHA}%s\n' "$person" "$(printf 'password of %s' "$person" | openssl dgst -sha1 -binary | base64)"
  done >"$work/proxy/people"
  printf 'FROM scratch\nCOPY oauth2-proxy people /\nUSER 65532:65532\nENTRYPOINT ["/oauth2-proxy"]\n' >"$work/proxy/Dockerfile"
  cluster image localhost/oauth2-proxy:dev "$work/proxy" >/dev/null
}

# dashboard_values: the chart's values. What a provider would need is not used.
dashboard_values() {
  cat <<Y
dashboard:
  enabled: true
  hosts: [$DASHBOARD_HOST]
  auth:
    proxy:
      image: localhost/oauth2-proxy:dev
      args: [--provider=github, --client-id=none, --email-domain=*, --cookie-secure=false, --htpasswd-file=/people]
      env: [{name: OAUTH2_PROXY_CLIENT_SECRET, value: none}, {name: OAUTH2_PROXY_COOKIE_SECRET, value: $(openssl rand -hex 16)}]
  storage: {accounts: [devstoreaccount1], auth: emulator, endpoint: "http://10.99.0.1:10000"}
Y
}

# asks PERSON PATH [CURL ARGUMENT...]: what the dashboard answers, with the status in a last line; nobody is a person who is not signed in.
asks() {
  local as=()
  [[ $1 == nobody ]] || as=(-u "$1:password of $1")
  cluster run curl -s --max-time 20 "${as[@]}" -H "Host: ${host:-$DASHBOARD_HOST}" -w '\n%{http_code}\n' "${@:3}" "http://$dashboard$2"
}

# answers CODE PERSON PATH [CURL ARGUMENT...]
answers() {
  local answer
  answer=$(asks "${@:2}")
  equal "$1" "$(tail -n 1 <<<"$answer")" "status of $2's $3 ${*:4}"
  sed '$d' <<<"$answer"
}

# hides TEXT PERSON PATH [CURL ARGUMENT...]
hides() {
  local answer
  answer=$(asks "${@:2}")
  [[ $answer != *"$1"* ]] || fail "$2's $3 ${*:4} shows $1: $answer"
}

shows_run() { # shows_run PERSON RUN
  [[ $(asks "$1" /runs.json) == *"\"$2\""* ]]
}

# the_same PAGE COMMAND...: what a page says of the cluster is what the plugin prints.
the_same() {
  answers 200 ann "$1" >"$work/page.json"
  cluster run "$fleetscore" kubectl "${@:2}" -o json >"$work/plugin.json" 2>/dev/null || [[ $? -le 3 ]] || fail "kubectl fleetscore ${*:2}"
  python3 "$here/same_numbers.py" "$work/page.json" "$work/plugin.json" || fail "$1 is not what kubectl fleetscore ${*:2} says"
}

scenario_dashboard() {
  local dashboard ip kind page
  reference >/dev/null
  MODEL='az://models/absent_{device}_{tag}.fsm'
  start modelless <<<"  sharding: {sensorsPerPod: 8}"
  ends modelless Failed
  STORAGE='{azure: {account: otheraccount, auth: Anonymous, endpoint: "http://10.99.0.1:10000"}}'
  start elsewhere <<<"  activeDeadlineSeconds: 20"
  # ann may look at the runs of plant, bob at those of quota.
  kube create rolebinding looks-ann --clusterrole=view --user=ann --dry-run=client -o yaml | kube apply -f - >/dev/null
  cluster run kubectl -n quota create rolebinding looks-bob --clusterrole=view --user=bob --dry-run=client -o yaml | cluster run kubectl apply -f - >/dev/null

  proxy_image
  cluster load "$images/fleetscore-dashboard.tar" >/dev/null
  dashboard_values >"$work/dashboard.yaml"
  install_chart -f "$work/dashboard.yaml"
  ip=$(cluster run kubectl -n fleetscore-system get pods -l app.kubernetes.io/component=dashboard --field-selector status.phase=Running \
    --sort-by=.metadata.creationTimestamp -o 'jsonpath={.items[-1:].status.podIP}')
  dashboard=$ip:4180
  # Nobody reaches the dashboard itself but through the proxy.
  cluster run curl -s --max-time 5 -H 'X-Forwarded-User: ann' -H "Host: $DASHBOARD_HOST" "http://$ip:8080/" >/dev/null && fail "the dashboard answers without the proxy"

  # Signed in or not.
  answers 403 nobody / >/dev/null
  hides reference nobody /runs
  hides reference nobody /runs.json -H 'X-Forwarded-User: ann'
  answers 403 nobody / -u ann:wrong >/dev/null
  within 60 shows_run ann reference

  # Each sees their own namespaces, whatever they say of themselves.
  shows_run ann modelless || fail "ann does not see the run that failed"
  for page in / /runs /runs.json /overview.json /nodes.json; do
    hides plant/ bob "$page"
    hides otheraccount bob "$page"
    hides modelless bob "$page" -H 'X-Forwarded-User: ann' -H 'X-Forwarded-Groups: system:masters' -H 'X-Forwarded-Preferred-Username: ann'
  done
  for page in /runs/plant/reference /runs/plant/reference.json '/runs/plant/reference?show=manifest'; do
    answers 404 bob "$page" >/dev/null
    hides device= bob "$page" -H 'X-Forwarded-User: ann'
  done
  answers 405 ann /runs -X POST >/dev/null
  host=evil.example answers 421 ann / >/dev/null

  # What runs left in storage, read with an identity of its own; of accounts that are listed alone.
  within 60 history_is_there
  has "$(answers 200 ann /runs/plant/modelless)" NoModels "the page of a run that failed"
  has "$(answers 200 ann /)" otheraccount "what the first page says of storage that is not asked"

  # The numbers are the plugin's.
  the_same /overview.json status -n "$NAMESPACE" --as ann --as-group system:authenticated
  the_same /runs/plant/reference.json status run/reference -n "$NAMESPACE" --as ann --as-group system:authenticated

  # Its own rights.
  for kind in secrets pods/log configmaps; do
    equal no "$(cluster run kubectl auth can-i get "$kind" -A --as system:serviceaccount:fleetscore-system:fleetscore-dashboard 2>/dev/null || true)" "get $kind"
  done
  equal no "$(cluster run kubectl auth can-i patch scoringruns.scoring.fleetscore.io -A --as system:serviceaccount:fleetscore-system:fleetscore-dashboard 2>/dev/null || true)" "patch runs"
  install_chart
}

history_is_there() {
  [[ $(asks ann /runs/plant/reference.json) == *'"device=1,tag=1"'* || $(asks ann /runs/plant/reference) == *'device=1,tag=1'* ]]
}
