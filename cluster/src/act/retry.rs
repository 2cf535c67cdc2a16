use fleetscore_crds::{
    API_VERSION, CAUSE_LABEL, Phase, RETRY_CAUSE, RunNames, TICK_ANNOTATION, fill,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Run;
use crate::view::VERSION;

/// The longest name of a run.
const LONGEST: usize = 50;
/// Labels that say who keeps an object: a tool that finds them on the retry would take it for its own, and remove it.
const KEEPERS: [&str; 2] = ["app.kubernetes.io/instance", "app.kubernetes.io/managed-by"];
/// The ends of prefixes of such labels.
const KEEPER_DOMAINS: [&str; 3] = ["argoproj.io", "fluxcd.io", "helm.sh"];

/// A run that scores again the sensors that failed in another.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Version of this form: 1.
    pub version: u32,
    /// The run to create.
    pub object: Value,
    /// Its name.
    pub name: String,
    /// Sensors that it scores at most.
    pub sensors: u64,
    /// Whether it writes where the earlier run wrote.
    pub in_place: bool,
    /// Where its predictions land; none where a placeholder has no value.
    pub location: Option<String>,
}

/// Why a run is not tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetryRefusal {
    /// It has not ended.
    #[error(
        "run {run} goes on ({phase}); wait for its end: kubectl fleetscore wait {run} -n {namespace}"
    )]
    GoesOn {
        /// The run.
        run: String,
        /// Its namespace.
        namespace: String,
        /// Where it stands.
        phase: String,
    },
    /// No sensor failed.
    #[error(
        "no sensor failed in run {0}; to score all of it again, trigger its schedule or create another run"
    )]
    NothingFailed(String),
    /// It failed before there were sensors, or left no report of them.
    #[error(
        "run {run} left no list of failed sensors, since it failed as a whole: {why}; mend that, and create the run anew"
    )]
    NoList {
        /// The run.
        run: String,
        /// What the run says of it.
        why: String,
    },
    /// No sensor failed for this reason.
    #[error("no sensor failed for {reason} in run {run}; there were {known}")]
    NoSuchReason {
        /// The run.
        run: String,
        /// The reason.
        reason: String,
        /// The reasons that there are.
        known: String,
    },
    /// Its status cannot be read.
    #[error("the status of run {0} cannot be read: {1}")]
    Unreadable(String, String),
    /// The name cannot be that of a run.
    #[error("{0:?} is not the name of a run: at most 50 lower-case letters, digits and '-'")]
    Name(String),
}

/// The retry of the run `object`, named `name` or after the run; only of sensors that failed for `reasons`, where there are any.
///
/// # Errors
///
/// A run that goes on, or in which nothing failed that could be scored again.
pub fn retry(
    object: &Value,
    run: &Run,
    name: Option<&str>,
    reasons: &[String],
) -> Result<Retry, RetryRefusal> {
    let sensors = failed_sensors(run, reasons)?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => next_name(run),
    };
    if !is_name(&name) {
        return Err(RetryRefusal::Name(name));
    }
    let mut spec = object["spec"].clone();
    let mut failed_in = json!({"run": run.name()});
    if !reasons.is_empty() {
        failed_in["reasons"] = json!(reasons);
    }
    spec["sensors"] = json!({"failedIn": failed_in});
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("suspend");
    }
    let template = spec["output"]["location"].as_str().unwrap_or_default();
    let location = fill(
        template,
        RunNames {
            run: &name,
            namespace: Some(run.namespace()),
            schedule: run.schedule(),
            window: run.spec.as_ref().ok().and_then(|spec| spec.window),
        },
    );
    let in_place = !template.contains("{run}");
    let object = json!({
        "apiVersion": API_VERSION,
        "kind": "ScoringRun",
        "metadata": {
            "name": name,
            "namespace": run.namespace(),
            "labels": labels(&object["metadata"]["labels"]),
            "annotations": annotations(&object["metadata"]["annotations"]),
            // Not its controller: it goes with the earlier run, and counts as nobody's tick.
            "ownerReferences": [{
                "apiVersion": API_VERSION,
                "kind": "ScoringRun",
                "name": run.name(),
                "uid": run.uid(),
                "controller": false,
                "blockOwnerDeletion": false,
            }],
        },
        "spec": spec,
    });
    Ok(Retry {
        version: VERSION,
        object,
        name,
        sensors,
        in_place,
        location,
    })
}

