{{- /* What the operator may do in the namespaces that it serves. It reads no Secret and runs no command in a pod. */ -}}
{{- define "fleetscore.rules" -}}
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringschedules, readingstreams]
  verbs: [get, list, watch]
# Schedules create runs, and delete those that are replaced or too many.
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns]
  verbs: [get, list, watch, create, delete]
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns/status, scoringschedules/status, readingstreams/status]
  verbs: [patch]
# Jobs point at their run, runs at their schedule, and what a stream is made of at the stream, with blockOwnerDeletion, which some clusters (OpenShift) allow only with this.
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns/finalizers, scoringschedules/finalizers, readingstreams/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# What a stream is made of goes with it, so nothing of it is ever deleted by the operator.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, create, patch]
{{- if .Values.ingest.networkPolicy.enabled }}
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, create, patch]
{{- end }}
# The run or stream as its pods read it; found by name, never listed.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Why a pod does not start.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
