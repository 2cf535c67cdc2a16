use serde_json::json;

use super::*;
use crate::Reason::{BadNumber, BadPayload, BadText, BadTime, FieldMissing, KeyTooLong, NotFinite};

fn bad_feature(time: i64, key: &str, reason: Reason) -> Outcome {
    Outcome::Reading(
        time,
        vec![key.to_owned()],
        true,
        Err((reason, "v".to_owned())),
    )
}

#[test]
fn an_event_is_an_object_a_list_or_lines() {
    let mut flat = decoder(&spec("Json", &json!({})), None);
    let (a, b) = (is(1, "a", 1.5), is(2, "b", -2.0));
    let bad = || refused(BadPayload, "");
    for (body, expected) in [
        (r#"{"ts": 1, "tag": "a", "v": 1.5}"#, vec![a.clone()]),
        (
            "\u{feff} {\"v\":1.5,\n \"x\":{\"v\":9},\n \"ts\":1,\"tag\":\"a\"}\r\n",
            vec![a.clone()],
        ),
        (
            r#"[{"ts":1,"tag":"a","v":1.5},{"ts":2,"tag":"b","v":-2}]"#,
            vec![a.clone(), b.clone()],
        ),
        (
            "{\"ts\":1,\"tag\":\"a\",\"v\":1.5}\r\n\r\n{\"ts\":2,\"tag\":\"b\",\"v\":-2}\r\n",
            vec![a.clone(), b.clone()],
        ),
        // Nothing in it.
        ("", vec![]),
        (" \n", vec![]),
        ("null", vec![]),
        ("[]", vec![]),
        ("[ ]", vec![]),
        // One bad item or line, the others are read.
        (
            r#"[{"ts":1,"tag":"a","v":1.5},5,{"ts":2,"tag":"b","v":-2}]"#,
            vec![a.clone(), refused(FieldMissing, "ts"), b.clone()],
        ),
        (
            r#"[null,{"ts":1,"tag":"a","v":1.5}]"#,
            vec![refused(FieldMissing, "ts"), a.clone()],
        ),
        (
            "{\"ts\":1,\"tag\":\"a\",\"v\":1.5}\n{\"ts\":2,\"ta\n{\"ts\":2,\"tag\":\"b\",\"v\":-2}",
            vec![a.clone(), bad(), b.clone()],
        ),
        (
            "garbage\n{\"ts\":1,\"tag\":\"a\",\"v\":1.5}",
            vec![bad(), a.clone()],
        ),
        (
            "{\"ts\":1,\"tag\":\"a\",\"v\":1.5}\n{\"ts\":2,\"tag\":\"b\",\"v\":NaN}",
            vec![a.clone(), bad()],
        ),
        // An envelope that cannot be parsed is one.
        (r#"[{"ts":1,"tag":"a","v":1.5},{"ts":2"#, vec![bad()]),
        (r#"[{"ts":1,"tag":"a","v":1.5},]"#, vec![bad()]),
        ("{\n\"ts\":1,\n\"tag\":\"a\",\n\"v\":1.5\n", vec![bad()]),
        (
            "[\n{\"ts\":1,\"tag\":\"a\",\"v\":1.5},\n{\"ts\":2,\"tag\":\"b\",\"v\":-2}\n",
            vec![bad()],
        ),
        (r#"{"ts":1,"tag":"a","v":1.5"#, vec![bad()]),
        (r#"{"ts":1,"tag":"a","v":1.5}}"#, vec![bad()]),
        (r#"{"ts":1,"tag":"a","v":1.5}{"ts":2}"#, vec![bad()]),
        (r#"{"ts":1,"tag":"a","v":NaN}"#, vec![bad()]),
        (r#"{"ts":1,"tag":"a","v":Infinity}"#, vec![bad()]),
        (r#"{"ts":1,"tag":"a","v":007}"#, vec![bad()]),
        ("{'ts':1}", vec![bad()]),
        ("nonsense", vec![bad()]),
        // What is no object has no fields.
        ("5", vec![refused(FieldMissing, "ts")]),
        ("\"text\"", vec![refused(FieldMissing, "ts")]),
        ("{}", vec![refused(FieldMissing, "ts")]),
    ] {
        assert_eq!(of(&mut flat, body.as_bytes()), expected, "{body}");
    }
    assert_eq!(
        of(&mut flat, b"{\"ts\":1,\"tag\":\"\xff\",\"v\":1}"),
        vec![bad()]
    );
    let no_body = Record {
        body: None,
        ..Record::default()
    };
    assert_eq!(outcomes(&mut flat, &no_body), vec![]);
}

/// Each payload makes this one outcome.
fn each(cases: Vec<(&str, Outcome)>) {
    let mut flat = decoder(&spec("Json", &json!({})), None);
    for (body, expected) in cases {
        assert_eq!(of(&mut flat, body.as_bytes()), vec![expected], "{body}");
    }
}

#[test]
fn numbers_are_decimal_and_finite() {
    each(vec![
        (r#"{"ts":1,"tag":"a","v":"1.5"}"#, is(1, "a", 1.5)),
        (r#"{"ts":1,"tag":"a","v":" -1.5e3 "}"#, is(1, "a", -1500.0)),
        (
            r#"{"ts":1,"tag":"a","v":1e999}"#,
            bad_feature(1, "a", NotFinite),
        ),
        (
            r#"{"ts":1,"tag":"a","v":"1e999"}"#,
            bad_feature(1, "a", NotFinite),
        ),
        (
            r#"{"ts":1,"tag":"a","v":"NaN"}"#,
            bad_feature(1, "a", NotFinite),
        ),
        (
            r#"{"ts":1,"tag":"a","v":"-Infinity"}"#,
            bad_feature(1, "a", NotFinite),
        ),
        (
            r#"{"ts":1,"tag":"a","v":"ten"}"#,
            bad_feature(1, "a", BadNumber),
        ),
        (
            r#"{"ts":1,"tag":"a","v":""}"#,
            bad_feature(1, "a", BadNumber),
        ),
        (
            r#"{"ts":1,"tag":"a","v":true}"#,
            bad_feature(1, "a", BadNumber),
        ),
        (
            r#"{"ts":1,"tag":"a","v":[1]}"#,
            bad_feature(1, "a", BadNumber),
        ),
        (
            r#"{"ts":1,"tag":"a","v":null}"#,
            bad_feature(1, "a", FieldMissing),
        ),
        (r#"{"ts":1,"tag":"a"}"#, bad_feature(1, "a", FieldMissing)),
        (
            r#"{"ts":1,"tag":"a","v":12345678901234567890123}"#,
            is(1, "a", 12_345_678_901_234_567_890_123.0),
        ),
        (r#"{"ts":1,"tag":"a","v":-0.1}"#, is(1, "a", -0.1)),
        (r#"{"ts":1,"tag":"a","v":1,"v":2}"#, is(1, "a", 2.0)),
        (
            r#"{"ts":1,"tag":"a","v":1,"v":null}"#,
            bad_feature(1, "a", FieldMissing),
        ),
        (r#"{"ts":1,"tag":"a","\u0076":3}"#, is(1, "a", 3.0)),
    ]);
}

#[test]
fn numbers_and_booleans_as_texts_are_their_literals() {
    each(vec![
        (r#"{"ts":1,"tag":1.50,"v":1}"#, is(1, "1.50", 1.0)),
        (
            r#"{"ts":1,"tag":12345678901234567890123,"v":1}"#,
            is(1, "12345678901234567890123", 1.0),
        ),
        (r#"{"ts":1,"tag":1E5,"v":1}"#, is(1, "1E5", 1.0)),
        (r#"{"ts":1,"tag":false,"v":1}"#, is(1, "false", 1.0)),
        (
            r#"{"ts":1,"tag":"a\"\u00e9\ud83d\ude00\n","v":1}"#,
            is(1, "a\"é😀\n", 1.0),
        ),
        (r#"{"ts":1,"tag":" 007 ","v":1}"#, is(1, " 007 ", 1.0)),
        (r#"{"ts":1,"tag":"","v":1}"#, is(1, "", 1.0)),
        (r#"{"ts":1,"tag":{"x":1},"v":1}"#, refused(BadText, "tag")),
        (r#"{"ts":1,"tag":["a"],"v":1}"#, refused(BadText, "tag")),
        (r#"{"ts":1,"tag":"\ud83d","v":1}"#, refused(BadText, "tag")),
        (r#"{"ts":1,"tag":null,"v":1}"#, refused(FieldMissing, "tag")),
        (r#"{"ts":1,"v":1}"#, refused(FieldMissing, "tag")),
    ]);
}

#[test]
fn times_are_those_of_runs() {
    each(vec![
        (
            r#"{"ts":"1970-01-01T00:00:07Z","tag":"a","v":1}"#,
            is(7, "a", 1.0),
        ),
        (
            r#"{"ts":"1970-01-01 02:00:07+02:00","tag":"a","v":1}"#,
            is(7, "a", 1.0),
        ),
        (
            r#"{"ts":1700000000,"tag":"a","v":1}"#,
            is(1_700_000_000, "a", 1.0),
        ),
        (
            r#"{"ts":1700000000123,"tag":"a","v":1}"#,
            is(1_700_000_000, "a", 1.0),
        ),
        (
            r#"{"ts":1700000000123456,"tag":"a","v":1}"#,
            is(1_700_000_000, "a", 1.0),
        ),
        (
            r#"{"ts":1700000000123456789,"tag":"a","v":1}"#,
            is(1_700_000_000, "a", 1.0),
        ),
        (
            r#"{"ts":"1700000000","tag":"a","v":1}"#,
            is(1_700_000_000, "a", 1.0),
        ),
        (
            r#"{"ts":1700000000.5,"tag":"a","v":1}"#,
            is(1_700_000_000, "a", 1.0),
        ),
        (
            r#"{"ts":"1/2/2020","tag":"a","v":1}"#,
            refused(BadTime, "ts"),
        ),
        (r#"{"ts":true,"tag":"a","v":1}"#, refused(BadTime, "ts")),
        (r#"{"ts":1e300,"tag":"a","v":1}"#, refused(BadTime, "ts")),
        (r#"{"ts":null,"tag":null}"#, refused(FieldMissing, "ts")),
    ]);
}

#[test]
fn keys_have_a_bound() {
    let mut flat = decoder(&spec("Json", &json!({})), None);
    let key = |length: usize| format!(r#"{{"ts":1,"v":1,"tag":"{}"}}"#, "k".repeat(length));
    assert_eq!(
        of(&mut flat, key(256).as_bytes()),
        vec![is(1, &"k".repeat(256), 1.0)]
    );
    assert_eq!(
        of(&mut flat, key(257).as_bytes()),
        vec![refused(KeyTooLong, "tag")]
    );
}

#[test]
fn refusals_show_the_value() {
    let mut flat = decoder(&spec("Json", &json!({})), None);
    for (body, text) in [
        (r#"{"ts":"noon","tag":"a","v":1}"#, "BadTime: noon"),
        (r#"{"ts":1,"tag":{"x": 1},"v":1}"#, "BadText: {\"x\": 1}"),
        (r#"{"ts":1,"tag":"a","v":"n/a"}"#, "BadNumber: n/a"),
        (r#"{"ts":1,"tag":"a","v":1e999}"#, "NotFinite: 1e999"),
        (
            r#"{"ts":1,"tag":"a","v":x}"#,
            "BadPayload: expected value at line 1 column 23",
        ),
    ] {
        assert_eq!(why(&mut flat, body.as_bytes()), text);
    }
    let lines = "{\"ts\":1,\"tag\":\"a\",\"v\":1}\n\n{\"ts\":1\n";
    let mut last = String::new();
    flat.decode(&record(lines.as_bytes()), &mut |outcome| {
        last = outcome.map_or_else(
            |refusal| refusal.value.unwrap_or_default(),
            |_| String::new(),
        );
    });
    assert!(last.starts_with("line 3: EOF"), "{last}");
}

#[test]
fn paths_lead_into_objects_and_one_list() {
    let fields = json!({
        "ts": {"path": "body.values[].t", "type": "Time"}, "tag": {"path": "body.dev.id"},
        "v": {"path": "body.values[].m.v", "type": "Number"},
    });
    let mut nested = decoder(&spec("Json", &fields), None);
    for (body, expected) in [
        (
            r#"{"body":{"values":[{"t":1,"m":{"v":1}},{"m":{"v":2,"v2":0},"t":2}],"dev":{"id":"a"}},"values":[1]}"#,
            vec![is(1, "a", 1.0), is(2, "a", 2.0)],
        ),
        (
            r#"[{"body":{"dev":{"id":"a"},"values":[{"t":1,"m":{"v":1}}]}},{"body":{"values":[{"t":2}]}}]"#,
            vec![is(1, "a", 1.0), refused(FieldMissing, "tag")],
        ),
        (r#"{"body":{"dev":{"id":"a"},"values":[]}}"#, vec![]),
        (
            r#"[{"body":{"dev":{"id":"a"},"values":[]}},{"body":{"dev":{"id":"b"},"values":[{"t":1,"m":{"v":4}}]}}]"#,
            vec![is(1, "b", 4.0)],
        ),
        (
            r#"{"body":{"dev":{"id":"a"},"values":[5,{"t":1,"m":{"v":1}},{"t":2}]}}"#,
            vec![
                refused(FieldMissing, "ts"),
                is(1, "a", 1.0),
                bad_feature(2, "a", FieldMissing),
            ],
        ),
        // No list.
        (
            r#"{"body":{"dev":{"id":"a"},"values":{"t":1}}}"#,
            vec![refused(FieldMissing, "ts")],
        ),
        (
            r#"{"body":{"dev":{"id":"a"},"values":null}}"#,
            vec![refused(FieldMissing, "ts")],
        ),
        (
            r#"{"body":{"dev":{"id":"a"}}}"#,
            vec![refused(FieldMissing, "ts")],
        ),
        (
            r#"{"body":[{"values":[{"t":1}]}]}"#,
            vec![refused(FieldMissing, "ts")],
        ),
        // Of a name that comes twice the last counts, with all that is in it.
        (
            r#"{"body":{"dev":{"id":"x"},"values":[{"t":9}]},"body":{"dev":{"id":"a"},"values":[{"t":1,"m":{"v":7},"m":{"v":1}}]}}"#,
            vec![is(1, "a", 1.0)],
        ),
        (
            r#"{"body":{"dev":{"id":"x"},"values":[{"t":9}]},"body":{"dev":{"id":"a"}}}"#,
            vec![refused(FieldMissing, "ts")],
        ),
        (
            r#"{"body":{"dev":{"id":"x"},"dev":5,"values":[{"t":1,"m":{"v":1}}]}}"#,
            vec![refused(FieldMissing, "tag")],
        ),
    ] {
        assert_eq!(of(&mut nested, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn items_may_be_values() {
    let fields = json!({"v": {"path": "vs[]", "type": "Number"}});
    let mut list = decoder(&spec("Json", &fields), None);
    let body = br#"{"vs":[1,"2",{}],"ts":5,"tag":"a"}"#;
    assert_eq!(
        of(&mut list, body),
        vec![
            is(5, "a", 1.0),
            is(5, "a", 2.0),
            bad_feature(5, "a", BadNumber)
        ]
    );
}

#[test]
fn deep_events_are_refused_and_long_ones_are_read() {
    let mut flat = decoder(&spec("Json", &json!({})), None);
    let deep = |depth: usize| {
        let inner = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
        format!(r#"{{"x":{inner},"s":"[[[[","ts":1,"tag":"a","v":1}}"#)
    };
    assert_eq!(of(&mut flat, deep(64).as_bytes()), vec![is(1, "a", 1.0)]);
    assert!(why(&mut flat, deep(65).as_bytes()).contains("deep"));
    assert!(why(&mut flat, "[".repeat(1 << 20).as_bytes()).contains("deep"));
    assert!(why(&mut flat, r#"{"x":"#.repeat(100_000).as_bytes()).contains("deep"));
    let item = r#"{"ts":1,"tag":"a","v":1}"#;
    let bomb = format!("{item}\n{}\n{item}", deep(1000));
    assert_eq!(
        of(&mut flat, bomb.as_bytes()),
        vec![is(1, "a", 1.0), refused(BadPayload, ""), is(1, "a", 1.0)]
    );
    let megabyte = format!("[{}]", vec![item; 40_000].join(","));
    assert_eq!(of(&mut flat, megabyte.as_bytes()).len(), 40_000);
    let megabyte = format!(
        r#"{{"ts":1,"x":"{}","tag":"a","v":1}}"#,
        "x".repeat(1 << 20)
    );
    assert_eq!(of(&mut flat, megabyte.as_bytes()), vec![is(1, "a", 1.0)]);
}

#[test]
fn many_fields_are_found() {
    let mut fields = json!({});
    for number in 0..40 {
        fields[format!("f{number}")] = json!({"type": "Number"});
    }
    let mut wide = spec("Json", &fields);
    wide.columns.features = (0..40).map(|number| format!("f{number}")).collect();
    let mut body = json!({"ts": 1, "tag": "a", "f": 0, "f40": 0});
    for number in (0..40).rev() {
        body[format!("f{number}")] = json!(number);
    }
    let features = (0..40).map(f64::from).collect();
    let expected = Outcome::Reading(1, vec!["a".to_owned()], true, Ok(features));
    assert_eq!(
        of(&mut decoder(&wide, None), body.to_string().as_bytes()),
        vec![expected]
    );
}

proptest::proptest! {
    /// How deep a text is, told by counting.
    #[test]
    fn depth_is_told_for_any_length(depth in 1_usize..130, pad in 0_usize..600) {
        let body = format!(
            r#"{{"pad":"{}","x":{}{},"ts":1,"tag":"a","v":1}}"#, "[{\\\"".repeat(pad), "[".repeat(depth), "]".repeat(depth)
        );
        let mut flat = decoder(&spec("Json", &json!({})), None);
        let expected = if depth < 64 { is(1, "a", 1.0) } else { refused(BadPayload, "") };
        proptest::prop_assert_eq!(of(&mut flat, body.as_bytes()), vec![expected]);
    }
}
