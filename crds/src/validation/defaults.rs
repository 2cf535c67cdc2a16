use serde_json::Value;

/// Puts the defaults of `schema` into `value`, as the API server does before it looks at the rules: only into maps that are there.
pub fn fill(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let known = schema.get("properties").and_then(Value::as_object);
            for (name, schema) in known.into_iter().flatten() {
                match (fields.get_mut(name), schema.get("default")) {
                    (Some(value), _) => fill(schema, value),
                    (None, Some(default)) => {
                        fields.insert(name.clone(), default.clone());
                    }
                    (None, None) => {}
                }
            }
            if let Some(schema) = schema.get("additionalProperties") {
                fields.values_mut().for_each(|value| fill(schema, value));
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| fill(schema, item));
            }
        }
        _ => {}
    }
}
