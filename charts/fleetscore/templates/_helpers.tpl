{{- define "fleetscore.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "fleetscore.operator" -}}
{{- include "fleetscore.fullname" . }}-operator
{{- end -}}

{{- define "fleetscore.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "fleetscore.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: fleetscore
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fleetscore.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "fleetscore.operator" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* An image reference: include "fleetscore.image" (dict "root" $ "image" .Values.image.operator) */ -}}
{{- define "fleetscore.image" -}}
{{- $name := printf "%s/%s" (trimSuffix "/" .root.Values.image.registry) .image.repository -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .root.Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* The namespaces of the scorer's service account, as a JSON list. */ -}}
{{- define "fleetscore.scorerNamespaces" -}}
{{- $names := .Values.scorer.serviceAccount.namespaces -}}
{{- if not $names -}}{{- $names = .Values.watchNamespaces -}}{{- end -}}
{{- $known := keys .Values.scorer.workloadIdentity.clientIds | sortAlpha -}}
{{- if not $names -}}{{- $names = $known -}}{{- end -}}
{{- if not $names -}}{{- $names = list .Release.Namespace -}}{{- end -}}
{{- range $known -}}
{{- if not (has . $names) -}}
{{- fail (printf "scorer.workloadIdentity.clientIds names the namespace %s, in which no service account is created; add it to scorer.serviceAccount.namespaces" .) -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- /* What every pod of a run has by the chart's values, as YAML. */ -}}
{{- define "fleetscore.scorerDefaults" -}}
{{- $scorer := .Values.scorer -}}
{{- if $scorer.serviceAccount.create -}}
{{- dict "spec" (dict "serviceAccountName" $scorer.serviceAccount.name) | toYaml -}}
{{- else if or $scorer.workloadIdentity.clientId $scorer.workloadIdentity.clientIds -}}
{{- fail "scorer.workloadIdentity.clientId and clientIds need scorer.serviceAccount.create: the service account carries the client ID" -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- /* The operator's pods, as a NetworkPolicy names them. */ -}}
{{- define "fleetscore.operatorPeer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Release.Namespace }}
podSelector:
  matchLabels: {{- include "fleetscore.selector" . | nindent 4 }}
{{- end -}}

{{- define "fleetscore.config" -}}
{{- $defaults := include "fleetscore.scorerDefaults" . | fromYaml -}}
{{- $placement := dict "spec" (dict) -}}
{{- with .Values.nodeSelector -}}{{- $_ := set $placement.spec "nodeSelector" . -}}{{- end -}}
{{- with .Values.tolerations -}}{{- $_ := set $placement.spec "tolerations" . -}}{{- end -}}
{{- $pod := mergeOverwrite (deepCopy $defaults) (deepCopy .Values.scorer.podTemplate) -}}
{{- $coordinator := mergeOverwrite (deepCopy $defaults) (deepCopy $placement) (deepCopy .Values.scorer.coordinatorTemplate) -}}
{{- $ingest := mergeOverwrite (deepCopy $defaults) (deepCopy $placement) (deepCopy .Values.ingest.podTemplate) -}}
scorer:
  image: {{ include "fleetscore.image" (dict "root" . "image" .Values.image.scorer) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
podTemplate: {{ toJson $pod }}
coordinatorTemplate: {{ toJson $coordinator }}
ingest:
  image: {{ include "fleetscore.image" (dict "root" . "image" .Values.image.ingest) | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  podTemplate: {{ toJson $ingest }}
  {{- with .Values.ingest.networkPolicy }}
  {{- if .enabled }}
  networkPolicy: {{ dict "from" (prepend .ingressFrom (include "fleetscore.operatorPeer" $ | fromYaml)) | toJson }}
  {{- end }}
  {{- end }}
storage: {{ dict "allowed" .Values.storage.allowed | toJson }}
metrics: {{ dict "perSchedule" .Values.metrics.perSchedule | toJson }}
{{- with .Values.cost }}
{{- $cpus := float64 .cpusPerNode -}}
{{- $price := float64 .pricePerNodeHour -}}
{{- if $cpus }}
{{- $cost := dict "cpusPerNode" $cpus "startSeconds" .startSeconds "idleSeconds" .idleSeconds -}}
{{- if $price -}}{{- $cost = merge $cost (dict "pricePerNodeHour" $price "currency" .currency) -}}{{- end }}
cost: {{ toJson $cost }}
{{- else if $price }}
{{- fail "cost.pricePerNodeHour needs cost.cpusPerNode: without it no one knows how many nodes a run takes" }}
{{- end }}
{{- end }}
{{- end -}}
