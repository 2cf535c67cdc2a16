# The alerts as rule groups of an Azure Monitor workspace (managed Prometheus). One source: the chart's file.
# A rule group of Azure has one interval for all its rules; `for` becomes an ISO 8601 duration, and the severity a number.

variable "resource_group_name" { type = string }
variable "location" { type = string }
variable "cluster_name" { type = string }
variable "monitor_workspace_id" { type = string }
variable "action_group_id" { type = string }

locals {
  groups   = { for group in yamldecode(file("${path.module}/../../charts/fleetscore/files/alerts.yaml")).groups : group.name => group.rules }
  severity = { critical = 1, warning = 2, info = 3 }
}

resource "azurerm_monitor_alert_prometheus_rule_group" "fleetscore" {
  for_each            = local.groups
  name                = each.key
  resource_group_name = var.resource_group_name
  location            = var.location
  cluster_name        = var.cluster_name
  scopes              = [var.monitor_workspace_id]
  interval            = "PT1M"

  dynamic "rule" {
    for_each = each.value
    content {
      alert       = rule.value.alert
      enabled     = true
      expression  = rule.value.expr
      for         = "PT${upper(try(rule.value.for, "0m"))}"
      severity    = local.severity[rule.value.labels.severity]
      labels      = rule.value.labels
      annotations = rule.value.annotations

      action {
        action_group_id = var.action_group_id
      }

      alert_resolution {
        auto_resolved   = true
        time_to_resolve = "PT10M"
      }
    }
  }
}
