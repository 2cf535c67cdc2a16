use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Decoders of all formats, with and without a list.
fn decoders() -> Vec<Decoder> {
    let nested = json!({
        "ts": {"path": "values[].t", "type": "Time"}, "tag": {"path": "d.tag"}, "v": {"path": "values[].v", "type": "Number"},
    });
    let mut raw = spec("Avro", &json!({}));
    raw.schema = Some(super::avro::SCHEMA.to_owned());
    [
        spec("Json", &json!({})),
        spec("Json", &nested),
        spec("Csv", &json!({})),
        spec("Avro", &json!({})),
        raw,
    ]
    .iter()
    .map(|spec| decoder(spec, Some("v > 0 || tag.startsWith('a')")))
    .collect()
}

fn whole_events() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"ts":1,"tag":"a\u00e9","v":1.5,"x":{"y":[1,2,{"z":null}]}}"#,
        r#"[{"ts":"2026-01-01T00:00:00Z","tag":"a","v":-1e5},{"ts":2,"tag":"b","v":2}]"#,
        "{\"ts\":1,\"tag\":\"a\",\"v\":1}\n{\"ts\":2,\"tag\":\"b\",\"v\":2}\n",
        r#"{"d":{"tag":"a"},"values":[{"t":1,"v":1},{"t":2,"v":"2"}]}"#,
        "ts,tag,v\n1,\"a\"\"b\",1.5\n2,b,2\n",
    ];
    let mut events: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    events.extend(super::avro::files());
    events
}

proptest! {
    /// Any bytes become outcomes, fewer than they are bytes.
    #[test]
    fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for mut decoder in decoders() {
            prop_assert!(of(&mut decoder, &body).len() <= body.len());
        }
    }

    #[test]
    fn damaged_events_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut body = which.get(&whole_events()).clone();
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if is_cut {
            body.truncate(cut.index(body.len()));
        }
        for mut decoder in decoders() {
            prop_assert!(of(&mut decoder, &body).len() <= body.len() + 1);
        }
    }

    /// Every item of a list is one outcome, and what it is does not hang on the others.
    #[test]
    fn every_item_is_one_outcome(items in prop::collection::vec(item(), 0..8)) {
        let mut flat = decoder(&spec("Json", &json!({})), Some("v > 0"));
        let alone: Vec<_> = items.iter().map(|item| {
            let mut found = of(&mut flat, json!([item]).to_string().as_bytes());
            assert_eq!(found.len(), 1);
            found.remove(0)
        }).collect();
        prop_assert_eq!(of(&mut flat, Value::from(items.clone()).to_string().as_bytes()), alone.clone());
        let lines: Vec<_> = items.iter().map(ToString::to_string).collect();
        if items.iter().all(Value::is_object) {
            prop_assert_eq!(of(&mut flat, lines.join("\n").as_bytes()), alone.clone());
        }
        let nested = json!({
            "ts": {"path": "l[].ts", "type": "Time"}, "tag": {"path": "l[].tag"}, "v": {"path": "l[].v", "type": "Number"},
        });
        let mut nested = decoder(&spec("Json", &nested), Some("v > 0"));
        prop_assert_eq!(of(&mut nested, json!({"l": items}).to_string().as_bytes()), alone);
    }

    /// What a reading holds is what a parser that makes a tree finds.
    #[test]
    fn readings_are_as_a_tree_has_them(items in prop::collection::vec(item(), 1..8)) {
        let mut flat = decoder(&spec("Json", &json!({})), None);
        let found = of(&mut flat, Value::from(items.clone()).to_string().as_bytes());
        for (item, outcome) in items.iter().zip(found) {
            let (ts, tag, v) = (item.get("ts"), item.get("tag"), item.get("v"));
            if let (Some(ts), Some(tag), Some(v)) = (ts.and_then(Value::as_i64), tag.and_then(Value::as_str), v.and_then(Value::as_f64)) {
                prop_assert_eq!(outcome, is(ts, tag, v));
            } else {
                let is_whole = matches!(&outcome, Outcome::Reading(_, _, _, Ok(_)));
                prop_assert!(!is_whole || tag.is_some_and(|tag| tag.is_number() || tag.is_boolean()), "{} is {:?}", item, outcome);
            }
        }
    }
}

/// An item of a list: mostly an object with the wanted members, in any order, some of them wrong or missing.
fn item() -> impl Strategy<Value = Value> {
    let odd = || {
        prop_oneof![
            Just(Value::Null),
            Just(json!([1])),
            Just(json!({"ts": 1})),
            Just(json!("x\"y")),
            Just(json!(true))
        ]
    };
    let ts = prop_oneof![8 => (0_i64..2_000_000_000).prop_map(Value::from), 1 => odd()];
    let tag = prop_oneof![8 => ".{0,6}".prop_map(Value::from), 1 => odd(), 1 => Just(json!(5))];
    let v = prop_oneof![8 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Value::from), 1 => odd()];
    let member = |name: &'static str, value: BoxedStrategy<Value>| {
        prop::option::weighted(0.9, value)
            .prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let object = (
        member("ts", ts.boxed()),
        member("tag", tag.boxed()),
        member("v", v.boxed()),
        member("x", odd().boxed()),
    )
        .prop_map(|(ts, tag, v, x)| Value::Object([x, v, tag, ts].into_iter().flatten().collect()));
    prop_oneof![9 => object, 1 => odd()]
}
