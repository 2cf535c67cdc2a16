//! What the facts come to. Pure.

use fleetscore_cluster::view::{PodState, RunLine, ScheduleLine, ScheduleState, tree};
use fleetscore_crds::{Kind, RELEASE, RELEASE_ANNOTATION, SCHEMA_ANNOTATION, schema_digest};
use jiff::{SignedDuration, Timestamp};

use super::Check;
use super::facts::Facts;
use crate::kubectl::words::{age, counted, duration};

/// Clocks that are further apart than this make tokens invalid.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// An operator that has not looked at a new object for so long is not there.
const UNSEEN: SignedDuration = SignedDuration::from_secs(60);
/// The oldest minor version of Kubernetes 1 that is supported.
const MINOR: u32 = 31;
/// The annotation with the client ID of a service account's Azure identity.
const CLIENT_ID: &str = "azure.workload.identity/client-id";

/// All checks, by category.
pub fn all(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let mut checks = cluster(facts);
    checks.extend(definitions(facts));
    checks.extend(operator(facts, now));
    checks.extend(rights(facts));
    checks.extend(identity(facts));
    checks.extend(pods(facts, now));
    checks.extend(quota(facts));
    checks.push(storage(facts));
    checks.extend(schedules(facts, now));
    checks
}

fn cluster(facts: &Facts) -> Vec<Check> {
    let minor = facts.server.trim_start_matches('v').split('.').nth(1);
    let minor = minor.and_then(|minor| minor.parse::<u32>().ok());
    let server = format!("Kubernetes {}", facts.server);
    let mut checks = vec![match minor {
        Some(minor) if minor < MINOR => {
            Check::fail("cluster", server, format!("upgrade to 1.{MINOR} or later"))
        }
        _ => Check::ok("cluster", server),
    }];
    if let Some((theirs, ours)) = facts.clock {
        let apart = theirs.duration_since(ours).abs();
        let seconds = duration(apart.as_secs().unsigned_abs());
        checks.push(if apart > SKEW {
            Check::warn(
                "cluster",
                format!("this machine's clock and the cluster's are {seconds} apart"),
                "set this machine's clock: logins depend on it, and ages here are wrong by so much",
            )
        } else {
            Check::ok("cluster", "this machine's clock agrees")
        });
    }
    checks
}

fn definitions(facts: &Facts) -> Vec<Check> {
    let category = "definitions";
    let found = match &facts.definitions {
        Ok(found) => found,
        Err(error) if error.is_forbidden() => {
            return vec![Check::ok(
                category,
                "served; of which release they are you may not read",
            )];
        }
        Err(error) => return vec![Check::warn(category, error.to_string(), "try again")],
    };
    let kinds = [
        ("scoringruns", Kind::ScoringRun),
        ("scoringschedules", Kind::ScoringSchedule),
        ("readingstreams", Kind::ReadingStream),
    ];
    let checks = kinds.map(|(plural, kind)| match found.get(plural) {
        None => Check::fail(
            category,
            format!("{plural} is missing"),
            "install the chart's custom resource definitions (docs/cluster/install.md)",
        ),
        Some(annotations) if annotations.get(SCHEMA_ANNOTATION) == Some(&schema_digest(kind)) => {
            Check::ok(category, format!("{plural} is of this program's release"))
        }
        Some(annotations) => Check::warn(
            category,
            format!(
                "{plural} is of release {}, this program of {RELEASE}",
                annotations
                    .get(RELEASE_ANNOTATION)
                    .map_or("unknown", String::as_str)
            ),
            "use the release of both sides, so that no field is unknown to one of them",
        ),
    });
    checks.to_vec()
}

