use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::rule;
use super::run::{fleet, uses_window};
use crate::ScoringRunSpec;

/// Rules of a schedule's spec.
pub fn schedule() -> Value {
    let spec = "self.runTemplate.spec";
    json!([rule(
        format!("self.window.kind != 'None' || !({})", uses_window(spec)),
        "a location holds {window...}, but the schedule gives its runs no window; set spec.window.kind",
        ".window.kind",
    )])
}

/// Rules of the cron text.
pub fn schedule_text() -> Value {
    json!([rule(
        format!("self.matches('{}')", cron()),
        "must be five fields (minute, hour, day of month, month, day of week) such as '0 * * * *', or @hourly, @daily, @weekly, \
         @monthly, @yearly; a step follows * or a range",
        "",
    )])
}

/// Rules of a backfill.
pub fn backfill() -> Value {
    json!([rule(
        "self.from < self.to",
        "must be after backfill.from",
        ".to"
    )])
}

/// The schema of a run's spec in a schedule: without a window, which the schedule gives.
pub fn template_spec(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = ScoringRunSpec::json_schema(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("window");
    }
    schema.insert("x-kubernetes-validations".to_owned(), Value::Array(fleet()));
    schema
}

/// The regular expression of a cron text.
fn cron() -> String {
    let fields = [
        field("[0-5]?[0-9]"),
        field("[01]?[0-9]|2[0-3]"),
        field("0?[1-9]|[12][0-9]|3[01]"),
        field("0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"),
        field("0?[0-7]|sun|mon|tue|wed|thu|fri|sat"),
    ];
    format!(
        "^(?i:@(hourly|daily|midnight|weekly|monthly|yearly|annually)|{})$",
        fields.join("[ ]+")
    )
}

/// A comma-separated list of values, ranges and steps, where `value` matches one value.
fn field(value: &str) -> String {
    let item = format!("(({value})|([*]|({value})-({value}))(/[1-9][0-9]?)?)");
    format!("{item}(,{item})*")
}
