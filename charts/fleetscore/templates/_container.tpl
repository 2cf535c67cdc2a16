{{- /* The operator's container, but for its probes. */ -}}
{{- define "fleetscore.container" -}}
name: operator
image: {{ include "fleetscore.image" (dict "root" . "image" .Values.image.operator) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - --config=/etc/fleetscore-operator/config.yaml
  - --listen={{ if contains ":" .Values.listenAddress }}[{{ .Values.listenAddress }}]{{ else }}{{ .Values.listenAddress }}{{ end }}:8080
  {{- with .Values.watchNamespaces }}
  - --namespaces={{ join "," . }}
  {{- end }}
  - --lease-name={{ include "fleetscore.operator" . }}
  - --log={{ .Values.log.level }}
  - --log-format={{ .Values.log.format }}
  {{- if .Values.tracing.passes }}
  - --trace-passes
  {{- end }}
  {{- with .Values.extraArgs }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
env:
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  {{- with .Values.tracing.otlpEndpoint }}
  - name: OTEL_EXPORTER_OTLP_ENDPOINT
    value: {{ . | quote }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: http
    containerPort: 8080
{{- with .Values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: config
    mountPath: /etc/fleetscore-operator
    readOnly: true
{{- end -}}
