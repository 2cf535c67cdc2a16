//! Quotas of the namespaces.

use fleetscore_cluster::Selector;
use k8s_openapi::api::core::v1::ResourceQuota;

use super::Ask;
use super::check::{Check, Findings};

const CATEGORY: &str = "quota";

/// Checks that none is used up.
pub async fn check(ask: &Ask<'_>, findings: &mut Findings) {
    let all = Selector::default();
    let list = ask.cluster.list::<ResourceQuota>(ask.scope, &all).await;
    let Some(quotas) = findings.read(CATEGORY, "resourcequotas", list) else {
        return;
    };
    let full: Vec<_> = quotas.items.iter().flat_map(full).collect();
    if full.is_empty() {
        findings.add(Check::ok(CATEGORY, "no quota is used up"));
    }
    for message in full {
        findings.add(Check::warn(
            CATEGORY,
            message,
            "raise the quota, or lower sharding.parallelism",
        ));
    }
}

fn full(quota: &ResourceQuota) -> Vec<String> {
    let name = quota.metadata.name.clone().unwrap_or_default();
    let status = quota.status.as_ref();
    let hard = status.and_then(|status| status.hard.as_ref());
    let used = status.and_then(|status| status.used.as_ref());
    let full = hard.into_iter().flatten().filter(|(what, hard)| {
        let used = used.and_then(|used| used.get(*what));
        used.is_some_and(|used| used.0 == hard.0)
    });
    full.map(|(what, hard)| format!("quota {name} has no {what} left ({})", hard.0))
        .collect()
}
