use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an event holds, and which parts of it make a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::event()))]
pub struct EventSpec {
    /// How an event's body is written. A body that is packed with gzip is unpacked first.
    #[serde(default)]
    pub format: EventFormat,
    /// The names of the columns of events in CSV that have no header line. With it no line is a header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 256)), extend("x-kubernetes-validations" = crate::rules::features()))]
    pub header: Vec<String>,
    /// The schema (JSON) of Avro events that do not bring their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65_536))]
    pub schema: Option<String>,
    /// The fields of a reading, by name: filter, expressions and columns speak of them.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 256, "x-kubernetes-validations" = crate::rules::field_names()))]
    pub fields: BTreeMap<String, Field>,
    /// Makes several readings of one: one for each of some fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpivot: Option<Unpivot>,
    /// Which field holds what.
    pub columns: EventColumns,
}

/// How an event's body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EventFormat {
    /// A JSON object, an array of objects, or an object a line.
    #[default]
    Json,
    /// Comma-separated values: with a header line in each event, or the columns of `header`.
    Csv,
    /// Avro: a file with its schema in each event, or records of `schema`.
    Avro,
}

/// A field of a reading: where it is in the event, or what it is reckoned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::field()))]
pub struct Field {
    /// Where it is: names joined by dots (`values[].temp`: one reading for each item of the list `values`), a column's name, or
    /// `@header.NAME`, `@enqueuedTime`, `@key`, `@partition`, `@offset`. Default: the field's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub path: Option<String>,
    /// What it is reckoned from: an expression in CEL over the fields with a path, such as `v * 0.0689476`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub expression: Option<String>,
    /// What it is.
    #[serde(default, rename = "type")]
    pub kind: FieldType,
}

/// What a field is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FieldType {
    /// Text.
    #[default]
    Text,
    /// A number of 64 bits.
    Number,
    /// A time, written as in `columns.time` of a run.
    Time,
    /// True or false.
    Boolean,
}

/// Makes one reading of each of the listed fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = crate::rules::unpivot()))]
pub struct Unpivot {
    /// The new field that holds the listed field's name.
    #[schemars(length(min = 1, max = 64))]
    pub key: String,
    /// The new field that holds its value.
    #[schemars(length(min = 1, max = 64))]
    pub value: String,
    /// The fields, all of type `Number`. One that an event lacks makes no reading.
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 64)), extend("x-kubernetes-validations" = crate::rules::features()))]
    pub fields: Vec<String>,
}

/// Which field holds what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventColumns {
    /// The field with the reading's time, of type `Time`.
    #[schemars(length(min = 1, max = 64))]
    pub time: String,
    /// Which field, of type `Text`, holds each key of the sensor, by key name.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 16, "additionalProperties" = crate::rules::short_text(), "x-kubernetes-validations" = crate::rules::key_names()))]
    pub keys: BTreeMap<String, String>,
    /// The fields with the features, of type `Number`. With `aggregates`: those that are aggregated.
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 64)), extend("x-kubernetes-validations" = crate::rules::features()))]
    pub features: Vec<String>,
    /// IANA time zone of times without an offset.
    #[serde(default = "utc")]
    #[schemars(length(max = 64), regex(pattern = "^[A-Za-z][A-Za-z0-9_+/-]*$"))]
    pub time_zone: String,
}

fn utc() -> String {
    "Etc/UTC".to_owned()
}
