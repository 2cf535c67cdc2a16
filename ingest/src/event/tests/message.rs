use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;
use crate::Reason::{BadNumber, BadText, FieldMissing, NotFinite};

const EVENT: &[u8] = br#"{"ts":1,"tag":"a","v":1.5}"#;

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_payloads_are_unpacked_up_to_a_bound() {
    let mut flat = decoder(&spec("Json", &json!({})), None);
    assert_eq!(of(&mut flat, &packed(EVENT)), vec![is(1, "a", 1.5)]);
    let members = [
        packed(b"{\"ts\":1,\"tag\":"),
        packed(b"\"a\",\"v\":1.5}"),
        vec![0; 7],
    ]
    .concat();
    assert_eq!(of(&mut flat, &members), vec![is(1, "a", 1.5)]);
    assert_eq!(of(&mut flat, &packed(b"")), vec![]);
    let whole = packed(EVENT);
    for cut in 3..whole.len() {
        assert!(
            why(&mut flat, &whole[..cut]).starts_with("BadPayload: the gzip stream"),
            "{cut}"
        );
    }
    let full = [EVENT, &vec![b' '; (16 << 20) - EVENT.len()]].concat();
    assert_eq!(of(&mut flat, &packed(&full)), vec![is(1, "a", 1.5)]);
    let over = [&full[..], b" "].concat();
    assert!(why(&mut flat, &packed(&over)).contains("more than 16 MiB"));
    let bomb = [packed(&full), packed(&full)].concat();
    assert!(why(&mut flat, &bomb).contains("more than 16 MiB"));
    // What was unpacked before is forgotten.
    assert_eq!(of(&mut flat, EVENT), vec![is(1, "a", 1.5)]);
}

/// The only outcome of an event whose field `x` is a header of these bytes: its text as a key, or why there is none.
fn as_key(value: &[u8]) -> Outcome {
    let mut of_header = decoder(
        &spec("Json", &json!({"tag": {"path": "@header.dev"}})),
        None,
    );
    assert!(of_header.needs_headers());
    let headers = vec![("dev", &b"first"[..]), ("other", b"x"), ("dev", value)];
    let mut found = outcomes(
        &mut of_header,
        &Record {
            headers,
            ..record(EVENT)
        },
    );
    found.remove(0)
}

fn as_number(value: &[u8]) -> Outcome {
    let mut of_header = decoder(
        &spec(
            "Json",
            &json!({"v": {"path": "@header.dev", "type": "Number"}}),
        ),
        None,
    );
    let mut found = outcomes(
        &mut of_header,
        &Record {
            headers: vec![("dev", value)],
            ..record(EVENT)
        },
    );
    found.remove(0)
}

#[test]
fn headers_are_text_or_amqp() {
    let long = [&b"\xb1\0\0\x01\x00"[..], &[b'k'; 256]].concat();
    for (value, text) in [
        (&b"pump"[..], "pump"),
        (b"\xa1\x04pump", "pump"),
        (b"\xa3\x04pump", "pump"),
        (b"\xb3\0\0\0\x04pump", "pump"),
        (b"\xa1\0", ""),
        (b"", ""),
        (&long, &"k".repeat(256)),
        // Numbers only where a number is wanted.
        (b"T1", "T1"),
        (b"q\0\0\0", "q\0\0\0"),
    ] {
        assert_eq!(as_key(value), is(1, text, 1.5));
    }
    // A length that does not fit, and what is no text.
    for value in [
        &b"\xa1\x05pump"[..],
        b"\xa1\x03pump",
        b"\xb1\0\0\0\x05pump",
        b"\xff",
    ] {
        assert_eq!(as_key(value), refused(BadText, "tag"));
    }
    for (value, number) in [
        (&b"1.5"[..], 1.5),
        (b"\xa1\x031.5", 1.5),
        (b"\x43", 0.0),
        (b"\x50\xff", 255.0),
        (b"\x54\xff", -1.0),
        (b"\x60\x01\x02", 258.0),
        (b"\x61\xff\xfe", -2.0),
        (b"\x70\0\0\x01\0", 256.0),
        (b"\x71\xff\xff\xff\xff", -1.0),
        (b"\x72\x3f\xc0\0\0", 1.5),
        (
            b"\x80\xff\xff\xff\xff\xff\xff\xff\xff",
            18_446_744_073_709_551_615.0,
        ),
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xfe", -2.0),
        (b"\x82\x3f\xf8\0\0\0\0\0\0", 1.5),
    ] {
        assert_eq!(as_number(value), is(1, "a", number), "{value:?}");
    }
    let bad = |reason| Outcome::Reading(1, vec!["a".into()], true, Err((reason, "v".into())));
    assert_eq!(as_number(b"\x82\x7f\xf8\0\0\0\0\0\0"), bad(NotFinite));
    assert_eq!(as_number(b"\x71\0\0"), bad(BadNumber));
    assert_eq!(as_number(b"\x40"), bad(FieldMissing));
}

