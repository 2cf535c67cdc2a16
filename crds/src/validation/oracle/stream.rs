//! Fields of a `ReadingStream`, and values for them.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{location, of_length, one_of, text, time};

/// Maps that are taken out as a whole.
pub(super) const MAPS: &[&str] = &[
    "window",
    "deadLetter",
    "source.eventHub",
    "source.kafka",
    "source.kafka.sasl",
];

/// Names of fields of an event, and of what is no field.
const FIELDS: &[&str] = &[
    "ts", "device", "tag", "v", "w", "x", "in", "1x", "a-b", "", "é",
];

fn field_name() -> BoxedStrategy<Value> {
    prop_oneof![
        8 => select(FIELDS).prop_map(str::to_owned),
        1 => of_length("v", &[1, 64, 65]),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn names(most: usize) -> BoxedStrategy<Value> {
    vec(select(FIELDS), 1..most)
        .prop_map(|names| json!(names))
        .boxed()
}

fn path() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &[
        "values", "value", "[]", ".", "[].", "v", "@header.", "@", "key", "é", " ",
    ];
    prop_oneof![
        text(PARTS).prop_map(|path| format!("v{path}")),
        text(PARTS),
        select(&["@key", "@offset", "@header.x", "values[].v", "ts", "v"][..])
            .prop_map(str::to_owned),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn field() -> BoxedStrategy<Value> {
    const TYPES: &[&str] = &["Text", "Number", "Time", "Boolean"];
    (
        proptest::option::weighted(0.4, path()),
        proptest::bool::weighted(0.1),
        proptest::option::of(select(TYPES)),
    )
        .prop_map(|(path, expression, kind)| {
            let mut field = json!({ "path": path, "type": kind });
            if expression {
                field["expression"] = json!("v * 2.0");
            }
            field
        })
        .boxed()
}

fn keys_of_stream() -> BoxedStrategy<Value> {
    const NAMES: &[&str] = &["device", "tag", "Time", "v", "run", "1x"];
    btree_map(select(NAMES), select(FIELDS), 1..4)
        .prop_map(|map| json!(map))
        .boxed()
}

fn aggregates() -> BoxedStrategy<Value> {
    let one = (
        select(&["Value", "Time", "device", "v", "Other"][..]),
        select(FIELDS),
    );
    vec(one, 1..4)
        .prop_map(|list| {
            list.iter()
                .map(|(column, of)| json!({ "column": column, "of": of }))
                .collect()
        })
        .boxed()
}

pub(super) fn start_at() -> BoxedStrategy<Value> {
    // Days that are in the calendar: what stands beside them is told by the API server in other words.
    const PARTS: &[&str] = &[
        "2026-11-28",
        "T",
        "09:00:00",
        ".5",
        "Z",
        "+01:00",
        "+1:00",
        "-00:00",
        "t",
        " ",
        "24:00:00",
        "2026-13-01",
        ".",
    ];
    prop_oneof![
        time(),
        text(PARTS).prop_map(Value::from),
        text(PARTS).prop_map(|rest| json!(format!("2026-11-28T09:00:00{rest}"))),
        one_of(&["Latest", "Earliest", "latest", ""]),
    ]
    .boxed()
}

fn server() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &[
        "localhost",
        "127.",
        "0.0.1",
        "[::1]",
        "broker",
        ":",
        "9092",
        "é",
        ".",
        "/",
    ];
    prop_oneof![
        text(PARTS),
        text(PARTS).prop_map(|host| format!("{host}:9092")),
        select(&["localhost:9092", "127.0.0.1:1", "[::1]:9", "b:9"][..]).prop_map(str::to_owned),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn seconds(values: &'static [u32]) -> BoxedStrategy<Value> {
    select(values).prop_map(Value::from).boxed()
}

/// Fields of a stream's spec, and values for them.
pub(super) fn of_spec() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let secret = || Just(json!({"name": "key"})).boxed();
    vec![
        (
            "source.eventHub.auth",
            one_of(&["Secret", "ManagedIdentity"]),
        ),
        ("source.eventHub.secretRef", secret()),
        (
            "source.kafka",
            Just(json!({"bootstrapServers": ["localhost:1"], "topic": "t"})).boxed(),
        ),
        (
            "source.kafka.bootstrapServers",
            vec(server(), 1..3).prop_map(Value::from).boxed(),
        ),
        ("source.kafka.topic", one_of(&["t", "a b"])),
        (
            "source.kafka.tls",
            any::<bool>().prop_map(Value::from).boxed(),
        ),
        (
            "source.kafka.sasl.mechanism",
            one_of(&["Plain", "ScramSha256", "OAuthBearer"]),
        ),
        ("source.kafka.sasl.secretRef", secret()),
        ("source.kafka.sasl.scope", one_of(&["api://kafka"])),
        ("source.startAt", start_at()),
        ("event.format", one_of(&["Json", "Csv", "Avro"])),
        ("event.header", names(6)),
        ("event.schema", one_of(&["{}"])),
        ("event.fields.ts", field()),
        ("event.fields.tag", field()),
        ("event.fields.v", field()),
        ("event.fields.w", field()),
        ("event.fields.x", field()),
        ("event.fields.in", field()),
        (
            "event.unpivot",
            Just(json!({"key": "x", "value": "w", "fields": ["v"]})).boxed(),
        ),
        ("event.unpivot.key", field_name()),
        ("event.unpivot.value", field_name()),
        ("event.unpivot.fields", names(4)),
        ("event.columns.time", field_name()),
        ("event.columns.keys", keys_of_stream()),
        ("event.columns.features", names(4)),
        ("window.sizeSeconds", seconds(&[1, 7, 60, 90, 3600, 7200])),
        ("window.hopSeconds", seconds(&[1, 7, 30, 60, 3600])),
        ("aggregates", aggregates()),
        ("output.location", location()),
        (
            "output.segmentSeconds",
            seconds(&[60, 61, 90, 420, 900, 3600, 86_400]),
        ),
        (
            "output.timeColumn",
            one_of(&["Time", "Value", "device", "v"]),
        ),
        ("deadLetter.location", location()),
        ("replicas", seconds(&[0, 1, 2])),
    ]
}
