//! Checks an object against the committed custom resource definitions, as the API server does.
//!
//! Two parts: the schema's own bounds ([`structure`]), and the rules in it ([`rules`]).

mod defaults;
#[cfg(test)]
mod oracle;
mod rules;
mod schedule_name;
mod schema;
pub mod structure;

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{API_VERSION, Kind, ReadingStreamSpec, ScoringRunSpec, ScoringScheduleSpec, digest};

/// One rule of the API that an object breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, such as `spec.output.location`.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.field, self.message)
    }
}

/// Every rule of the API that a run's spec breaks; the API server checks the same rules.
pub fn validate(spec: &ScoringRunSpec) -> Vec<Violation> {
    validate_spec(Kind::ScoringRun, spec)
}

/// Every rule of the API that a schedule's spec breaks; the API server checks the same rules.
pub fn validate_schedule(spec: &ScoringScheduleSpec) -> Vec<Violation> {
    validate_spec(Kind::ScoringSchedule, spec)
}

/// Every rule of the API that a stream's spec breaks; the API server checks the same rules.
pub fn validate_stream(spec: &ReadingStreamSpec) -> Vec<Violation> {
    validate_spec(Kind::ReadingStream, spec)
}

fn validate_spec(kind: Kind, spec: &impl Serialize) -> Vec<Violation> {
    match serde_json::to_value(spec) {
        Ok(spec) => check(
            kind,
            &json!({ "apiVersion": API_VERSION, "kind": kind, "metadata": { "name": "unnamed" }, "spec": spec }),
        ),
        Err(error) => vec![Violation {
            field: "spec".to_owned(),
            message: error.to_string(),
        }],
    }
}

/// Every rule of the API that a whole object breaks: envelope, unknown fields, types, bounds and rules, and the one rule that
/// the API server cannot check: `{schedule}` needs a schedule.
///
/// All are reported together. A rule that cannot be evaluated because a field has the wrong type is left out: the wrong
/// type is reported.
pub fn validate_object(kind: Kind, object: &Value) -> Vec<Violation> {
    let mut violations = check(kind, object);
    if kind == Kind::ScoringRun {
        violations.extend(schedule_name::check(object));
    }
    violations
}

fn check(kind: Kind, object: &Value) -> Vec<Violation> {
    match schema::of(kind) {
        Ok(schema) => {
            let mut violations = structure::check(&schema.object, object);
            add_broken_rules(&schema.object, &mut violations, object);
            violations
        }
        Err(message) => vec![Violation {
            field: String::new(),
            message: message.clone(),
        }],
    }
}

/// The digest of the schema of `kind`, with its rules, as the annotation of its custom resource definition has it.
pub fn schema_digest(kind: Kind) -> String {
    digest(schema::text(kind).trim_end())
}

/// The schema of an object's `spec` or `status`.
pub fn part(kind: Kind, part: &str) -> Result<&'static Value, &'static String> {
    let schema = schema::of(kind)?;
    Ok(match part {
        "status" => &schema.status,
        _ => &schema.object["properties"][part],
    })
}

/// Adds the rules of `schema` that `object` breaks to what is wrong with its shape.
fn add_broken_rules(schema: &Value, violations: &mut Vec<Violation>, object: &Value) {
    let misshapen: Vec<_> = violations.iter().map(|found| found.field.clone()).collect();
    let written = without_nulls(object.clone());
    let mut held = written.clone();
    defaults::fill(schema, &mut held);
    for broken in rules::check(schema, &held) {
        if !broken.asked && !misshapen.is_empty() {
            continue;
        }
        let found = Violation {
            message: match shown_at(&written, &broken.field) {
                Some(value) => format!("{} (it is {value})", broken.message),
                None => broken.message.to_owned(),
            },
            field: broken.field,
        };
        // What is no value of its field breaks rules about it as well, and has been told.
        if !misshapen.contains(&found.field) && !violations.contains(&found) {
            violations.push(found);
        }
    }
}

/// The value at `path` in a message, where it has no parts and holds no credentials.
fn shown_at(object: &Value, path: &str) -> Option<String> {
    let mut value = object;
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        value = match step.strip_suffix(']') {
            Some(position) => value.get(position.parse::<usize>().ok()?)?,
            None => value.get(step)?,
        };
    }
    match value {
        Value::Object(_) | Value::Array(_) | Value::Null => None,
        // The query of a URL may be a token, and what is before an `@` a password.
        Value::String(text) => match text.split_once('?') {
            _ if text.contains('@') && text.contains("://") => None,
            Some((before, _)) => Some(format!("{}?...", structure::shown(&before.into()))),
            None => Some(structure::shown(value)),
        },
        Value::Bool(_) | Value::Number(_) => Some(structure::shown(value)),
    }
}

/// `value` without null fields, which the API server drops before it looks at the rules.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name, without_nulls(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
