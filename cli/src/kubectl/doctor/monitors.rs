//! Who reads the operator's metrics and raises its alerts.

use serde_json::Value;

use super::Ask;
use super::check::{Check, Findings};

const CATEGORY: &str = "monitors";
/// Kinds that make a Prometheus read pods: of the Prometheus operator, and of Azure Monitor.
const MONITORS: [(&str, &str); 4] = [
    ("monitoring.coreos.com/v1", "podmonitors"),
    ("monitoring.coreos.com/v1", "servicemonitors"),
    ("azmonitoring.coreos.com/v1", "podmonitors"),
    ("azmonitoring.coreos.com/v1", "servicemonitors"),
];
/// The kind with alerts.
const RULES: (&str, &str) = ("monitoring.coreos.com/v1", "prometheusrules");

/// Checks the chart's monitors and alerts in the operator's namespace.
pub async fn check(ask: &Ask<'_>, findings: &mut Findings) {
    let (mut monitors, mut known, mut azure) = (Vec::new(), false, false);
    for (group, plural) in MONITORS {
        if let Some(found) = own(ask, group, plural, findings).await {
            known = true;
            azure |= group.starts_with("azmonitoring.") && !found.is_empty();
            monitors.extend(found);
        }
    }
    if !known {
        if MONITORS.iter().any(|(_, plural)| findings.lacks(plural)) {
            return;
        }
        findings.add(Check::warn(
            CATEGORY,
            "no monitor of a Prometheus can be seen here",
            "have your monitoring read port 8080, path /metrics, of the operator's pods (docs/cluster/alerts.md)",
        ));
        return;
    }
    match monitors.first() {
        Some(name) => findings.add(Check::ok(
            CATEGORY,
            format!("{name} has the operator's metrics read"),
        )),
        None => findings.add(Check::warn(
            CATEGORY,
            "nobody reads the operator's metrics, so no alert can fire",
            "set metrics.podMonitor.enabled in the chart's values (docs/cluster/alerts.md)",
        )),
    }
    // Azure's alerts are no objects of the cluster.
    if azure {
        return;
    }
    let (group, plural) = RULES;
    let rules = own(ask, group, plural, findings).await;
    match rules.as_deref() {
        Some([]) => findings.add(Check::warn(
            CATEGORY,
            "the chart's alerts are not installed",
            "set metrics.rules.enabled in the chart's values, or load charts/fleetscore/files/alerts.yaml (docs/cluster/alerts.md)",
        )),
        Some([name, ..]) => findings.add(Check::ok(CATEGORY, format!("{name} has the alerts"))),
        None => {}
    }
}

/// The chart's objects of a kind, as `PLURAL/NAME`; none where the kind is not there or may not be read.
async fn own(
    ask: &Ask<'_>,
    group: &str,
    plural: &str,
    findings: &mut Findings,
) -> Option<Vec<String>> {
    let answer = ask.cluster.foreign(group, plural, &ask.operator).await;
    if answer
        .as_ref()
        .is_err_and(fleetscore_cluster::ClusterError::is_missing)
    {
        return None;
    }
    let found = findings.read(CATEGORY, plural, answer)?;
    let ours =
        |object: &&Value| object["metadata"]["labels"]["app.kubernetes.io/part-of"] == "fleetscore";
    let name = |object: &Value| {
        format!(
            "{plural}/{}",
            object["metadata"]["name"].as_str().unwrap_or_default()
        )
    };
    Some(found.iter().filter(ours).map(name).collect())
}
