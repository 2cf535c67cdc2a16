use std::sync::LazyLock;

use kube_cel::{CompiledSchema, compile_schema};
use serde_json::{Map, Value, json};

use crate::{API_VERSION, Kind};

/// The schema of one kind.
pub struct Schema {
    /// The structural schema: types and bounds, with a manifest's envelope.
    pub structure: Value,
    /// The schema as the API server holds it, with the CEL rules.
    rules: Value,
}

impl Schema {
    /// The CEL rules that `object` is subject to, compiled. Without `is_change` those about what may not change are left out.
    ///
    /// A rule counts only where the object has the field that it belongs to. Compiling the others too would take longer than
    /// scoring some sensors.
    pub fn rules(&self, object: &Value, is_change: bool) -> CompiledSchema {
        compile_schema(&prune(&self.rules, object, is_change))
    }
}

static RUN: LazyLock<Result<Schema, String>> = LazyLock::new(|| {
    read(
        Kind::ScoringRun,
        include_str!("../../schemas/scoringrun.json"),
    )
});
static SCHEDULE: LazyLock<Result<Schema, String>> = LazyLock::new(|| {
    read(
        Kind::ScoringSchedule,
        include_str!("../../schemas/scoringschedule.json"),
    )
});

/// The schema of `kind`, from the committed definition.
pub fn of(kind: Kind) -> Result<&'static Schema, &'static String> {
    match kind {
        Kind::ScoringRun => RUN.as_ref(),
        Kind::ScoringSchedule => SCHEDULE.as_ref(),
    }
}

fn read(kind: Kind, json: &str) -> Result<Schema, String> {
    let rules: Value = serde_json::from_str(json)
        .map_err(|error| format!("the schema of {kind:?} is unreadable: {error}"))?;
    Ok(Schema {
        structure: with_envelope(kind, rules.clone()),
        rules,
    })
}

/// `schema` without the parts that say nothing about `value`.
fn prune(schema: &Value, value: &Value, is_change: bool) -> Value {
    let Some(node) = schema.as_object() else {
        return schema.clone();
    };
    let kept = node.iter().filter_map(|(key, part)| {
        let part = match (key.as_str(), part, value) {
            ("properties", Value::Object(fields), Value::Object(values)) => {
                present(fields, values, is_change)
            }
            ("items", _, Value::Array(items)) if items.is_empty() => return None,
            ("x-kubernetes-validations", Value::Array(rules), _) if !is_change => rules
                .iter()
                .filter(|rule| !is_about_change(rule))
                .cloned()
                .collect(),
            _ => part.clone(),
        };
        Some((key.clone(), part))
    });
    Value::Object(kept.collect())
}

/// The fields that `values` has, or has by default: `kube-cel` fills those in before it looks at the rules.
fn present(fields: &Map<String, Value>, values: &Map<String, Value>, is_change: bool) -> Value {
    let present = fields.iter().filter_map(|(name, schema)| {
        let value = values.get(name).or_else(|| schema.get("default"))?;
        Some((name.clone(), prune(schema, value, is_change)))
    });
    Value::Object(present.collect())
}

fn is_about_change(rule: &Value) -> bool {
    rule["rule"]
        .as_str()
        .is_some_and(|rule| rule.contains("oldSelf"))
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
