// What a monitoring mixin gives: the alerts and dashboards of the chart, for those who build theirs with jsonnet.
{
  prometheusAlerts+:: std.parseYaml(importstr '../charts/fleetscore/files/alerts.yaml'),
  grafanaDashboards+:: {
    'fleetscore-operations.json': import '../charts/fleetscore/files/dashboards/operations.json',
    'fleetscore-fleet.json': import '../charts/fleetscore/files/dashboards/fleet.json',
  },
}
