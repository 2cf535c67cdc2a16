//! The identity with which pods sign in to storage: service accounts, the webhook that gives them tokens, and what refused them.

use fleetscore_cluster::{Scope, Selector};
use fleetscore_crds::{AzureAuth, Phase, ScoringRunSpec};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, ServiceAccount};
use serde_json::Value;

use super::check::{Check, Findings};
use super::{Ask, Objects, Template};
use crate::kubectl::words::counted;

const CATEGORY: &str = "identity";
/// The annotation with the client ID of a service account's Azure identity.
const CLIENT_ID: &str = "azure.workload.identity/client-id";
/// The service account of pods that name none.
const DEFAULT: &str = "default";
/// What events say where a pod gets no token or has no account.
const TOKEN_WORDS: [&str; 5] = [
    "azure-identity-token",
    "AADSTS",
    "failed to fetch token",
    "looking up service account",
    "serviceaccount \"",
];

/// Checks the service accounts of runs and schedules that sign in by workload identity, and what runs say of their credentials.
pub async fn check(
    ask: &Ask<'_>,
    objects: &Objects,
    defaults: &Template,
    now: Timestamp,
    findings: &mut Findings,
) {
    let names = accounts(objects, defaults);
    for (namespace, name) in &names {
        let scope = Scope::Namespace(namespace.clone());
        let of = format!("service account {namespace}/{name}");
        let found = ask.cluster.get::<ServiceAccount>(&scope, name).await;
        if found
            .as_ref()
            .is_err_and(fleetscore_cluster::ClusterError::is_missing)
        {
            findings.add(Check::fail(
                CATEGORY,
                format!("{of} is not there"),
                "create it, or correct podTemplate.spec.serviceAccountName",
            ));
        } else if let Some(found) = findings.read(CATEGORY, "serviceaccounts", found) {
            findings.add(client(&of, &found));
        }
    }
    if !names.is_empty() {
        webhook(ask, findings).await;
    }
    tokens(ask, objects, findings).await;
    for check in refused(objects, defaults, now) {
        findings.add(check);
    }
}

/// Checks that the webhook is there which gives pods their tokens.
pub async fn webhook(ask: &Ask<'_>, findings: &mut Findings) {
    let list = ask.cluster.foreign(
        "admissionregistration.k8s.io/v1",
        "mutatingwebhookconfigurations",
        &Scope::All,
    );
    let Some(found) = findings.read(CATEGORY, "mutatingwebhookconfigurations", list.await) else {
        return;
    };
    let is_it = |webhook: &Value| {
        let mut hooks = webhook["webhooks"].as_array().into_iter().flatten();
        hooks.any(|hook| {
            let name = hook["name"].as_str().unwrap_or_default();
            name.ends_with("azure-workload-identity.io")
        })
    };
    findings.add(if found.iter().any(is_it) {
        Check::ok(CATEGORY, "the webhook of workload identity is there")
    } else {
        Check::fail(
            CATEGORY,
            "the webhook of workload identity is not there: pods get no token",
            "az aks update --enable-oidc-issuer --enable-workload-identity (docs/cluster/aks.md)",
        )
    });
}

/// The accounts of pods that sign in by workload identity: namespace and name.
fn accounts(objects: &Objects, defaults: &Template) -> Vec<(String, String)> {
    let specs = objects.specs();
    let meant = specs.iter().filter(|(_, _, spec)| uses_identity(spec));
    let mut names: Vec<_> = meant
        .map(|(namespace, _, spec)| ((*namespace).to_owned(), account(spec, defaults)))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn uses_identity(spec: &ScoringRunSpec) -> bool {
    let azure = spec.storage.azure.as_ref();
    azure.is_some_and(|azure| azure.auth == AzureAuth::WorkloadIdentity)
}

fn account(spec: &ScoringRunSpec, defaults: &Template) -> String {
    let own = spec.pod_template.spec.get("serviceAccountName");
    let named = own.or_else(|| defaults.spec.get("serviceAccountName"));
    named.and_then(Value::as_str).unwrap_or(DEFAULT).to_owned()
}

fn client(of: &str, account: &ServiceAccount) -> Check {
    let annotations = account.metadata.annotations.as_ref();
    match annotations.and_then(|found| found.get(CLIENT_ID)) {
        Some(id) => Check::ok(CATEGORY, format!("{of} has client ID {id}")),
        None => Check::fail(
            CATEGORY,
            format!("{of} has no annotation {CLIENT_ID}"),
            "set scorer.workloadIdentity in the chart's values (docs/cluster/aks.md)",
        ),
    }
}

/// What events say of tokens and accounts.
async fn tokens(ask: &Ask<'_>, objects: &Objects, findings: &mut Findings) {
    let warnings = Selector::field("type", "Warning");
    let list = ask.cluster.list::<Event>(ask.scope, &warnings).await;
    let Some(events) = findings.read(CATEGORY, "events", list) else {
        return;
    };
    let of_run = |event: &&Event| {
        let about = &event.involved_object;
        let name = about.name.as_deref().unwrap_or_default();
        objects.runs.iter().any(|run| {
            about.namespace.as_deref() == Some(run.namespace()) && name.starts_with(run.name())
        })
    };
    let told = |event: &&Event| {
        let message = event.message.as_deref().unwrap_or_default();
        TOKEN_WORDS.iter().any(|word| message.contains(word))
    };
    let found: Vec<_> = events.items.iter().filter(of_run).filter(told).collect();
    if let Some(last) = found
        .iter()
        .max_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0))
    {
        findings.add(Check::fail(
            CATEGORY,
            format!(
                "pods get no token or account ({}), such as {}: {}",
                counted(found.len() as u64, "event"),
                last.involved_object.name.as_deref().unwrap_or_default(),
                last.message.as_deref().unwrap_or_default()
            ),
            "see that the service account is there and workload identity is on (docs/cluster/aks.md)",
        ));
    }
}

/// Reasons of runs whose pods storage does not let in, or that have nothing to sign in with.
const REFUSALS: [&str; 2] = ["AccessDenied", "InvalidStorage"];

/// The runs that ended a short while ago because storage refused their pods.
fn refused(objects: &Objects, defaults: &Template, now: Timestamp) -> Vec<Check> {
    let mut checks = Vec::new();
    for run in objects.last(now) {
        let (Ok(status), Ok(spec)) = (&run.status, &run.spec) else {
            continue;
        };
        let mut conditions = status.conditions.iter();
        let told = conditions
            .find(|found| found.kind == "Failed" && REFUSALS.contains(&found.reason.as_str()));
        let Some(told) = told.filter(|_| status.phase == Phase::Failed) else {
            continue;
        };
        let hint = if uses_identity(spec) {
            format!(
                "see to the federated credential for system:serviceaccount:{}:{}, and a role on the storage account (docs/cluster/aks.md)",
                run.namespace(),
                account(spec, defaults)
            )
        } else {
            "correct the secret that storage.azure.secretRef names, or its role (docs/cluster/failures.md)".to_owned()
        };
        checks.push(Check::fail(
            CATEGORY,
            format!(
                "storage does not let in the pods of run {}/{}: {}",
                run.namespace(),
                run.name(),
                told.message
            ),
            hint,
        ));
    }
    checks
}