fn failed_sensors(run: &Run, reasons: &[String]) -> Result<u64, RetryRefusal> {
    let name = run.name().to_owned();
    let status = run
        .status
        .as_ref()
        .map_err(|error| RetryRefusal::Unreadable(name.clone(), error.clone()))?;
    if !status.phase.is_end() {
        return Err(RetryRefusal::GoesOn {
            run: name,
            namespace: run.namespace().to_owned(),
            phase: format!("{:?}", status.phase),
        });
    }
    let failed = status.sensors.map_or(0, |sensors| sensors.failed);
    if status.phase == Phase::Failed && (failed == 0 || status.report.is_none()) {
        let told = status
            .conditions
            .iter()
            .find(|found| found.kind == "Failed");
        let why = told.map_or_else(String::new, |told| {
            format!("{} ({})", told.message, told.reason)
        });
        return Err(RetryRefusal::NoList { run: name, why });
    }
    if failed == 0 {
        return Err(RetryRefusal::NothingFailed(name));
    }
    if reasons.is_empty() {
        return Ok(failed);
    }
    let groups = &status.top_failures;
    let told: u64 = groups.iter().map(|group| group.count).sum();
    let mut sensors = 0;
    for reason in reasons {
        match groups.iter().find(|group| group.reason == *reason) {
            Some(group) => sensors += group.count,
            // The status tells the most frequent reasons alone.
            None if told < failed => sensors += failed - told,
            None => {
                let known: Vec<_> = groups.iter().map(|group| group.reason.as_str()).collect();
                return Err(RetryRefusal::NoSuchReason {
                    run: name,
                    reason: reason.clone(),
                    known: known.join(", "),
                });
            }
        }
    }
    Ok(sensors.min(failed))
}

/// The run's name with `-r1`; that of a retry with the next number.
fn next_name(run: &Run) -> String {
    let retried = run.label(CAUSE_LABEL) == Some(RETRY_CAUSE);
    let numbered = run.name().rsplit_once("-r").filter(|_| retried);
    let numbered = numbered.and_then(|(base, number)| Some((base, number.parse::<u32>().ok()?)));
    let (base, number) = numbered.unwrap_or((run.name(), 0));
    let end = format!("-r{}", number.saturating_add(1));
    let room = LONGEST.saturating_sub(end.len());
    if base.len() <= room {
        return format!("{base}{end}");
    }
    // What tells two runs of a schedule apart is at the end.
    let (head, tail) = base.rsplit_once('-').unwrap_or((base, ""));
    let tail = format!("-{tail}");
    let head = head.get(..room.saturating_sub(tail.len())).unwrap_or(head);
    format!("{}{tail}{end}", head.trim_end_matches('-'))
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    name.len() <= LONGEST
        && name.bytes().all(|byte| inner(byte) || byte == b'-')
        && ends.iter().all(|end| end.is_some_and(inner))
}

fn labels(of_run: &Value) -> Map<String, Value> {
    let mut labels = of_run.as_object().cloned().unwrap_or_default();
    labels.retain(|label, _| {
        let domain = label.split_once('/').map_or("", |(domain, _)| domain);
        let kept = KEEPER_DOMAINS.iter().any(|end| {
            domain == *end
                || domain
                    .strip_suffix(end)
                    .is_some_and(|rest| rest.ends_with('.'))
        });
        !kept && !KEEPERS.contains(&label.as_str())
    });
    labels.insert(CAUSE_LABEL.to_owned(), json!(RETRY_CAUSE));
    labels
}

fn annotations(of_run: &Value) -> Map<String, Value> {
    let tick = of_run.get(TICK_ANNOTATION).cloned();
    tick.map(|tick| (TICK_ANNOTATION.to_owned(), tick))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_up_and_fit() {
        let named = |name: &str, cause: &str| {
            let run: Run = serde_json::from_value(json!({
                "metadata": {"name": name, "labels": {CAUSE_LABEL: cause}}, "spec": {},
            }))
            .unwrap_or_else(|error| panic!("{error}"));
            next_name(&run)
        };
        let long = format!("{}-1764324000", "s".repeat(39));
        for (name, cause, next) in [
            ("pumps-1764324000", "tick", "pumps-1764324000-r1"),
            ("pumps-1764324000-r1", "retry", "pumps-1764324000-r2"),
            ("pumps-1764324000-r9", "retry", "pumps-1764324000-r10"),
            // The name of somebody else's run.
            ("my-r2", "", "my-r2-r1"),
            ("my-retry", "retry", "my-retry-r1"),
            (
                long.as_str(),
                "tick",
                &format!("{}-1764324000-r1", "s".repeat(36)),
            ),
        ] {
            let found = named(name, cause);
            assert_eq!(found, next);
            assert!(is_name(&found), "{found}");
        }
    }
}
