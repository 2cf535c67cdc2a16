use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::{API_VERSION, Kind};

/// The schema of one kind.
pub struct Schema {
    /// Types, bounds and rules of an object, with a manifest's envelope and without `status`.
    pub object: Value,
    /// The schema of the object's `status`.
    pub status: Value,
}

static RUN: LazyLock<Result<Schema, String>> = LazyLock::new(|| read(Kind::ScoringRun));
static SCHEDULE: LazyLock<Result<Schema, String>> = LazyLock::new(|| read(Kind::ScoringSchedule));
static STREAM: LazyLock<Result<Schema, String>> = LazyLock::new(|| read(Kind::ReadingStream));

/// The committed schema of `kind`.
pub fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::ScoringRun => include_str!("../../schemas/scoringrun.json"),
        Kind::ScoringSchedule => include_str!("../../schemas/scoringschedule.json"),
        Kind::ReadingStream => include_str!("../../schemas/readingstream.json"),
    }
}

/// The schema of `kind`, from the committed definition.
pub fn of(kind: Kind) -> Result<&'static Schema, &'static String> {
    match kind {
        Kind::ScoringRun => RUN.as_ref(),
        Kind::ScoringSchedule => SCHEDULE.as_ref(),
        Kind::ReadingStream => STREAM.as_ref(),
    }
}

fn read(kind: Kind) -> Result<Schema, String> {
    let mut object: Value = serde_json::from_str(text(kind))
        .map_err(|error| format!("the schema of {kind:?} is unreadable: {error}"))?;
    let properties = object["properties"].as_object_mut();
    let status = properties.and_then(|properties| properties.remove("status"));
    put_envelope(kind, &mut object);
    Ok(Schema {
        object,
        status: status.unwrap_or_default(),
    })
}

/// The definition leaves the envelope to the API server; a manifest's envelope is as strict as the rest.
fn put_envelope(kind: Kind, object: &mut Value) {
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    object["properties"]["apiVersion"] = json!({ "type": "string", "enum": [API_VERSION] });
    object["properties"]["kind"] = json!({ "type": "string", "enum": [kind] });
    object["properties"]["metadata"] = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 253 },
            "namespace": { "type": "string", "maxLength": 63, "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" },
            "uid": { "type": "string", "maxLength": 128 },
            "generation": { "type": "integer", "minimum": 0 },
            "labels": texts,
            "annotations": texts,
        }
    });
    object["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
}
