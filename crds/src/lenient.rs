//! Reading what another version of the API may have stored. The command line is strict; who watches objects must not be blind to one
//! because a newer version has written it.

use serde_json::{Map, Value};

use crate::validation::{Violation, structure};
use crate::{Kind, LAST_APPLIED_ANNOTATION, validation};

/// A field of a stored object's spec that this version of the API does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownField {
    /// Its names from the object down; an item of a list counts as the list.
    path: Vec<String>,
    /// Its value.
    pub value: Value,
}

impl UnknownField {
    /// Path of the field, such as `spec.input.turbo`.
    pub fn field(&self) -> String {
        self.path.join(".")
    }

    /// Whether somebody asked for the field, as the object's `metadata` tell: it was applied, by the server's or by the client's way of
    /// applying. Else the API server may have put it in, as what a newer definition has for a default: it writes that down as if whoever
    /// created the object had asked for it.
    pub fn is_applied(&self, metadata: &Value) -> bool {
        let entries = metadata["managedFields"].as_array();
        let mut applied = entries
            .into_iter()
            .flatten()
            .filter(|entry| entry["operation"] == "Apply");
        applied.any(|entry| self.is_in_fields(&entry["fieldsV1"]))
            || self.is_in_last_applied(metadata)
    }

    fn is_in_fields(&self, fields: &Value) -> bool {
        let mut node = fields;
        for name in &self.path {
            match node.get(format!("f:{name}")) {
                // All of it is that writer's.
                Some(below) if below.as_object().is_some_and(Map::is_empty) => return true,
                Some(below) => node = below,
                None => return false,
            }
        }
        true
    }

    fn is_in_last_applied(&self, metadata: &Value) -> bool {
        let applied = metadata["annotations"][LAST_APPLIED_ANNOTATION].as_str();
        let applied: Option<Value> = applied.and_then(|text| serde_json::from_str(text).ok());
        let pointer = format!("/{}", self.path.join("/"));
        applied.is_some_and(|applied| applied.pointer(&pointer).is_some())
    }
}

/// Takes the fields of the spec out of `object` that this version of the API does not know.
pub fn take_unknown(kind: Kind, object: &mut Value) -> Vec<UnknownField> {
    let mut taken = Vec::new();
    if let (Ok(schema), Some(spec)) = (validation::part(kind, "spec"), object.get_mut("spec")) {
        take(schema, spec, &mut vec!["spec".to_owned()], &mut taken);
    }
    taken
}

fn take(schema: &Value, value: &mut Value, path: &mut Vec<String>, taken: &mut Vec<UnknownField>) {
    match value {
        Value::Object(fields) => take_fields(schema, fields, path, taken),
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                for item in items {
                    take(schema, item, path, taken);
                }
            }
        }
        _ => {}
    }
}

fn take_fields(
    schema: &Value,
    fields: &mut Map<String, Value>,
    path: &mut Vec<String>,
    taken: &mut Vec<UnknownField>,
) {
    let open = [
        "additionalProperties",
        "x-kubernetes-preserve-unknown-fields",
    ];
    if open.iter().any(|open| schema.get(open).is_some()) {
        return;
    }
    let known = schema.get("properties").and_then(Value::as_object);
    let names: Vec<_> = fields.keys().cloned().collect();
    for name in names {
        path.push(name.clone());
        match known.and_then(|known| known.get(&name)) {
            Some(schema) => {
                if let Some(value) = fields.get_mut(&name) {
                    take(schema, value, path, taken);
                }
            }
            None => taken.extend(fields.remove(&name).map(|value| UnknownField {
                path: path.clone(),
                value,
            })),
        }
        path.pop();
    }
}

