//! The CEL rules of the API, as the values of `x-kubernetes-validations`.
//!
//! Every rule carries a message that names the remedy. The API server refuses rules whose estimated cost is high, so
//! whatever a rule walks over is bounded by `maxItems`, `maxLength` or `maxProperties`.

mod apart;
mod location;
mod object;
mod run;
mod schedule;

pub use location::{location, manifest, prefix};
#[cfg(feature = "kube")]
pub use object::{run_object, schedule_object};
pub use run::{azure, columns, features, key_names, output, run, sensor_list, sensors, window};
pub use schedule::{backfill, schedule, schedule_text, template_spec};

use serde_json::{Map, Value};

/// One rule: the CEL expression, the message, and the field it points at below the rule's own place (such as `.location`;
/// empty for that place itself).
fn rule(expression: impl Into<String>, message: impl Into<String>, field: &str) -> Value {
    let mut rule = Map::new();
    rule.insert("rule".to_owned(), Value::String(expression.into()));
    rule.insert("message".to_owned(), Value::String(message.into()));
    if !field.is_empty() {
        rule.insert("fieldPath".to_owned(), Value::String(field.to_owned()));
    }
    Value::Object(rule)
}

/// The latest time: zones that are ahead of UTC have a clock for it, too.
pub const LATEST: &str = "9999-12-30T22:00:00Z";

/// The schema of a text that is a map's value.
pub fn short_text() -> Value {
    serde_json::json!({ "type": "string", "minLength": 1, "maxLength": 256 })
}

/// The schema of a label's value.
pub fn label() -> Value {
    serde_json::json!({ "type": "string", "maxLength": 63 })
}

/// The schema of an annotation's value: all of them together may have 256 KiB.
pub fn annotation() -> Value {
    serde_json::json!({ "type": "string", "maxLength": 262_144 })
}
