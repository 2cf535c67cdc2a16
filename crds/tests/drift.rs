//! The committed definitions and their reference are what the types say. To renew them:
//! `cargo run -p fleetscore-crds --features kube --example crdgen`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

use fleetscore_crds::{
    Kind, RELEASE_ANNOTATION, SCHEMA_ANNOTATION, bare_schema, definition, reference, schema_digest,
};
use serde_json::Value;

fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name(kind: Kind) -> String {
    format!("{kind:?}").to_lowercase()
}

#[test]
fn definitions_are_current() {
    for kind in Kind::ALL {
        let yaml = committed(&format!("yaml/{}s.yaml", name(kind)));
        assert_eq!(
            yaml,
            serde_saphyr::to_string(&definition(kind).unwrap()).unwrap(),
            "{kind:?}: run the example crdgen"
        );
        assert!(
            yaml.len() < 200_000,
            "kubectl apply keeps a copy in an annotation of at most 256 KiB"
        );
    }
}

#[test]
fn schemas_are_current() {
    for kind in Kind::ALL {
        let committed = committed(&format!("schemas/{}.json", name(kind)));
        assert_eq!(
            committed.trim_end(),
            bare_schema(&definition(kind).unwrap()).to_string(),
            "{kind:?}: run the example crdgen"
        );
    }
}

#[test]
fn reference_is_current() {
    for kind in Kind::ALL {
        let page = committed(&format!("../docs/reference/{}.md", name(kind)));
        assert_eq!(
            page,
            reference(kind, &definition(kind).unwrap()),
            "{kind:?}: run the example crdgen"
        );
    }
}

/// What the API server demands of a structural schema, and what it would warn of.
#[test]
fn schemas_are_structural() {
    for kind in Kind::ALL {
        let definition = definition(kind).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        structural(schema, "");
    }
}

fn structural(schema: &Value, path: &str) {
    let node = schema
        .as_object()
        .unwrap_or_else(|| panic!("{path}: not a schema: {schema}"));
    let typed = node.contains_key("type") || node.contains_key("x-kubernetes-int-or-string");
    assert!(typed, "{path}: no type");
    for keyword in [
        "$ref",
        "$defs",
        "oneOf",
        "anyOf",
        "allOf",
        "not",
        "const",
        "uniqueItems",
        "nullable",
        "title",
    ] {
        assert!(!node.contains_key(keyword), "{path}: {keyword}");
    }
    assert!(
        !(node.contains_key("properties") && node.contains_key("additionalProperties")),
        "{path}: both kinds of fields"
    );
    assert_ne!(
        node.get("additionalProperties"),
        Some(&Value::Bool(false)),
        "{path}"
    );
    if let Some(format) = node.get("format").and_then(Value::as_str) {
        assert!(
            ["int32", "int64", "double", "date-time"].contains(&format),
            "{path}: format {format}"
        );
    }
    if path.starts_with(".spec") {
        assert!(
            node.get("description").is_some() || path.ends_with("[]"),
            "{path}: no description"
        );
    }
    for rule in node
        .get("x-kubernetes-validations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let message = rule["message"].as_str().unwrap_or_default();
        assert!(
            !message.is_empty() && !message.contains('\n'),
            "{path}: a rule needs a message of one line"
        );
        let below = rule["fieldPath"]
            .as_str()
            .unwrap_or_default()
            .replace('.', "/properties/");
        assert!(
            schema.pointer(&below).is_some(),
            "{path}: {below} does not exist"
        );
    }
    for (name, child) in node
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        structural(child, &format!("{path}.{name}"));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = node.get(key) {
            structural(child, &format!("{path}[]"));
        }
    }
}

/// An integer that the API server takes and a type cannot hold makes the whole object unreadable; a text, list or map without a bound
/// makes rules about it too dear.
#[test]
fn everything_has_bounds() {
    for kind in Kind::ALL {
        let definition = definition(kind).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let mut integers = 0;
        for part in ["spec", "status"] {
            bounded(&schema["properties"][part], part, &mut integers);
        }
        assert!(integers > 10, "{kind:?}: {integers}");
    }
}

fn bounded(schema: &Value, path: &str, integers: &mut usize) {
    let has = |key: &str| schema.get(key).is_some();
    let kind = schema["type"].as_str().unwrap_or("integer");
    match kind {
        "integer" => {
            let bound = |name: &str| {
                schema[name]
                    .as_i64()
                    .unwrap_or_else(|| panic!("{path}: an integer without {name}"))
            };
            assert!(
                bound("minimum") >= 0 && bound("maximum") < 1 << 53,
                "{path}"
            );
            *integers += 1;
        }
        "string" => assert!(
            has("maxLength") || has("enum") || schema["format"] == "date-time",
            "{path}: a text without maxLength"
        ),
        "array" => assert!(has("maxItems"), "{path}: a list without maxItems"),
        "object" if has("additionalProperties") => {
            assert!(has("maxProperties"), "{path}: a map without maxProperties");
        }
        _ => {}
    }
    let fields = schema["properties"].as_object();
    for (name, child) in fields.into_iter().flatten() {
        bounded(child, &format!("{path}.{name}"), integers);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = schema.get(key) {
            bounded(child, &format!("{path}[]"), integers);
        }
    }
}

/// What an operator compares to tell whether a cluster's definitions are its own.
#[test]
fn definitions_name_their_release_and_schema() {
    for kind in Kind::ALL {
        let annotations = &definition(kind).unwrap()["metadata"]["annotations"];
        assert_eq!(annotations[RELEASE_ANNOTATION], env!("CARGO_PKG_VERSION"));
        assert_eq!(annotations[SCHEMA_ANNOTATION], schema_digest(kind));
    }
}