/// What in the spec and the status of a stored object this version of the API does not allow: types, choices and bounds.
pub fn misfits(kind: Kind, object: &Value) -> Vec<Violation> {
    let of = |part: &str| {
        let (Ok(schema), Some(value)) = (validation::part(kind, part), object.get(part)) else {
            return Vec::new();
        };
        let mut found = structure::check(schema, value);
        for violation in &mut found {
            let dot = if violation.field.is_empty() { "" } else { "." };
            violation.field = format!("{part}{dot}{}", violation.field);
        }
        found
    };
    of("spec").into_iter().chain(of("status")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScoringRunSpec, ScoringScheduleSpec};
    use serde_json::json;

    fn run() -> Value {
        json!({
            "metadata": {"name": "pumps"},
            "spec": {
                "model": {"location": "file:///m/{device}"},
                "input": {"location": "file:///i.csv", "columns": {"time": "TS", "keys": {"device": "D"}, "features": ["V"]}},
                "output": {"location": "file:///o/", "file": "{device}.csv"},
                "podTemplate": {"spec": {"anything": {"goes": 1}}},
            },
        })
    }

    #[test]
    fn what_a_newer_version_wrote_is_taken_out_and_named() {
        let mut object = run();
        object["spec"]["input"]["turbo"] = json!({"seconds": 60});
        object["spec"]["turbo"] = json!(true);
        let taken = take_unknown(Kind::ScoringRun, &mut object);
        let fields: Vec<_> = taken.iter().map(UnknownField::field).collect();
        assert_eq!(fields, ["spec.input.turbo", "spec.turbo"]);
        assert_eq!(object, run(), "nothing else is");
        serde_json::from_value::<ScoringRunSpec>(object["spec"].take()).unwrap();

        let mut schedule = json!({"spec": {"schedule": "@hourly", "runTemplate": {"spec": run()["spec"], "more": 1}, "calendar": "x"}});
        schedule["spec"]["runTemplate"]["spec"]["turbo"] = json!(true);
        let taken = take_unknown(Kind::ScoringSchedule, &mut schedule);
        let fields: Vec<_> = taken.iter().map(UnknownField::field).collect();
        assert_eq!(
            fields,
            [
                "spec.calendar",
                "spec.runTemplate.more",
                "spec.runTemplate.spec.turbo"
            ]
        );
        serde_json::from_value::<ScoringScheduleSpec>(schedule["spec"].take()).unwrap();
    }

    #[test]
    fn a_default_of_a_newer_definition_was_asked_for_by_nobody() {
        let mut object = run();
        object["spec"]["sharding"] = json!({"shape": "even"});
        let taken = take_unknown(Kind::ScoringRun, &mut object);
        let by = |operation: &str, fields: Value| {
            let metadata = json!({"managedFields": [{"operation": operation, "fieldsV1": fields}]});
            taken[0].is_applied(&metadata)
        };
        let sharding = |below: Value| json!({"f:spec": {"f:sharding": below}});
        assert!(!taken[0].is_applied(&Value::Null));
        assert!(!by("Apply", json!({"f:spec": {".": {}, "f:model": {}}})));
        assert!(!by(
            "Apply",
            sharding(json!({".": {}, "f:parallelism": {}}))
        ));
        assert!(by("Apply", sharding(json!({"f:shape": {}}))));
        assert!(by("Apply", sharding(json!({}))));
        // So the API server writes a default down for an object that is created.
        assert!(!by("Update", sharding(json!({"f:shape": {}}))));

        let last =
            |applied: Value| json!({"annotations": {LAST_APPLIED_ANNOTATION: applied.to_string()}});
        assert!(taken[0].is_applied(&last(json!({"spec": {"sharding": {"shape": "even"}}}))));
        assert!(!taken[0].is_applied(&last(json!({"spec": {"sharding": {}}}))));
        assert!(!taken[0].is_applied(&last(json!("no object"))));
    }

    #[test]
    fn what_does_not_fit_is_named_with_field_and_value() {
        let mut object = run();
        object["spec"]["ttlSecondsAfterFinished"] = json!(5_000_000_000_u64);
        object["spec"]["model"]["format"] = json!("Quantum");
        object["status"] = json!({"phase": "Dreaming"});
        let told: Vec<_> = misfits(Kind::ScoringRun, &object)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("spec.model.format: `Quantum` is not allowed"));
        assert_eq!(
            told[1],
            "spec.ttlSecondsAfterFinished: 5000000000 is too large; at most 2147483647"
        );
        assert!(told[2].starts_with("status.phase: `Dreaming` is not allowed"));
        assert_eq!(misfits(Kind::ScoringRun, &run()), []);
    }
}
