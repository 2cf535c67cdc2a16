use std::sync::LazyLock;

use kube_cel::{CompiledSchema, compile_schema};
use serde_json::{Map, Value, json};

use crate::{API_VERSION, Kind};

/// The schema of one kind.
pub struct Schema {
    /// The structural schema: types and bounds, with a manifest's envelope.
    pub structure: Value,
    /// The schema as the API server holds it, with the CEL rules.
    pub rules: Value,
}

/// Which rules are asked for.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Those about what may not change, too.
    pub changes: bool,
    /// Those of the object and its spec, which look across fields, or else those of the fields below.
    pub across_fields: bool,
}

impl Schema {
    /// The wanted CEL rules that `object` is subject to, compiled.
    ///
    /// A rule counts only where the object has the field that it belongs to. Compiling the others too would take longer than
    /// scoring some sensors.
    pub fn rules(&self, object: &Value, wanted: Wanted) -> CompiledSchema {
        compile_schema(&prune(&self.rules, object, wanted, 0))
    }
}

static RUN: LazyLock<Result<Schema, String>> = LazyLock::new(|| read(Kind::ScoringRun));
static SCHEDULE: LazyLock<Result<Schema, String>> = LazyLock::new(|| read(Kind::ScoringSchedule));

/// The committed schema of `kind`.
pub fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::ScoringRun => include_str!("../../schemas/scoringrun.json"),
        Kind::ScoringSchedule => include_str!("../../schemas/scoringschedule.json"),
    }
}

/// The schema of `kind`, from the committed definition.
pub fn of(kind: Kind) -> Result<&'static Schema, &'static String> {
    match kind {
        Kind::ScoringRun => RUN.as_ref(),
        Kind::ScoringSchedule => SCHEDULE.as_ref(),
    }
}

fn read(kind: Kind) -> Result<Schema, String> {
    let rules: Value = serde_json::from_str(text(kind))
        .map_err(|error| format!("the schema of {kind:?} is unreadable: {error}"))?;
    Ok(Schema {
        structure: with_envelope(kind, rules.clone()),
        rules,
    })
}

/// `schema`, `depth` fields down, without the parts that say nothing about `value` or are not wanted.
fn prune(schema: &Value, value: &Value, wanted: Wanted, depth: usize) -> Value {
    let Some(node) = schema.as_object() else {
        return schema.clone();
    };
    let is_wanted = wanted.across_fields == (depth < 2);
    let kept = node.iter().filter_map(|(key, part)| {
        let part = match (key.as_str(), part, value) {
            ("properties", Value::Object(fields), Value::Object(values)) => {
                present(fields, values, wanted, depth + 1)
            }
            ("items", _, Value::Array(items)) if items.is_empty() => return None,
            ("x-kubernetes-validations", _, _) if !is_wanted => return None,
            ("x-kubernetes-validations", Value::Array(rules), _) if !wanted.changes => rules
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
fn present(
    fields: &Map<String, Value>,
    values: &Map<String, Value>,
    wanted: Wanted,
    depth: usize,
) -> Value {
    let present = fields.iter().filter_map(|(name, schema)| {
        let value = values.get(name).or_else(|| schema.get("default"))?;
        Some((name.clone(), prune(schema, value, wanted, depth)))
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
            "uid": { "type": "string", "maxLength": 128 },
            "generation": { "type": "integer", "minimum": 0 },
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
