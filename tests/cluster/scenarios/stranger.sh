# shellcheck shell=bash disable=SC2034,SC2154,SC2317  # names are shared between these files
# A model, a secret and a node pool are broken: somebody with the role `view` alone finds each cause by `status` and what it says to do next.

# stranger ARG...: what a plugin's command prints; storage is reached at the address that is named here.
stranger() {
  cluster run env AZURE_STORAGE_USE_EMULATOR=true "$fleetscore" kubectl "$@" --as person-view --as-group system:authenticated </dev/null 2>&1 || true
}

# advised RUN: the command that `status` names for a run that needs a person, without the program's name.
advised() {
  stranger status -n "$NAMESPACE" | sed -n "/^! run\/$1: /,\$p" | sed -n 's/^  -> kubectl fleetscore //p' | head -n 1
}

is_advised() { # is_advised RUN COMMAND
  [[ $(advised "$1") == "$2 "* ]]
}

# leads RUN COMMAND TEXT [ARG...]: `status` leads to the command, which tells the cause.
leads() {
  local words said
  within 60 is_advised "$1" "$2" || fail "status leads to \"$(advised "$1")\" for $1: $(stranger status -n "$NAMESPACE")"
  read -ra words <<<"$(advised "$1")"
  said=$(stranger "${words[@]}" "${@:4}")
  has "$said" "$3" "kubectl fleetscore ${words[*]}"
  echo "$1: status, $2"
}

scenario_stranger() {
  people
  # In place of a model there is the page of a login.
  mkdir -p "$work/four"
  cp "$work/plant/models/"model_1_[123].fsm "$work/four/"
  echo '<html><title>Sign in</title></html>' >"$work/four/model_1_4.fsm"
  blob_storage container four
  blob_storage upload four "$work/four"
  MODEL='az://four/model_{device}_{tag}.fsm'
  start page-for-model <<<'  sensors: {list: [{device: "1", tag: "1"}, {device: "1", tag: "2"}, {device: "1", tag: "3"}, {device: "1", tag: "4"}]}
  failurePolicy: {maxFailedSensors: 1}'
  ends page-for-model PartiallySucceeded
  leads page-for-model failed '<html>' --endpoint=http://10.99.0.1:10000

  # A secret whose key was cut off, and one that is not there.
  MODEL='az://models/model_{device}_{tag}.fsm'
  (
    secret_with 'accountKey=no key!'
    start key-cut <<<"  pendingTimeoutSeconds: 300"
    STORAGE='{azure: {account: plantstore, auth: Secret, secretRef: {name: never-made}}}'
    start key-absent <<<"  pendingTimeoutSeconds: 300"
  )
  ends key-cut Failed
  leads key-cut doctor 'is not an account key'
  leads key-absent tree 'secret "never-made" not found'
  kube delete scoringrun key-absent >/dev/null

  # The pool that a run asks for is gone.
  start pool-gone <<<'  podTemplate: {spec: {nodeSelector: {kubernetes.azure.com/agentpool: gone}}}'
  leads pool-gone doctor "didn't match Pod's node affinity/selector"
  kube delete scoringrun pool-gone >/dev/null
}
