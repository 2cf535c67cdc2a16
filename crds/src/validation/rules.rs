//! A value against the rules in a schema.

use serde_json::Value;

use crate::rules::{self, Answer, Subject};

/// A rule that does not hold.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken<'a> {
    /// Its CEL expression.
    pub rule: &'a str,
    /// Path of the field that is to blame, such as `spec.output.location`.
    pub field: String,
    /// What to say.
    pub message: &'a str,
    /// Whether it could be asked.
    pub asked: bool,
}

/// The rules of `schema` that do not hold for `value`, or cannot be asked. The value has its defaults and no null fields.
pub fn check<'a>(schema: &'a Value, value: &Value) -> Vec<Broken<'a>> {
    let mut broken = Vec::new();
    walk(schema, value, "", &mut broken);
    broken
}

fn walk<'a>(schema: &'a Value, value: &Value, path: &str, broken: &mut Vec<Broken<'a>>) {
    let here = entries(schema, "x-kubernetes-validations");
    broken.extend(here.filter_map(|rule| ask(rule, value, path)));
    match value {
        Value::Object(fields) => {
            let known = schema.get("properties").and_then(Value::as_object);
            for (name, value) in fields {
                let known = known.and_then(|known| known.get(name));
                if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(schema, value, &format!("{path}{dot}{name}"), broken);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for (position, item) in items.iter().enumerate() {
                    walk(schema, item, &format!("{path}[{position}]"), broken);
                }
            }
        }
        _ => {}
    }
}

fn entries<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn ask<'a>(rule: &'a Value, value: &Value, path: &str) -> Option<Broken<'a>> {
    let part = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default();
    let answer: Answer = rules::ask(part("rule"), Subject(value))?;
    if answer == Some(true) {
        return None;
    }
    let field = format!("{path}{}", part("fieldPath"));
    Some(Broken {
        rule: part("rule"),
        field: field.trim_start_matches('.').to_owned(),
        message: part("message"),
        asked: answer.is_some(),
    })
}
