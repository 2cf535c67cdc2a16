//! The custom resource definitions: what the derive macros make of the types, in the form that is committed.

use kube::CustomResourceExt;
use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use crate::{
    Kind, RELEASE, RELEASE_ANNOTATION, ReadingStream, ReadingStreamSpec, ReadingStreamStatus,
    SCHEMA_ANNOTATION, ScoringRun, ScoringRunStatus, ScoringSchedule, ScoringScheduleSpec,
    ScoringScheduleStatus, digest::digest, rules,
};

/// The largest whole number of 32 bits that Kubernetes' own objects have. In seconds these are 68 years.
const LARGEST: i64 = i32::MAX as i64;
/// The largest count: whatever reads JSON keeps whole numbers up to here.
const LARGEST_COUNT: i64 = crate::LARGEST_COUNT.cast_signed();

/// The `CustomResourceDefinition` of `kind` as JSON.
///
/// # Errors
///
/// A type that cannot be written as JSON, which the tests rule out.
pub fn definition(kind: Kind) -> Result<Value, serde_json::Error> {
    let (crd, object_rules) = match kind {
        Kind::ScoringRun => (ScoringRun::crd(), rules::run_object()),
        Kind::ScoringSchedule => (ScoringSchedule::crd(), rules::schedule_object()),
        Kind::ReadingStream => (ReadingStream::crd(), rules::stream_object()),
    };
    let mut crd = serde_json::to_value(crd)?;
    if let Some(schema) = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        tidy(schema, &meanings());
        let description = schema.pointer("/properties/spec/description").cloned();
        // Lets a rule point at the name; the API server allows no other field of the metadata here.
        schema["properties"]["metadata"] = json!({ "type": "object", "properties": { "name": { "type": "string", "maxLength": 253 } } });
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description.unwrap_or_default());
            schema.insert("x-kubernetes-validations".to_owned(), json!(object_rules));
        }
    }
    // Tells an operator whether these are the fields and rules that it was built with.
    let schema = digest(&bare_schema(&crd).to_string());
    crd["metadata"]["annotations"] =
        json!({ RELEASE_ANNOTATION: RELEASE, SCHEMA_ANNOTATION: schema });
    Ok(crd)
}

/// The schema in a `CustomResourceDefinition`, without its descriptions: what a program checks an object against.
///
/// Committed as JSON beside the definition, since reading that takes a tenth of the time of reading YAML.
pub fn bare_schema(definition: &Value) -> Value {
    let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    strip_descriptions(&mut schema);
    schema
}

fn strip_descriptions(schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else {
        return;
    };
    node.remove("description");
    for (key, part) in node {
        match (key.as_str(), part) {
            ("properties", Value::Object(fields)) => {
                fields.values_mut().for_each(strip_descriptions);
            }
            ("items" | "additionalProperties", part) => strip_descriptions(part),
            _ => {}
        }
    }
}

/// Takes out what the API server warns of or does not need, and puts in what an enumeration's values mean.
fn tidy(schema: &mut Value, meanings: &[Meaning]) {
    let Some(node) = schema.as_object_mut() else {
        return;
    };
    // An absent field and a null one mean the same; the API server drops a null where the schema does not allow it.
    node.remove("nullable");
    node.remove("title");
    if node.contains_key("x-kubernetes-preserve-unknown-fields")
        || node.get("additionalProperties") == Some(&false.into())
    {
        node.remove("additionalProperties");
    }
    tidy_number(node);
    if let Some(values) = node.get("enum").and_then(Value::as_array)
        && let Some(meaning) = meanings.iter().find(|meaning| &meaning.values == values)
    {
        let head = node
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        node.insert(
            "description".to_owned(),
            format!("{head}\n{}", meaning.text).trim().into(),
        );
    }
    for key in ["properties", "items", "additionalProperties"] {
        match node.get_mut(key) {
            Some(Value::Object(children)) if key == "properties" => {
                children
                    .values_mut()
                    .for_each(|child| tidy(child, meanings));
            }
            Some(child) => tidy(child, meanings),
            None => {}
        }
    }
}

/// Kubernetes knows `int32` and `int64` alone; bounds are whole numbers. Every integer has both bounds: one that the API server
/// takes and a type cannot hold would make the whole object unreadable.
fn tidy_number(node: &mut Map<String, Value>) {
    let format = node
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let largest = if format.ends_with("64") {
        LARGEST_COUNT
    } else {
        LARGEST
    };
    if format.starts_with("uint") || format == "int64" {
        node.insert("format".to_owned(), "int64".into());
    }
    if node.get("type").and_then(Value::as_str) == Some("integer") {
        node.entry("minimum").or_insert_with(|| 0.into());
        node.entry("maximum").or_insert_with(|| largest.into());
    }
    for bound in ["minimum", "maximum"] {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "bounds come from integer types"
        )]
        if let Some(number) = node.get(bound).and_then(Value::as_f64) {
            node.insert(bound.to_owned(), (number as i64).into());
        }
    }
}

/// What the values of one enumeration mean.
struct Meaning {
    values: Vec<Value>,
    text: String,
}

/// The meanings of all enumerations, from the comments of their variants, which a definition has no place for.
fn meanings() -> Vec<Meaning> {
    let schemas = [
        schema_for!(ScoringScheduleSpec),
        schema_for!(ScoringRunStatus),
        schema_for!(ScoringScheduleStatus),
        schema_for!(ReadingStreamSpec),
        schema_for!(ReadingStreamStatus),
        schema_for!(Wanted),
    ];
    let definitions = schemas
        .iter()
        .filter_map(|schema| schema.get("$defs")?.as_object());
    definitions
        .flat_map(Map::values)
        .filter_map(meaning)
        .collect()
}

/// Roots of enumerations that the schedule's schema holds inline.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Wanted(crate::ScoringRunSpec);

fn meaning(schema: &Value) -> Option<Meaning> {
    let variants = schema.get("oneOf")?.as_array()?;
    let values = variants
        .iter()
        .map(|variant| variant.get("const").cloned())
        .collect::<Option<Vec<_>>>()?;
    let lines = variants.iter().filter_map(|variant| {
        Some(format!(
            "{}: {}",
            variant.get("const")?.as_str()?,
            variant.get("description")?.as_str()?
        ))
    });
    Some(Meaning {
        text: lines.collect::<Vec<_>>().join("\n"),
        values,
    })
}
