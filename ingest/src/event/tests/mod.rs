#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod avro;
mod csv;
mod fixtures;
mod json;
mod message;
mod random;
mod spec;

use fleetscore_crds::EventSpec;
use serde_json::json;

use super::{Decoder, SpecError};
use crate::{Reason, Record};

/// What came of one reading: its time in seconds, its keys, whether it is selected, and its features; or what is refused.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    Reading(i64, Vec<String>, bool, Result<Vec<f64>, (Reason, String)>),
    Refused(Reason, String),
}

fn is(time: i64, key: &str, feature: f64) -> Outcome {
    Outcome::Reading(time, vec![key.to_owned()], true, Ok(vec![feature]))
}

fn refused(reason: Reason, field: &str) -> Outcome {
    Outcome::Refused(reason, field.to_owned())
}

/// A time, a key and a feature; `fields` are the others, or others in their place.
fn spec(format: &str, fields: &serde_json::Value) -> EventSpec {
    let mut all = json!({"ts": {"type": "Time"}, "tag": {}, "v": {"type": "Number"}});
    let map = all.as_object_mut().unwrap();
    map.extend(fields.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "format": format, "fields": all,
        "columns": {"time": "ts", "keys": {"tag": "tag"}, "features": ["v"]},
    }))
    .unwrap()
}

fn decoder(spec: &EventSpec, filter: Option<&str>) -> Decoder {
    Decoder::new(spec, filter).unwrap()
}

fn outcomes(decoder: &mut Decoder, record: &Record<'_>) -> Vec<Outcome> {
    let mut found = Vec::new();
    let name = |refusal: crate::Refusal| {
        assert!(
            refusal
                .value
                .as_ref()
                .is_none_or(|value| value.len() <= 256)
        );
        (refusal.reason, refusal.field.unwrap_or_default())
    };
    let decoded = decoder.decode(record, &mut |outcome| {
        found.push(match outcome {
            Ok(reading) => Outcome::Reading(
                reading.time / 1_000_000_000,
                texts(reading.key),
                reading.is_selected,
                reading.features.map(<[f64]>::to_vec).map_err(name),
            ),
            Err(refusal) => {
                let (reason, field) = name(refusal);
                Outcome::Refused(reason, field)
            }
        });
    });
    assert_eq!(decoded.outcomes, found.len());
    assert_eq!(decoded.is_empty(), found.is_empty());
    found
}

/// The texts of a key, each behind its length.
fn texts(mut key: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [low, high, rest @ ..] = key {
        let (text, rest) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])));
        texts.push(String::from_utf8(text.to_vec()).unwrap());
        key = rest;
    }
    texts
}

fn of(decoder: &mut Decoder, body: &[u8]) -> Vec<Outcome> {
    outcomes(decoder, &record(body))
}

fn record(body: &[u8]) -> Record<'_> {
    Record {
        partition: 3,
        offset: 42,
        arrival: 1_700_000_000_000_000_000,
        body: Some(body),
        ..Record::default()
    }
}

/// Why the only outcome is refused: its reason and its text.
fn why(decoder: &mut Decoder, body: &[u8]) -> String {
    let mut why = Vec::new();
    decoder.decode(&record(body), &mut |outcome| {
        let refusal = match outcome {
            Ok(reading) => reading.features.unwrap_err(),
            Err(refusal) => refusal,
        };
        why.push(format!(
            "{}: {}",
            refusal.reason,
            refusal.value.unwrap_or_default()
        ));
    });
    assert_eq!(why.len(), 1, "{why:?}");
    why.remove(0)
}

fn faults(spec: &EventSpec, filter: Option<&str>) -> Vec<SpecError> {
    Decoder::new(spec, filter).unwrap_err()
}
