use std::sync::LazyLock;

use jiff::tz::TimeZone;
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::run::{fleet, uses_window, uses_window_cel};
use super::subject::{any, not};
use super::{Rule, Subject, rule};
use crate::{BACKFILL_YEARS, ScoringRunSpec};

/// Rules of a schedule's spec.
pub fn schedule() -> Vec<Rule> {
    let spec = "self.runTemplate.spec";
    vec![rule(
        format!("self.window.kind != 'None' || !({})", uses_window_cel(spec)),
        |schedule| {
            any([
                schedule.text_at("window.kind").map(|kind| kind != "None"),
                not(schedule.at("runTemplate.spec").and_then(uses_window)),
            ])
        },
        "a location holds {window...}, but the schedule gives its runs no window; set spec.window.kind",
        ".window.kind",
    )]
}

/// Rules of the cron text: what a regular expression can tell of what `fleetscore-ticks` reads, which alone sees that a range
/// ends before it starts.
pub fn schedule_text() -> Vec<Rule> {
    vec![rule(
        // Without the first condition, letters of other alphabets would count as names in another case.
        format!(
            "self.matches('^[[:ascii:]]+$') && self.matches('{}')",
            cron()
        ),
        |schedule| {
            static CRON: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&cron()).ok());
            let text = schedule.text()?;
            Some(text.is_ascii() && CRON.as_ref()?.is_match(text))
        },
        "must be five fields (minute, hour, day of month, month, day of week) such as '0 * * * *', or @hourly, @daily, @weekly, \
         @monthly, @yearly; `fleetscore plan -f` tells where the mistake is",
        "",
    )]
}

/// Rules of a backfill.
pub fn backfill() -> Vec<Rule> {
    vec![
        rule(
            "self.from < self.to",
            |backfill| Some(backfill.time_at("from")? < backfill.time_at("to")?),
            "must be after backfill.from",
            ".to",
        ),
        rule(
            format!("self.to.getFullYear() - self.from.getFullYear() <= {BACKFILL_YEARS}"),
            |backfill| Some(year(backfill, "to")? <= year(backfill, "from")? + BACKFILL_YEARS),
            format!(
                "must be at most {BACKFILL_YEARS} years after backfill.from; backfill one part after the other"
            ),
            ".to",
        ),
    ]
}

/// The year of a time, in UTC as on the API server.
fn year(backfill: Subject<'_>, field: &str) -> Option<u32> {
    let time = backfill.time_at(field)?.to_zoned(TimeZone::UTC);
    u32::try_from(time.year()).ok()
}

/// The schema of a run's spec in a schedule: without a window, which the schedule gives.
pub fn template_spec(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = ScoringRunSpec::json_schema(generator);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("window");
    }
    schema.insert("x-kubernetes-validations".to_owned(), json!(fleet()));
    schema
}

/// The regular expression of a cron text.
fn cron() -> String {
    let weekday = "0?[0-7]|sun|mon|tue|wed|thu|fri|sat";
    let fields = [
        field("[0-5]?[0-9]", ""),
        field("[01]?[0-9]|2[0-3]", ""),
        field("0?[1-9]|[12][0-9]|3[01]", "|LW?"),
        field(
            "0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec",
            "",
        ),
        field(weekday, &format!("|({weekday})#0?[1-5]|0?[0-7]L")),
    ];
    format!(
        "^[[:blank:]]*(?i:@(hourly|daily|midnight|weekly|monthly|yearly|annually)|{})[[:blank:]]*$",
        fields.join("[[:blank:]]+")
    )
}

/// A comma-separated list of values, ranges and steps, where `value` matches one value and `more` other items.
fn field(value: &str, more: &str) -> String {
    let item = format!("(([*]|({value})(-({value}))?)(/(0?[1-9]|[1-5][0-9]))?{more})");
    format!("{item}(,{item})*")
}
