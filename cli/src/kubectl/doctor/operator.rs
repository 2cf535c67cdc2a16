//! The operator: its Deployment, its Lease, the namespaces that it serves, and whether it looks at what is here.

use fleetscore_cluster::Selector;
use fleetscore_crds::RELEASE;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;

use super::check::{Check, Findings};
use super::{Ask, Objects};
use crate::kubectl::words::{age, counted};

const CATEGORY: &str = "operator";
/// An operator that has not looked at a new object for so long is not there.
const UNSEEN: SignedDuration = SignedDuration::from_secs(60);
/// Seconds that a Lease lasts where it does not say so.
const LEASE: i32 = 30;

/// The operator's Deployments; none where they may not be read.
pub async fn read(ask: &Ask<'_>, findings: &mut Findings) -> Option<Vec<Deployment>> {
    let component = Selector::label("app.kubernetes.io/component", "operator");
    let list = ask.cluster.list::<Deployment>(&ask.operator, &component);
    let found = findings.read(CATEGORY, "deployments of the operator", list.await)?;
    Some(found.items)
}

/// Checks them.
pub async fn check(
    ask: &Ask<'_>,
    deployments: Option<&[Deployment]>,
    objects: &Objects,
    now: Timestamp,
    findings: &mut Findings,
) {
    if deployments.is_some_and(<[_]>::is_empty) {
        findings.add(Check::fail(
            CATEGORY,
            format!("there is no operator {}", ask.operator_words()),
            "install the chart, or name its namespace with --operator-namespace",
        ));
    }
    for deployment in deployments.unwrap_or_default() {
        let ready = ready(deployment);
        let works = ready.hint.is_none() || ready.state == super::State::Warn;
        findings.add(ready);
        if let Some(check) = watched(ask, deployment) {
            findings.add(check);
        }
        if works {
            lease(ask, deployment, now, findings).await;
        }
    }
    if let Some(check) = looks(objects, findings.has(CATEGORY), now) {
        findings.add(check);
    }
}

fn name(deployment: &Deployment) -> &str {
    deployment.metadata.name.as_deref().unwrap_or_default()
}

fn namespace(deployment: &Deployment) -> &str {
    deployment.metadata.namespace.as_deref().unwrap_or_default()
}

fn ready(deployment: &Deployment) -> Check {
    let name = name(deployment);
    let status = deployment.status.as_ref();
    let ready = status.and_then(|status| status.ready_replicas).unwrap_or(0);
    let labels = deployment.metadata.labels.as_ref();
    let release = labels.and_then(|labels| labels.get("app.kubernetes.io/version"));
    let release = release.map_or("unknown", String::as_str);
    if ready == 0 {
        return Check::fail(
            CATEGORY,
            format!("{name} ({release}) has no pod that is ready"),
            format!(
                "kubectl -n {} describe deployment {name}",
                namespace(deployment)
            ),
        );
    }
    if release != RELEASE {
        return Check::warn(
            CATEGORY,
            format!("{name} is of release {release}, this program of {RELEASE}"),
            "use the same release on both sides",
        );
    }
    Check::ok(CATEGORY, format!("{name} {release} is ready"))
}

/// The value of an argument of the operator's container, such as `--lease-name=...`.
fn argument<'a>(deployment: &'a Deployment, name: &str) -> Option<&'a str> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let args = pod
        .containers
        .iter()
        .filter_map(|container| container.args.as_ref());
    args.flatten()
        .find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
}

/// Whether the operator serves the namespace that is asked about.
fn watched(ask: &Ask<'_>, deployment: &Deployment) -> Option<Check> {
    let served = argument(deployment, "--namespaces")?;
    let asked = ask.scope.namespace()?;
    Some(if served.split(',').any(|name| name == asked) {
        Check::ok(
            CATEGORY,
            format!("{} serves namespace {asked}", name(deployment)),
        )
    } else {
        Check::fail(
            CATEGORY,
            format!(
                "{} does not serve namespace {asked}, but {served}",
                name(deployment)
            ),
            format!("add {asked} to watchNamespaces in the chart's values"),
        )
    })
}

/// Whether one of the operator's pods is the leader: the Lease is renewed.
async fn lease(ask: &Ask<'_>, deployment: &Deployment, now: Timestamp, findings: &mut Findings) {
    let lease = argument(deployment, "--lease-name").unwrap_or_else(|| name(deployment));
    let logs = format!(
        "kubectl -n {} logs deployment/{} --tail=20",
        namespace(deployment),
        name(deployment)
    );
    let found = match ask.cluster.get::<Lease>(&ask.operator, lease).await {
        Err(error) if error.is_missing() => {
            let message = format!("lease {lease} is not there: no operator has become the leader");
            findings.add(Check::fail(CATEGORY, message, logs));
            return;
        }
        answer => findings.read(CATEGORY, "leases of the operator", answer),
    };
    let Some(spec) = found.and_then(|lease| lease.spec) else {
        return;
    };
    let holder = spec.holder_identity.unwrap_or_default();
    let lasts = spec.lease_duration_seconds.unwrap_or(LEASE).max(1);
    let renewed = spec.renew_time.map(|time| time.0);
    let renewed = renewed.filter(|_| !holder.is_empty());
    findings.add(match renewed {
        Some(time) if now.duration_since(time).as_secs() <= i64::from(lasts) * 2 => {
            Check::ok(CATEGORY, format!("{holder} is the leader"))
        }
        Some(time) => Check::fail(
            CATEGORY,
            format!(
                "the leader {holder} last renewed lease {lease} {} ago: nobody looks at runs",
                age(time, now)
            ),
            logs,
        ),
        None => Check::fail(
            CATEGORY,
            format!("nobody holds lease {lease}: nobody looks at runs"),
            logs,
        ),
    });
}

/// Whether somebody looks at the runs here.
fn looks(objects: &Objects, told: bool, now: Timestamp) -> Option<Check> {
    let unseen = objects.runs.iter().filter(|run| {
        let status = run.status.as_ref();
        let fresh = status.is_ok_and(|status| status.observed_generation.is_none());
        let old = run
            .created()
            .is_some_and(|created| now.duration_since(created) > UNSEEN);
        fresh && old
    });
    let unseen: Vec<_> = unseen
        .map(|run| format!("{}/{}", run.namespace(), run.name()))
        .collect();
    match unseen.first() {
        Some(first) => Some(Check::fail(
            CATEGORY,
            format!(
                "nobody has looked at {} ({first})",
                counted(unseen.len() as u64, "run")
            ),
            "is the operator there, and is the namespace among its watchNamespaces?",
        )),
        None if !objects.runs.is_empty() => Some(Check::ok(CATEGORY, "it looks at the runs here")),
        None if told => None,
        None => Some(Check::warn(
            CATEGORY,
            "you may not look at it, and no run here shows whether it works",
            "create a run",
        )),
    }
}
