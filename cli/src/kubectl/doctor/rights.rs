//! What the person may do, by command.

use std::collections::BTreeMap;

use fleetscore_cluster::Scope;
use fleetscore_crds::GROUP;
use futures::future::join_all;

use super::Ask;
use super::check::{Check, Findings};

const CATEGORY: &str = "rights";

/// A right: verb, group, resource with its subresource.
pub type Right = (&'static str, &'static str, &'static str);

const RUNS: Right = ("list", GROUP, "scoringruns");
const RUN: Right = ("get", GROUP, "scoringruns");
const SCHEDULES: Right = ("list", GROUP, "scoringschedules");
const SCHEDULE: Right = ("get", GROUP, "scoringschedules");
const STREAMS: Right = ("list", GROUP, "readingstreams");
const STREAM: Right = ("get", GROUP, "readingstreams");
const JOBS: Right = ("list", "batch", "jobs");
const PODS: Right = ("list", "", "pods");
const LOG: Right = ("get", "", "pods/log");
const EVENTS: Right = ("list", "", "events");

/// What the commands do. Where RUN is a schedule, its runs are listed.
const COMMANDS: [(&str, &[Right]); 14] = [
    ("status", &[RUNS, SCHEDULES, STREAMS]),
    ("tree", &[RUN, RUNS, JOBS, PODS]),
    ("failed, sensors, report", &[RUN, RUNS]),
    ("logs", &[RUN, RUNS, JOBS, PODS, LOG]),
    (
        "logs --via pod, doctor --probe",
        &[
            RUN,
            JOBS,
            ("create", "", "pods"),
            ("get", "", "pods"),
            LOG,
            ("delete", "", "pods"),
        ],
    ),
    ("top", &[PODS]),
    ("cost", &[RUNS, SCHEDULES]),
    ("wait", &[RUN, SCHEDULE, RUNS]),
    ("retry", &[RUN, ("create", GROUP, "scoringruns")]),
    (
        "trigger, backfill",
        &[SCHEDULE, ("patch", GROUP, "scoringschedules")],
    ),
    (
        "suspend, resume",
        &[
            RUN,
            SCHEDULE,
            STREAM,
            ("patch", GROUP, "scoringruns"),
            ("patch", GROUP, "scoringschedules"),
            ("patch", GROUP, "readingstreams"),
        ],
    ),
    ("bundle", &[RUN, SCHEDULE, JOBS, PODS, EVENTS]),
    (
        "dashboard",
        &[
            RUNS,
            ("watch", GROUP, "scoringruns"),
            SCHEDULES,
            ("watch", GROUP, "scoringschedules"),
            JOBS,
            PODS,
            EVENTS,
        ],
    ),
    (
        "doctor",
        &[
            RUNS,
            PODS,
            EVENTS,
            ("list", "", "resourcequotas"),
            ("get", "", "serviceaccounts"),
        ],
    ),
];

/// Whether the person has each of these rights; what cannot be asked is left out.
pub async fn ask_all<'r>(
    ask: &Ask<'_>,
    scope: &Scope,
    rights: impl IntoIterator<Item = &'r Right>,
) -> BTreeMap<Right, bool> {
    let mut all: Vec<_> = rights.into_iter().copied().collect();
    all.sort_unstable();
    all.dedup();
    let asked = all.into_iter().map(|right| async move {
        let (verb, group, resource) = right;
        let allowed = ask.cluster.may(scope, verb, group, resource).await.ok()?;
        Some((right, allowed))
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Checks what each command needs.
pub async fn check(ask: &Ask<'_>, findings: &mut Findings) {
    let rights = COMMANDS.iter().flat_map(|(_, rights)| *rights);
    let found = ask_all(ask, ask.scope, rights).await;
    let mut allowed = Vec::new();
    for (commands, rights) in COMMANDS {
        let missing = rights
            .iter()
            .filter(|right| found.get(right) == Some(&false));
        let missing: Vec<_> = missing.map(words).collect();
        let unknown = rights.iter().any(|right| !found.contains_key(right));
        if !missing.is_empty() {
            findings.add(lacking(commands, &missing));
        } else if unknown {
            findings.add(Check::warn(
                CATEGORY,
                format!("{commands}: your rights cannot be asked for"),
                "try again",
            ));
        } else {
            allowed.push(commands);
        }
    }
    if !allowed.is_empty() {
        let message = format!("you may use {}", allowed.join(", "));
        findings.add(Check::ok(CATEGORY, message));
    }
}

fn lacking(commands: &str, missing: &[String]) -> Check {
    let message = format!("{commands}: you may not {}", missing.join(", "));
    let acts = missing.iter().any(|right| {
        ["create", "patch", "delete"]
            .iter()
            .any(|verb| right.starts_with(verb))
    });
    let role = if acts { "edit" } else { "view" };
    let hint = format!(
        "ask for the role {role} in the namespace: the chart adds Fleetscore's objects to it"
    );
    // Without runs nothing can be seen at all.
    if commands == "status" && missing.contains(&words(&RUNS)) {
        Check::fail(CATEGORY, message, hint)
    } else {
        Check::warn(CATEGORY, message, hint)
    }
}

/// A right in words: `list pods`.
pub fn words((verb, _, resource): &Right) -> String {
    format!("{verb} {resource}")
}
