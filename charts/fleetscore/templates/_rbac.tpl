{{- /* What the operator may do in the namespaces that it serves. It reads no Secret and runs no command in a pod. */ -}}
{{- define "fleetscore.rules" -}}
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns, scoringschedules]
  verbs: [get, list, watch]
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns/status, scoringschedules/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# The run's spec and plan for its pods, and templates' overrides; found by name, never listed.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list]
# Why a pod does not start.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