#[test]
fn fields_hold_what_is_beside_the_body() {
    let fields = json!({
        "ts": {"path": "@enqueuedTime", "type": "Time"}, "p": {"path": "@partition"}, "o": {"path": "@offset"},
        "k": {"path": "@key"}, "tag": {"path": "@enqueuedTime"},
    });
    let mut with_meta = spec("Json", &fields);
    with_meta.columns.keys = ["p", "o", "k", "tag"]
        .map(|name| (name.to_owned(), name.to_owned()))
        .into();
    let mut with_meta = decoder(&with_meta, None);
    let keyed = Record {
        key: Some(b"pump"),
        ..record(b"{\"v\":1}\n{\"v\":2}")
    };
    // In the order of the keys' names.
    let keys = || {
        vec![
            "pump".to_owned(),
            "42".to_owned(),
            "3".to_owned(),
            "2023-11-14T22:13:20Z".to_owned(),
        ]
    };
    let expected = [1.0, 2.0].map(|v| Outcome::Reading(1_700_000_000, keys(), true, Ok(vec![v])));
    assert_eq!(outcomes(&mut with_meta, &keyed), expected);
    assert_eq!(
        of(&mut with_meta, b"{\"v\":1}"),
        vec![refused(FieldMissing, "k")]
    );
    let mut stamped = decoder(
        &spec(
            "Json",
            &json!({"ts": {"path": "@header.at", "type": "Time"}}),
        ),
        None,
    );
    let headers = vec![("at", &b"\x83\0\0\0\0\0\0\x0f\xa0"[..])];
    assert_eq!(
        outcomes(
            &mut stamped,
            &Record {
                headers,
                ..record(EVENT)
            }
        ),
        vec![is(4, "a", 1.5)]
    );
}

#[test]
fn filter_and_expressions_see_the_values() {
    let fields = json!({
        "bar": {"path": "bar", "type": "Number"}, "on": {"type": "Boolean"},
        "v": {"expression": "bar * 2", "type": "Number"},
    });
    let mut filtered = decoder(&spec("Json", &fields), Some("v > 2 && on"));
    let reading = |is_selected, v| vec![Outcome::Reading(1, vec!["a".into()], is_selected, v)];
    let bad = |reason: Reason| Err((reason, "v".to_owned()));
    for (rest, expected) in [
        (r#""bar":1.5,"on":true"#, reading(true, Ok(vec![3.0]))),
        (r#""bar":1.5,"on":"True""#, reading(true, Ok(vec![3.0]))),
        (r#""bar":1.5,"on":1"#, reading(true, Ok(vec![3.0]))),
        (r#""bar":1.5,"on":false"#, reading(false, Ok(vec![3.0]))),
        (r#""bar":1,"on":true"#, reading(false, Ok(vec![2.0]))),
        // Unknown is not selected.
        (r#""bar":1.5"#, reading(false, Ok(vec![3.0]))),
        (r#""bar":1.5,"on":"maybe""#, reading(false, Ok(vec![3.0]))),
        (r#""on":true"#, reading(false, bad(FieldMissing))),
        (r#""bar":"x","on":true"#, reading(false, bad(BadNumber))),
        (r#""bar":1e308,"on":true"#, reading(false, bad(NotFinite))),
    ] {
        let body = format!(r#"{{"ts":1,"tag":"a",{rest}}}"#);
        assert_eq!(of(&mut filtered, body.as_bytes()), expected, "{body}");
    }
    let mut boolean = decoder(
        &spec(
            "Json",
            &json!({"on": {"type": "Boolean"}, "tag": {"expression": "tag2"}, "tag2": {}, "k": {}}),
        ),
        None,
    );
    assert_eq!(
        of(&mut boolean, br#"{"ts":1,"tag2":"b","v":1,"on":[]}"#),
        vec![is(1, "b", 1.0)]
    );
}

#[test]
fn unpivot_makes_a_reading_of_each_listed_field_that_is_there() {
    let fields = json!({
        "temp": {"type": "Number"}, "rpm": {"type": "Number"}, "k": {"expression": "rpm * 10", "type": "Number"},
        "twice": {"expression": "val * 2", "type": "Number"},
    });
    let mut unpivoted = spec("Json", &fields);
    unpivoted.unpivot = serde_json::from_value(
        json!({"key": "what", "value": "val", "fields": ["temp", "rpm", "k"]}),
    )
    .unwrap();
    unpivoted
        .columns
        .keys
        .insert("what".to_owned(), "what".to_owned());
    unpivoted.columns.features = vec!["val".to_owned(), "twice".to_owned()];
    let mut unpivoted = decoder(&unpivoted, Some("what != 'temp' || val < 100"));
    let reading = |what: &str, is_selected, value| {
        let keys = vec!["a".to_owned(), what.to_owned()];
        Outcome::Reading(1, keys, is_selected, value)
    };
    for (rest, expected) in [
        (
            r#","temp":20,"rpm":7"#,
            vec![
                reading("temp", true, Ok(vec![20.0, 40.0])),
                reading("rpm", true, Ok(vec![7.0, 14.0])),
                reading("k", true, Ok(vec![70.0, 140.0])),
            ],
        ),
        (
            r#","temp":200,"rpm":null"#,
            vec![reading("temp", false, Ok(vec![200.0, 400.0]))],
        ),
        (
            r#","temp":"x""#,
            vec![reading("temp", false, Err((BadNumber, "val".to_owned())))],
        ),
        ("", vec![]),
    ] {
        let body = format!(r#"{{"ts":1,"tag":"a"{rest}}}"#);
        assert_eq!(of(&mut unpivoted, body.as_bytes()), expected, "{body}");
    }
    assert_eq!(
        of(&mut unpivoted, br#"{"tag":"a","temp":1}"#),
        vec![refused(FieldMissing, "ts")]
    );
}
