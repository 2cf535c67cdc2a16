use std::sync::LazyLock;

use kube_cel::{CompiledSchema, compile_schema};
use serde_json::{Value, json};

use crate::{API_VERSION, Kind};

/// The schema of one kind, once as data and once with its rules compiled.
pub struct Schema {
    /// The structural schema: types and bounds.
    pub structure: Value,
    /// The CEL rules in it.
    pub rules: CompiledSchema,
}

static RUN: LazyLock<Result<Schema, String>> = LazyLock::new(|| {
    read(
        Kind::ScoringRun,
        include_str!("../../yaml/scoringruns.yaml"),
    )
});
static SCHEDULE: LazyLock<Result<Schema, String>> = LazyLock::new(|| {
    read(
        Kind::ScoringSchedule,
        include_str!("../../yaml/scoringschedules.yaml"),
    )
});

/// The schema of `kind`, from the committed definition.
pub fn of(kind: Kind) -> Result<&'static Schema, &'static String> {
    match kind {
        Kind::ScoringRun => RUN.as_ref(),
        Kind::ScoringSchedule => SCHEDULE.as_ref(),
    }
}

fn read(kind: Kind, yaml: &str) -> Result<Schema, String> {
    let mut definition: Value = serde_saphyr::from_str(yaml)
        .map_err(|error| format!("the definition of {kind:?} is unreadable: {error}"))?;
    let structure = definition
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
        .map(Value::take)
        .ok_or_else(|| format!("the definition of {kind:?} has no schema"))?;
    let rules = compile_schema(&structure);
    Ok(Schema {
        rules,
        structure: with_envelope(kind, structure),
    })
}

/// The definition leaves the envelope to the API server; a manifest's envelope is as strict as the rest.
fn with_envelope(kind: Kind, mut structure: Value) -> Value {
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    structure["properties"]["apiVersion"] = json!({ "type": "string", "enum": [API_VERSION] });
    structure["properties"]["kind"] = json!({ "type": "string", "enum": [kind] });
    structure["properties"]["metadata"] = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 253 },
            "namespace": { "type": "string", "maxLength": 63, "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" },
            "labels": texts,
            "annotations": texts,
        }
    });
    if let Some(properties) = structure["properties"].as_object_mut() {
        properties.remove("status");
    }
    structure["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    structure
}
