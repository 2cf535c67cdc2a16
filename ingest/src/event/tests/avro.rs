use serde_json::json;

use super::*;
use crate::Reason::{BadPayload, BadText, FieldMissing};

/// A schema that holds what is dangerous: itself, and items without bytes.
pub(super) const SCHEMA: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"ts","type":"long"},{"name":"tag","type":["null","string","bytes"]},{"name":"v","type":"double"},
    {"name":"nothing","type":{"type":"array","items":"null"}},{"name":"inner","type":["null","R"]}]}"#;

pub(super) fn files() -> Vec<Vec<u8>> {
    super::fixtures::avro()
}

fn raw() -> Decoder {
    let mut raw = spec("Avro", &json!({}));
    raw.schema = Some(SCHEMA.to_owned());
    decoder(&raw, None)
}

/// A record of the schema up to its lists: time 1, key `a`, number 1.5.
fn start() -> Vec<u8> {
    [&b"\x02\x02\x02a"[..], &1.5_f64.to_le_bytes()].concat()
}

/// A file of a schema with one block.
fn file(schema: &str, codec: &str, count: u8, block: &[u8]) -> Vec<u8> {
    let long = |number: usize| {
        let (mut number, mut bytes) = (number << 1, Vec::new());
        while number > 0x7f {
            bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
        bytes
    };
    let text = |text: &[u8]| [long(text.len()), text.to_vec()].concat();
    let header = [
        long(2),
        text(b"avro.schema"),
        text(schema.as_bytes()),
        text(b"avro.codec"),
        text(codec.as_bytes()),
        long(0),
    ];
    let sync = [7; 16];
    [
        b"Obj\x01",
        &header.concat()[..],
        &sync,
        &long(count.into()),
        &text(block),
        &sync,
    ]
    .concat()
}

#[test]
fn single_records_are_of_the_manifests_schema() {
    let mut raw = raw();
    let whole = [&start()[..], b"\0\0"].concat();
    assert_eq!(of(&mut raw, &whole), vec![is(1, "a", 1.5)]);
    for cut in 1..whole.len() {
        assert!(
            why(&mut raw, &whole[..cut]).contains("ends within a value"),
            "{cut}"
        );
    }
    assert!(why(&mut raw, &[&whole[..], b"\0"].concat()).contains("bytes behind the record"));
    assert!(why(&mut raw, &[&start()[..], b"\0\x04"].concat()).contains("no branch"));
    assert_eq!(
        of(&mut raw, &[&b"\x02\0"[..], &[0; 8], b"\0\0"].concat()),
        vec![refused(FieldMissing, "tag")]
    );
    assert_eq!(
        of(
            &mut raw,
            &[&b"\x02\x04\x02\xff"[..], &[0; 8], b"\0\0"].concat()
        ),
        vec![refused(BadText, "tag")]
    );
    assert_eq!(of(&mut raw, b""), vec![]);
}

#[test]
fn counts_and_depth_are_bounded() {
    let mut raw = raw();
    // 2^61 items of no bytes, and the same in a block that says its size.
    for count in [
        &b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"[..],
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0",
    ] {
        assert!(
            why(&mut raw, &[&start()[..], count, b"\0\0"].concat())
                .contains("far more values than bytes")
        );
    }
    assert!(why(&mut raw, &[&start()[..], &[0xff; 12]].concat()).contains("more than 64 bits"));
    let level = [&start()[..], b"\0\x02"].concat();
    let bomb = [level.repeat(5000), start(), b"\0\0".to_vec()].concat();
    assert!(why(&mut raw, &bomb).contains("levels deep"));
    let deep = [level.repeat(20), start(), b"\0\0".to_vec()].concat();
    assert_eq!(of(&mut raw, &deep), vec![is(1, "a", 1.5)]);
}

#[test]
fn a_small_schema_cannot_ask_for_much() {
    // Each of 40 records has two of the one before: 2^40 values without a byte.
    let mut schema = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
    for level in 1..40 {
        let before = level - 1;
        schema = format!(
            r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{schema}}},{{"name":"b","type":"R{before}"}}]}}"#
        );
    }
    let schema = format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"ts","type":"int"}},{{"name":"x","type":{schema}}}]}}"#
    );
    let mut files = decoder(&spec("Avro", &json!({})), None);
    let why = why(&mut files, &file(&schema, "null", 1, b"\x02"));
    assert!(why.contains("far more values than bytes"), "{why}");
    // One that holds itself without an end.
    let endless = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"R"}]}"#;
    assert!(super::why(&mut files, &file(endless, "null", 1, b"\x02")).contains("levels deep"));
}

#[test]
fn a_damaged_file_is_refused_as_a_whole() {
    let mut files = decoder(&spec("Avro", &json!({})), None);
    let record = [&start()[..], b"\0\0"].concat();
    let two = file(SCHEMA, "null", 2, &[&record[..], &record].concat());
    assert_eq!(of(&mut files, &two), vec![is(1, "a", 1.5), is(1, "a", 1.5)]);
    for (damaged, part) in [
        (two[..two.len() - 1].to_vec(), "ends within a value"),
        (
            [&two[..two.len() - 1], b"x"].concat(),
            "does not end where it should",
        ),
        (
            file(SCHEMA, "null", 1, &[&record[..], &record].concat()),
            "more bytes than its records",
        ),
        (
            file(SCHEMA, "null", 3, &[&record[..], &record].concat()),
            "ends within a value",
        ),
        (file(SCHEMA, "null", 60, &record), "more records than bytes"),
        (file(SCHEMA, "snappy", 1, &record), "codec is \"snappy\""),
        (file(SCHEMA, "deflate", 1, &record), "damaged"),
        (file("{", "null", 1, &record), "no JSON"),
        (file(r#""R""#, "null", 1, &record), "no type \"R\""),
        (
            file(r#"{"type":"record","name":"R"}"#, "null", 1, &record),
            "no list \"fields\"",
        ),
        (file(&"[".repeat(100_000), "null", 1, &record), "no JSON"),
        (b"PAR1".to_vec(), "no Avro file"),
    ] {
        assert!(
            why(&mut files, &damaged).contains(part),
            "{}",
            why(&mut files, &damaged)
        );
    }
    assert_eq!(
        of(&mut files, &two[..two.len() - 1]),
        vec![refused(BadPayload, "")]
    );
    // Records of another type have no fields.
    assert_eq!(
        of(&mut files, &file(r#""int""#, "null", 1, b"\x02")),
        vec![refused(FieldMissing, "ts")]
    );
    assert_eq!(of(&mut files, &two).len(), 2);
}

#[test]
fn a_schema_that_cannot_be_used_is_a_mistake() {
    let mut wrong = spec("Avro", &json!({}));
    wrong.schema =
        Some(r#"{"type":"record","name":"R","fields":[{"name":"v","type":"number"}]}"#.to_owned());
    let faults = faults(&wrong, None);
    assert_eq!(faults[0].path, "spec.event.schema");
    assert!(
        faults[0].message.contains("no type \"number\""),
        "{faults:?}"
    );
}
