//! A value against the structural part of a schema: unknown and missing fields, types, enumerations and bounds.

use regex::Regex;
use serde_json::{Map, Value};

use super::Violation;
use crate::rules::LATEST;

/// Everything in `value` that `schema` does not allow.
pub fn check(schema: &Value, value: &Value) -> Vec<Violation> {
    let mut found = Vec::new();
    walk(schema, value, "", &mut found);
    found
}

fn walk(schema: &Value, value: &Value, path: &str, found: &mut Vec<Violation>) {
    let mut report = |message: String| {
        found.push(Violation {
            field: path.to_owned(),
            message,
        });
    };
    if let Some(message) = wrong_type(schema, value) {
        return report(message);
    }
    if let Some(message) = not_in_enum(schema, value) {
        return report(message);
    }
    match value {
        Value::Number(number) => number_bounds(schema, number.as_f64().unwrap_or(f64::NAN))
            .into_iter()
            .for_each(report),
        Value::String(text) => text_bounds(schema, text).into_iter().for_each(report),
        Value::Array(items) => {
            count_bounds(schema, ["minItems", "maxItems"], items.len(), "entries")
                .into_iter()
                .for_each(report);
            if let Some(schema) = schema.get("items") {
                for (position, item) in items.iter().enumerate() {
                    walk(schema, item, &format!("{path}[{position}]"), found);
                }
            }
        }
        Value::Object(fields) => {
            size_bounds(schema, fields).into_iter().for_each(report);
            walk_fields(schema, fields, path, found);
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn walk_fields(
    schema: &Value,
    fields: &Map<String, Value>,
    path: &str,
    found: &mut Vec<Violation>,
) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let known = schema.get("properties").and_then(Value::as_object);
    let open = schema.get("x-kubernetes-preserve-unknown-fields").is_some();
    for (name, value) in fields {
        // A null field counts as absent, as for the API server.
        if let Some(schema) = known.and_then(|known| known.get(name)) {
            if !value.is_null() {
                walk(schema, value, &below(name), found);
            }
        } else if let Some(schema) = schema.get("additionalProperties") {
            walk(schema, value, &below(name), found);
        } else if !open {
            found.push(Violation {
                field: below(name),
                message: unknown(name, known),
            });
        }
    }
    let required = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    for name in required {
        let message = match fields.get(name) {
            None => "is required; add it",
            Some(Value::Null) => "is empty, and required; fill it in",
            Some(_) => continue,
        };
        found.push(Violation {
            field: below(name),
            message: message.to_owned(),
        });
    }
}

fn unknown(name: &str, known: Option<&Map<String, Value>>) -> String {
    let names = known.into_iter().flat_map(Map::keys).map(String::as_str);
    if let Some((field, value)) = name.split_once(':')
        && names.clone().any(|known| known == field)
    {
        return format!("unknown field; write `{field}: {value}`, with a space after the colon");
    }
    match nearest(name, names.clone()) {
        Some(near) => format!("unknown field; did you mean `{near}`?"),
        None => match names.collect::<Vec<_>>().join(", ") {
            names if names.is_empty() => "unknown field; this object has none".to_owned(),
            names => format!("unknown field; known are {names}"),
        },
    }
}

/// The name most like `name`, if one is alike enough to be meant.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Long names cannot be misspellings of short ones; comparing them would cost their product.
    if name.len() > 64 {
        return None;
    }
    let likeness = |other: &str| {
        strsim::normalized_damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase())
    };
    let best = names
        .map(|other| (likeness(other), other))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.6).then_some(best.1)
}

fn wrong_type(schema: &Value, value: &Value) -> Option<String> {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        let fits = value.is_string() || value.is_i64() || value.is_u64();
        return (!fits).then(|| format!("must be a whole number or a text, not {}", shown(value)));
    }
    let (fits, name) = match schema.get("type")?.as_str()? {
        "object" => (value.is_object(), "a map of fields"),
        "array" => (value.is_array(), "a list"),
        "string" => (value.is_string(), "a text"),
        "boolean" => (value.is_boolean(), "true or false"),
        "integer" => (value.is_i64() || value.is_u64(), "a whole number"),
        _ => (value.is_number(), "a number"),
    };
    let hint = match value {
        Value::Number(_) | Value::Bool(_) if name == "a text" => "; put it in quotes",
        // `{device}` without quotes.
        Value::Object(fields)
            if name == "a text" && !fields.is_empty() && fields.values().all(Value::is_null) =>
        {
            "; a text that begins with a brace must stand in quotes"
        }
        _ => "",
    };
    (!fits).then(|| format!("must be {name}, not {}{hint}", shown(value)))
}

fn not_in_enum(schema: &Value, value: &Value) -> Option<String> {
    let allowed = schema.get("enum")?.as_array()?;
    if allowed.contains(value) {
        return None;
    }
    let names = allowed.iter().filter_map(Value::as_str);
    Some(
        match nearest(value.as_str().unwrap_or_default(), names.clone()) {
            Some(near) => format!("{} is not allowed; did you mean `{near}`?", shown(value)),
            None => format!(
                "{} is not allowed; one of {}",
                shown(value),
                names.collect::<Vec<_>>().join(", ")
            ),
        },
    )
}

fn number_bounds(schema: &Value, number: f64) -> Option<String> {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), _) if number < least => {
            Some(format!("{number} is too small; at least {least}"))
        }
        (_, Some(most)) if number > most => Some(format!("{number} is too large; at most {most}")),
        _ => None,
    }
}

fn text_bounds(schema: &Value, text: &str) -> Option<String> {
    let length = text.chars().count();
    if let Some(message) = count_bounds(schema, ["minLength", "maxLength"], length, "characters") {
        return Some(message);
    }
    if schema.get("format").and_then(Value::as_str) == Some("date-time") && !is_time(text) {
        return Some(format!(
            "`{text}` is not an RFC 3339 time such as 2018-08-28T23:00:00Z, at the latest {LATEST}"
        ));
    }
    let pattern = schema.get("pattern").and_then(Value::as_str)?;
    let matches = Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
    (!matches).then(|| format!("`{text}` does not match {pattern}"))
}

/// RFC 3339 as the API server takes it, with a date that exists.
fn is_time(text: &str) -> bool {
    let separated = text
        .as_bytes()
        .get(10)
        .is_some_and(|byte| matches!(byte, b'T' | b't'));
    let seconds = text.as_bytes().get(16) == Some(&b':');
    separated && seconds && !text.contains('[') && text.parse::<jiff::Timestamp>().is_ok()
}

fn size_bounds(schema: &Value, fields: &Map<String, Value>) -> Option<String> {
    count_bounds(
        schema,
        ["minProperties", "maxProperties"],
        fields.len(),
        "entries",
    )
}

fn count_bounds(
    schema: &Value,
    [least, most]: [&str; 2],
    count: usize,
    what: &str,
) -> Option<String> {
    let bound = |name: &str| {
        schema
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|bound| usize::try_from(bound).ok())
    };
    match (bound(least), bound(most)) {
        (Some(1), _) if count == 0 => Some("must not be empty".to_owned()),
        (Some(least), _) if count < least => Some(format!("has {count} {what}; at least {least}")),
        (_, Some(most)) if count > most => Some(format!("has {count} {what}; at most {most}")),
        _ => None,
    }
}

/// A value in a message, cut short.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "a map of fields".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.chars().count() > 80 => {
            format!("`{}...`", text.chars().take(80).collect::<String>())
        }
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}
