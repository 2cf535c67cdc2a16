{{- /* What the operator may do in the namespaces that it serves. It reads no Secret and runs no command in a pod. */ -}}
{{- define "fleetscore.rules" -}}
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringschedules]
  verbs: [get, list, watch]
# Schedules create runs, and delete those that are replaced or too many.
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns]
  verbs: [get, list, watch, create, delete]
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns/status, scoringschedules/status]
  verbs: [patch]
# Jobs point at their run, and runs at their schedule, with blockOwnerDeletion, which some clusters (OpenShift) allow only with this.
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns/finalizers, scoringschedules/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# The run as its pods read it; found by name, never listed.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# Why a pod does not start.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
