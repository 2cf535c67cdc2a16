//! Rules of a whole object, which see its name and its status.

use super::subject::{any, not};
use super::{Rule, change, rule};

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
pub fn run_object() -> Vec<Rule> {
    let mut rules = vec![name(50), other_run()];
    rules.extend(FIXED.map(|(field, optional)| fixed(field, optional)));
    rules
}

/// Rules of a `ScoringSchedule`, whose runs are named after it with `-` and ten digits.
pub fn schedule_object() -> Vec<Rule> {
    vec![name(39)]
}

/// Fields of a stream that its readings depend on, with whether they may be absent.
const DEFINING: [(&str, bool); 7] = [
    ("source", false),
    ("event", false),
    ("filter", true),
    ("window", true),
    ("aggregates", true),
    ("duplicates", false),
    ("output", false),
];

/// Rules of a `ReadingStream`, whose pods are named after it.
pub fn stream_object() -> Vec<Rule> {
    let mut rules = vec![name(39)];
    rules.extend(DEFINING.map(|(field, optional)| {
        change(
            same(field, optional),
            "what a stream's readings depend on never changes; create another stream, with source.startAt and another output.location",
            &format!(".spec.{field}"),
        )
    }));
    rules
}

/// A run that looked for failed sensors in its own place would replace the list before it is done.
fn other_run() -> Rule {
    rule(
        "!has(self.spec.sensors) || !has(self.spec.sensors.failedIn) || self.spec.sensors.failedIn.run != self.metadata.name",
        |run| {
            let differs = || {
                let earlier = run.at("spec.sensors.failedIn.run")?;
                Some(earlier.0 != run.at("metadata.name")?.0)
            };
            any([
                not(run.has("spec.sensors")),
                not(run.has("spec.sensors.failedIn")),
                differs(),
            ])
        },
        "is this run itself; name the earlier run, and give this one another name",
        ".spec.sensors.failedIn.run",
    )
}

fn name(longest: usize) -> Rule {
    rule(
        format!(
            "self.metadata.name.size() <= {longest} && self.metadata.name.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')"
        ),
        move |object| {
            let name = object.text_at("metadata.name")?;
            let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let within = name.bytes().all(|byte| letter(byte) || byte == b'-');
            let ends = [name.bytes().next(), name.bytes().last()];
            let whole = ends.into_iter().all(|end| end.is_some_and(letter));
            Some(name.len() <= longest && within && whole)
        },
        format!(
            "must have at most {longest} lower-case letters, digits and '-', since pods are named after it"
        ),
        ".metadata.name",
    )
}

fn fixed(field: &str, optional: bool) -> Rule {
    let planned = "has(oldSelf.status) && has(oldSelf.status.conditions) && \
                   oldSelf.status.conditions.exists(c, c.type == 'Planned' && c.status == 'True')";
    let same = same(field, optional);
    change(
        format!("!({planned}) || ({same})"),
        "must not change once the run is planned; create a new ScoringRun",
        &format!(".spec.{field}"),
    )
}

/// That a field of the spec is as it was.
fn same(field: &str, optional: bool) -> String {
    let (new, old) = (
        format!("self.spec.{field}"),
        format!("oldSelf.spec.{field}"),
    );
    if optional {
        format!("has({new}) == has({old}) && (!has({new}) || {new} == {old})")
    } else {
        format!("{new} == {old}")
    }
}
