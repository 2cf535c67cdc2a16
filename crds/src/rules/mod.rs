//! The rules of the API that look at more than one value's own bounds.
//!
//! Each stands here twice, side by side: as the CEL expression that goes into `x-kubernetes-validations`, where the API server
//! evaluates it, and as a function that the programs ask, since parsing CEL takes longer than scoring some sensors. The tests
//! of the validation hold the two against each other.
//!
//! Every rule carries a message that names the remedy. The API server refuses rules whose estimated cost is high, so
//! whatever a rule walks over is bounded by `maxItems`, `maxLength` or `maxProperties`.

mod apart;
mod event;
mod input;
mod location;
mod model;
mod object;
mod run;
mod schedule;
mod source;
mod stream;
mod subject;
mod volume;
mod worker;

pub use event::{event, field, field_names, unpivot};
pub use input::input;
pub use location::{literal_prefix, location, manifest, marker, prefix};
pub use model::model;
pub use object::{run_object, schedule_object, stream_object};
pub use run::{azure, columns, features, key_names, output, run, sensor_list, sensors, window};
pub use schedule::{backfill, schedule, schedule_text, template_spec};
pub use source::{event_hub, kafka, sasl, source, start_at};
pub use stream::{aggregates, stream, stream_output, stream_window};
pub use subject::{Answer, Subject};
pub use volume::{attribute, volume, volumes};
pub use worker::{argument, worker};

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;

/// Tells whether a rule holds for the value that it belongs to.
type Check = Box<dyn Fn(Subject<'_>) -> Answer + Send + Sync>;

/// One rule, as JSON what a schema holds of it.
#[derive(Serialize)]
pub struct Rule {
    /// The CEL expression.
    #[serde(rename = "rule")]
    expression: String,
    /// What to say where it does not hold.
    message: String,
    /// The field it points at below the rule's own place, such as `.location`; empty for that place itself.
    #[serde(rename = "fieldPath", skip_serializing_if = "str::is_empty")]
    field: String,
    /// The same in Rust. None for a rule about a change: only the API server sees changes.
    #[serde(skip)]
    check: Option<Check>,
}

/// A rule about an object: `expression` in CEL and `check` say the same.
fn rule(
    expression: impl Into<String>,
    check: impl Fn(Subject<'_>) -> Answer + Send + Sync + 'static,
    message: impl Into<String>,
    field: &str,
) -> Rule {
    Rule {
        check: Some(Box::new(check)),
        ..change(expression, message, field)
    }
}

/// A rule about a change, which speaks of `oldSelf`.
fn change(expression: impl Into<String>, message: impl Into<String>, field: &str) -> Rule {
    Rule {
        expression: expression.into(),
        message: message.into(),
        field: field.to_owned(),
        check: None,
    }
}

/// The functions of all rules about objects, by their CEL expressions.
static CHECKS: LazyLock<HashMap<String, Check>> = LazyLock::new(|| {
    let all = [
        run_object(),
        schedule_object(),
        stream_object(),
        run(),
        window(),
        sensors(),
        sensor_list(),
        key_names(),
        features(),
        columns(),
        input(),
        model(),
        marker(),
        output(),
        azure(),
        location(),
        prefix(),
        manifest(),
        schedule(),
        schedule_text(),
        backfill(),
        literal_prefix(),
        stream(),
        source(),
        start_at(),
        event_hub(),
        kafka(),
        sasl(),
        event(),
        field_names(),
        field(),
        unpivot(),
        stream_window(),
        aggregates(),
        stream_output(),
        volumes(),
        volume(),
        worker(),
    ];
    let with_check = |rule: Rule| Some((rule.expression, rule.check?));
    all.into_iter().flatten().filter_map(with_check).collect()
});

/// What the rule with the CEL expression `expression` says of `subject`; none where the expression is of no rule about objects.
pub fn ask(expression: &str, subject: Subject<'_>) -> Option<Answer> {
    CHECKS.get(expression).map(|check| check(subject))
}

/// The latest time: zones that are ahead of UTC have a clock for it, too.
pub const LATEST: &str = "9999-12-30T22:00:00Z";

/// The schema of a text that is a map's value.
pub fn short_text() -> serde_json::Value {
    serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 256 })
}

/// The schema of a label's value.
pub fn label() -> serde_json::Value {
    serde_json::json!({ "type": "string", "maxLength": 63 })
}

/// The schema of an annotation's value: all of them together may have 256 KiB.
pub fn annotation() -> serde_json::Value {
    serde_json::json!({ "type": "string", "maxLength": 262_144 })
}
