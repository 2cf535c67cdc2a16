//! Rules of a whole object, which see its name and its status.
#![cfg(feature = "kube")]

use serde_json::{Value, json};

use super::rule;

/// Fields of a run that may not change once it is planned, with whether they may be absent.
const FIXED: [(&str, bool); 14] = [
    ("window", true),
    ("sensors", false),
    ("model", false),
    ("input", false),
    ("output", false),
    ("logs", true),
    ("storage", false),
    ("sharding", false),
    ("failurePolicy", false),
    ("activeDeadlineSeconds", true),
    ("pendingTimeoutSeconds", false),
    ("queueName", true),
    ("podTemplate", false),
    ("coordinatorTemplate", false),
];

/// Rules of a `ScoringRun`.
pub fn run_object() -> Value {
    let mut rules = vec![name(50), other_run()];
    rules.extend(FIXED.map(|(field, optional)| fixed(field, optional)));
    Value::Array(rules)
}

/// Rules of a `ScoringSchedule`, whose runs are named after it with `-` and ten digits.
pub fn schedule_object() -> Value {
    json!([name(39)])
}

/// A run that looked for failed sensors in its own place would replace the list before it is done.
fn other_run() -> Value {
    rule(
        "!has(self.spec.sensors) || !has(self.spec.sensors.failedIn) || self.spec.sensors.failedIn.run != self.metadata.name",
        "is this run itself; name the earlier run, and give this one another name",
        ".spec.sensors.failedIn.run",
    )
}

fn name(longest: usize) -> Value {
    rule(
        format!(
            "self.metadata.name.size() <= {longest} && self.metadata.name.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')"
        ),
        format!(
            "must have at most {longest} lower-case letters, digits and '-', since pods are named after it"
        ),
        ".metadata.name",
    )
}

fn fixed(field: &str, optional: bool) -> Value {
    let planned = "has(oldSelf.status) && has(oldSelf.status.conditions) && \
                   oldSelf.status.conditions.exists(c, c.type == 'Planned' && c.status == 'True')";
    let (new, old) = (
        format!("self.spec.{field}"),
        format!("oldSelf.spec.{field}"),
    );
    let same = if optional {
        format!("has({new}) == has({old}) && (!has({new}) || {new} == {old})")
    } else {
        format!("{new} == {old}")
    };
    rule(
        format!("!({planned}) || ({same})"),
        "must not change once the run is planned; create a new ScoringRun",
        &format!(".spec.{field}"),
    )
}