fn operator(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let category = "operator";
    let mut checks = Vec::new();
    match &facts.operator {
        Ok(found) if found.is_empty() => checks.push(Check::fail(
            category,
            "there is no operator in that namespace",
            "install the chart, or name its namespace with --operator-namespace",
        )),
        Ok(found) => checks.extend(found.iter().map(|deployment| {
            let name = deployment.metadata.name.as_deref().unwrap_or_default();
            let ready = deployment
                .status
                .as_ref()
                .and_then(|status| status.ready_replicas);
            let label = |name: &str| deployment.metadata.labels.as_ref()?.get(name).cloned();
            let release =
                label("app.kubernetes.io/version").unwrap_or_else(|| "unknown".to_owned());
            match ready.unwrap_or(0) {
                0 => Check::fail(
                    category,
                    format!("{name} ({release}) has no pod that is ready"),
                    format!(
                        "kubectl -n {} describe deployment {name}",
                        deployment.metadata.namespace.as_deref().unwrap_or_default()
                    ),
                ),
                _ if release != RELEASE => Check::warn(
                    category,
                    format!("{name} is of release {release}, this program of {RELEASE}"),
                    "use the same release on both sides",
                ),
                _ => Check::ok(category, format!("{name} {release} is ready")),
            }
        })),
        Err(error) if error.is_forbidden() => {}
        Err(error) => checks.push(Check::warn(category, error.to_string(), "try again")),
    }
    let unseen = facts.objects.runs.iter().filter(|run| {
        let fresh = run
            .status
            .as_ref()
            .is_ok_and(|status| status.observed_generation.is_none());
        let old = run
            .created()
            .is_some_and(|created| now.duration_since(created) > UNSEEN);
        fresh && old
    });
    let unseen: Vec<_> = unseen
        .map(|run| format!("{}/{}", run.namespace(), run.name()))
        .collect();
    match unseen.first() {
        Some(first) => checks.push(Check::fail(
            category,
            format!(
                "nobody has looked at {} ({first})",
                counted(unseen.len() as u64, "run")
            ),
            "is the operator there, and is the namespace among its watchNamespaces?",
        )),
        None if !facts.objects.runs.is_empty() => {
            checks.push(Check::ok(category, "it looks at the runs here"));
        }
        None if checks.is_empty() => checks.push(Check::warn(
            category,
            "you may not look at it, and no run here shows whether it works",
            "create a run",
        )),
        None => {}
    }
    checks
}

