{{- define "fleetscore.dashboard" -}}
{{- include "fleetscore.fullname" . }}-dashboard
{{- end -}}

{{- define "fleetscore.dashboardSelector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: dashboard
{{- end -}}

{{- /* What cannot be meant: a dashboard that everybody may ask, or that nobody can. */ -}}
{{- define "fleetscore.dashboardCheck" -}}
{{- $dashboard := .Values.dashboard -}}
{{- if not $dashboard.hosts -}}
{{- fail "dashboard.hosts is needed: the names that browsers know the dashboard by; it answers to no other" -}}
{{- end -}}
{{- if eq $dashboard.auth.mode "none" -}}
{{- if not (and $dashboard.networkPolicy.enabled $dashboard.networkPolicy.ingressFrom) -}}
{{- fail "dashboard.auth.mode none needs dashboard.networkPolicy.enabled and ingressFrom: else every pod of the cluster could ask it" -}}
{{- end -}}
{{- else if not (or $dashboard.auth.proxy.args $dashboard.auth.proxy.env) -}}
{{- fail "dashboard.auth.mode proxy needs dashboard.auth.proxy.args or env: oauth2-proxy has to know your identity provider" -}}
{{- end -}}
{{- end -}}

{{- /* What the dashboard may do in the namespaces that it shows. It reads no Secret and no log, and writes nothing. */ -}}
{{- define "fleetscore.dashboardRules" -}}
- apiGroups: [scoring.fleetscore.io]
  resources: [scoringruns, scoringschedules, readingstreams]
  verbs: [get, list, watch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods, events]
  verbs: [get, list, watch]
{{- end -}}

{{- /* What it may ask of the cluster as a whole: its nodes, and what a person may see. */ -}}
{{- define "fleetscore.dashboardClusterRules" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [get, list, watch]
{{- if ne .Values.dashboard.auth.mode "none" }}
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end }}
{{- end -}}
