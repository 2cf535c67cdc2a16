//! The field reference in `docs/reference`, written from a custom resource definition.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::Kind;

/// The reference page of `kind` in Markdown, from its custom resource definition.
pub fn reference(kind: Kind, definition: &Value) -> String {
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut page = format!(
        "# {kind:?}\n\nGenerated from the types; the rules are what the API server and `fleetscore` check.\n"
    );
    for part in ["spec", "status"] {
        let mut rows = Rows::default();
        rows.walk(&schema["properties"][part], part, false);
        let _ = write!(
            page,
            "\n## {part}\n\n| field | type | default | meaning |\n|---|---|---|---|\n{}",
            rows.fields
        );
        if part == "spec" {
            rows.rules(schema, "");
            let _ = write!(
                page,
                "\n## Rules\n\n| field | rule |\n|---|---|\n{}",
                rows.rules
            );
        }
    }
    page
}

/// The rows of the two tables.
#[derive(Default)]
struct Rows {
    fields: String,
    rules: String,
}

impl Rows {
    fn walk(&mut self, schema: &Value, path: &str, required: bool) {
        if path.contains('.') {
            self.field(schema, path, required);
        }
        self.rules(schema, path);
        if path == "spec.runTemplate.spec" {
            return;
        }
        let names = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>();
        for (name, child) in schema["properties"].as_object().into_iter().flatten() {
            self.walk(
                child,
                &format!("{path}.{name}"),
                names.contains(&name.as_str()),
            );
        }
        match &schema["items"] {
            Value::Object(item) if item.contains_key("properties") => {
                self.walk(&schema["items"], &format!("{path}[]"), false);
            }
            item => self.rules(item, &format!("{path}[]")),
        }
        if schema["additionalProperties"]["properties"].is_object() {
            self.walk(
                &schema["additionalProperties"],
                &format!("{path}.NAME"),
                false,
            );
        }
    }

    fn field(&mut self, schema: &Value, path: &str, required: bool) {
        let default = match schema.get("default") {
            Some(default) if scalar(default) => format!(
                "`{}`",
                default
                    .as_str()
                    .map_or_else(|| default.to_string(), str::to_owned)
            ),
            _ if required => "required".to_owned(),
            _ => String::new(),
        };
        let meaning = schema["description"]
            .as_str()
            .unwrap_or_default()
            .replace('|', "\\|")
            .replace('\n', "<br>");
        let bounds = schema.as_object().map(bounds).unwrap_or_default();
        let _ = writeln!(
            self.fields,
            "| `{path}` | {}{bounds} | {default} | {meaning} |",
            type_of(schema)
        );
    }

    fn rules(&mut self, schema: &Value, path: &str) {
        for rule in schema["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let below = rule["fieldPath"].as_str().unwrap_or_default();
            let field = format!("{path}{below}");
            let message = rule["message"]
                .as_str()
                .unwrap_or_default()
                .replace('|', "\\|");
            let _ = writeln!(
                self.rules,
                "| `{}` | {message} |",
                field.trim_start_matches('.')
            );
        }
    }
}

fn scalar(value: &Value) -> bool {
    value.is_string() && value != "" || value.is_number() || value.is_boolean()
}

fn type_of(schema: &Value) -> String {
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return "integer or text".to_owned();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some("string"), _) if schema.get("enum").is_some() => "choice".to_owned(),
        (Some("string"), _) => "text".to_owned(),
        (Some("array"), _) => format!("list of {}", type_of(&schema["items"])),
        (Some("object"), _) if schema.get("additionalProperties").is_some() => {
            format!("map to {}", type_of(&schema["additionalProperties"]))
        }
        (Some(other), _) => other.to_owned(),
        (None, _) => "any".to_owned(),
    }
}

fn bounds(schema: &Map<String, Value>) -> String {
    let bound = |names: [&str; 3]| {
        names
            .iter()
            .find_map(|name| schema.get(*name))
            .map(Value::to_string)
    };
    match (
        bound(["minimum", "minLength", "minItems"]),
        bound(["maximum", "maxLength", "maxItems"]),
    ) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) if least != "0" => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        _ => String::new(),
    }
}