fn rights(facts: &Facts) -> Vec<Check> {
    let category = "rights";
    let missing = facts
        .rights
        .iter()
        .filter(|(.., allowed)| *allowed == Some(false));
    let mut checks: Vec<_> = missing
        .map(|(commands, right, _)| {
            Check::warn(
                category,
                format!("you may not {right}: {commands}"),
                "ask for the role view, or edit for what changes something (the chart adds Fleetscore's objects to them)",
            )
        })
        .collect();
    if facts.rights.iter().any(|(.., allowed)| allowed.is_none()) {
        checks.push(Check::warn(
            category,
            "your rights cannot be asked for",
            "try again",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::ok(category, "you may do what every command does"));
    }
    checks
}

fn identity(facts: &Facts) -> Vec<Check> {
    let category = "identity";
    let checks = facts.accounts.iter().map(|(namespace, name, account)| {
        let of = format!("service account {namespace}/{name}");
        match account {
            Ok(account) => {
                let annotations = account.metadata.annotations.as_ref();
                match annotations.and_then(|found| found.get(CLIENT_ID)) {
                    Some(id) => Check::ok(category, format!("{of} has client ID {id}")),
                    None => Check::fail(
                        category,
                        format!("{of} has no annotation {CLIENT_ID}"),
                        "set scorer.workloadIdentity in the chart's values (docs/cluster/aks.md)",
                    ),
                }
            }
            Err(error) if error.is_missing() => Check::fail(
                category,
                format!("{of} is not there"),
                "create it, or correct podTemplate.spec.serviceAccountName",
            ),
            Err(error) => Check::warn(category, format!("{of}: {error}"), "ask for the role view"),
        }
    });
    checks.collect()
}

fn pods(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let pods = match &facts.pods {
        Ok(pods) => pods,
        Err(error) => {
            return vec![Check::warn(
                "nodes",
                error.to_string(),
                "ask for the role view",
            )];
        }
    };
    let mut checks = Vec::new();
    for run in facts
        .objects
        .runs
        .iter()
        .filter(|run| !RunLine::of(run, now).has_ended())
    {
        let own = pods
            .iter()
            .filter(|pod| pod.run() == Some(run.name()) && pod.namespace() == run.namespace());
        let own: Vec<_> = own.cloned().collect();
        let jobs: Vec<k8s_openapi::api::batch::v1::Job> = Vec::new();
        let tree = tree(run, &jobs, &own, false, now);
        let groups = tree.jobs.iter().flat_map(|job| &job.pods);
        let waiting = groups.filter(|group| group.state == PodState::Pending);
        let waiting: Vec<_> = waiting.flat_map(|group| &group.pods).collect();
        let Some(first) = waiting
            .iter()
            .find(|pod| pod.reason.as_deref() != Some("ContainerCreating"))
        else {
            continue;
        };
        let reason = first.reason.as_deref().unwrap_or("Pending");
        let since = first
            .created
            .map_or_else(String::new, |since| format!(" for {}", age(since, now)));
        let message = format!(
            "run {}: {} wait{since}: {reason}: {}",
            run.name(),
            counted(waiting.len() as u64, "pod"),
            first.message.as_deref().unwrap_or_default()
        );
        checks.push(if reason.contains("Image") {
            Check::fail("images", message, "correct the image's name, or let the nodes pull it (docs/cluster/failures.md)")
        } else if reason == "Unschedulable" {
            Check::warn(
                "nodes",
                message,
                "compare nodeSelector, tolerations and requests with the pool; kubectl fleetscore top",
            )
        } else {
            Check::fail("nodes", message, format!("kubectl fleetscore tree run/{} -n {}", run.name(), run.namespace()))
        });
    }
    if checks.is_empty() {
        checks.push(Check::ok("nodes", "no pod of a run waits for a node"));
    }
    checks
}

fn quota(facts: &Facts) -> Vec<Check> {
    let Ok(quotas) = &facts.quotas else {
        return Vec::new();
    };
    let full = quotas.iter().flat_map(|quota| {
        let status = quota.status.as_ref();
        let hard = status
            .and_then(|status| status.hard.clone())
            .unwrap_or_default();
        let used = status
            .and_then(|status| status.used.clone())
            .unwrap_or_default();
        let name = quota.metadata.name.clone().unwrap_or_default();
        hard.into_iter().filter_map(move |(what, hard)| {
            let is_full = used.get(&what).is_some_and(|used| used.0 == hard.0) && hard.0 != "0";
            is_full.then(|| format!("quota {name} has no {what} left ({})", hard.0))
        })
    });
    full.map(|message| {
        Check::warn(
            "quota",
            message,
            "raise the quota, or lower sharding.parallelism",
        )
    })
    .collect()
}

fn storage(facts: &Facts) -> Check {
    match &facts.storage {
        None => Check::warn(
            "storage",
            "not tried: no run here has been planned yet",
            "create a run; fleetscore plan -f run.yaml tries it from this machine",
        ),
        Some((run, Ok(true))) => {
            Check::ok("storage", format!("your login reads the plan of run {run}"))
        }
        Some((run, Ok(false))) => Check::warn(
            "storage",
            format!("the plan of run {run} is not there any more"),
            "has it been cleaned up? Reports, logs and retries of that run are gone with it",
        ),
        Some((_, Err(error))) => Check::warn(
            "storage",
            error.clone(),
            "logs, failed and report need it from this machine; runs themselves do not: kubectl fleetscore logs RUN --via pod",
        ),
    }
}

fn schedules(facts: &Facts, now: Timestamp) -> Vec<Check> {
    let category = "schedules";
    let mut checks = Vec::new();
    for schedule in &facts.objects.schedules {
        let line = ScheduleLine::of(schedule, &[], now);
        let name = format!("{}/{}", line.namespace, line.name);
        let see = format!(
            "kubectl fleetscore status schedule/{} -n {}",
            line.name, line.namespace
        );
        let told = line.message.clone().unwrap_or_default();
        match line.state {
            ScheduleState::Stalled | ScheduleState::Unreadable => {
                checks.push(Check::fail(
                    category,
                    format!("{name} stands still: {told}"),
                    see,
                ));
            }
            ScheduleState::Active
                if line
                    .next
                    .is_some_and(|next| now.duration_since(next) > UNSEEN * 5) =>
            {
                let late = line.next.map_or_else(String::new, |next| age(next, now));
                checks.push(Check::fail(
                    category,
                    format!("{name}: its tick is {late} overdue"),
                    "is the operator there?",
                ));
            }
            _ => {}
        }
    }
    if checks.is_empty() && !facts.objects.schedules.is_empty() {
        let number = counted(facts.objects.schedules.len() as u64, "schedule");
        checks.push(Check::ok(
            category,
            format!("{number}, none of which stands still"),
        ));
    }
    checks
}
