use serde::Deserialize;

use super::*;

/// An event as another program wrote it.
#[derive(Deserialize)]
struct Case {
    name: String,
    format: String,
    fields: serde_json::Value,
    schema: Option<String>,
    body: String,
    /// Time in nanoseconds, key, number.
    readings: Vec<(i64, String, Option<f64>)>,
}

#[test]
fn events_of_other_programs_are_read() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../tests/fixtures/events.json")).unwrap();
    assert!(cases.len() > 30);
    for case in cases {
        let mut spec = spec(&case.format, &case.fields);
        spec.schema = case.schema;
        let body = bytes(&case.body);
        let mut found = Vec::new();
        decoder(&spec, None).decode(&record(&body), &mut |outcome| {
            let reading = outcome.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", case.name));
            found.push((
                reading.time,
                texts(reading.key).remove(0),
                reading.features.ok().map(|features| features[0]),
            ));
        });
        assert_eq!(found, case.readings, "{}", case.name);
    }
}

/// The bytes of a text in hexadecimal.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// The payloads of the cases in Avro.
pub(super) fn avro() -> Vec<Vec<u8>> {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../tests/fixtures/events.json")).unwrap();
    cases
        .iter()
        .filter(|case| case.format == "Avro")
        .map(|case| bytes(&case.body))
        .collect()
}
