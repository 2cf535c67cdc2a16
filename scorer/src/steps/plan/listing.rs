//! Sensors listed in an object: CSV with a header, JSON lines, or a JSON array.

use std::fmt;

use fleetscore_crds::SensorKey;
use thiserror::Error;

/// Why an object is not a list of sensors.
#[derive(Debug, Error)]
pub enum ListingError {
    /// A CSV record that cannot be read.
    #[error("line {line}: {source}; write one sensor a line with as many fields as the header has")]
    Csv {
        /// The record's line, from 1.
        line: u64,
        /// What the parser says.
        source: csv::Error,
    },
    /// A JSON line that is not an object of strings or numbers.
    #[error(
        "line {line}: {source}; write one object of key names and values a line, such as {{\"device\":\"1\"}}"
    )]
    Json {
        /// The line, from 1.
        line: u64,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A JSON array of something else than objects of strings or numbers.
    #[error(
        "{0}; write a JSON array of objects of key names and values, such as [{{\"device\":\"1\"}}], or one such object a line"
    )]
    Array(serde_json::Error),
    /// A JSON value that is neither a string nor a number.
    #[error("{place}: the value of `{key}` is neither a string nor a number")]
    Value {
        /// Where the sensor is.
        place: Place,
        /// The key's name.
        key: String,
    },
    /// A first line that lacks a key.
    #[error(
        "line 1: `{header}` is no header with the key `{missing}`; write the keys' names there, separated by commas: {expected}"
    )]
    Header {
        /// The first line.
        header: String,
        /// The first key that it lacks.
        missing: String,
        /// The keys' names.
        expected: String,
    },
    /// Nothing but white space.
    #[error(
        "it is empty; write a header with the keys' names and one sensor a line, or one JSON object a line"
    )]
    Empty,
    /// A header or an array without any sensor.
    #[error("it names no sensor, so there is nothing to score; write one sensor a line")]
    NoSensors,
}

/// Where in the list a sensor stands, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of text.
    Line(u64),
    /// An entry of an array.
    Entry(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(out, "line {line}"),
            Self::Entry(entry) => write!(out, "entry {entry}"),
        }
    }
}

/// The sensors in `bytes` with the place of each. The columns (or members) are the keys; empty values are left out.
///
/// The header of a CSV must name all the keys in `required`.
pub fn parse(bytes: &[u8], required: &[&str]) -> Result<Vec<(Place, SensorKey)>, ListingError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let sensors = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(ListingError::Empty),
        Some(b'{') => parse_json_lines(text),
        Some(b'[') => parse_json_array(text),
        Some(_) => parse_csv(text, required),
    }?;
    if sensors.is_empty() {
        return Err(ListingError::NoSensors);
    }
    Ok(sensors)
}

fn parse_csv(text: &[u8], required: &[&str]) -> Result<Vec<(Place, SensorKey)>, ListingError> {
    // Carriage returns are trimmed: a reader that ends records at them counts lines one too low.
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(text);
    let header = reader
        .headers()
        .map_err(|source| ListingError::Csv { line: 1, source })?
        .clone();
    check_header(&header, required)?;
    let mut sensors = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|source| {
            let line = source.position().map_or(0, csv::Position::line);
            ListingError::Csv { line, source }
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let entries = header
            .iter()
            .zip(&record)
            .filter(|(_, value)| !value.is_empty());
        sensors.push((Place::Line(line), entries.collect()));
    }
    Ok(sensors)
}

/// A key that the header does not name is absent in every sensor: most often there is no header.
fn check_header(header: &csv::StringRecord, required: &[&str]) -> Result<(), ListingError> {
    let named = |key: &&&str| !header.iter().any(|column| column == **key);
    let Some(missing) = required.iter().find(named) else {
        return Ok(());
    };
    let columns: Vec<&str> = header.iter().collect();
    Err(ListingError::Header {
        header: columns.join(",").chars().take(100).collect(),
        missing: (*missing).to_owned(),
        expected: required.join(","),
    })
}

fn parse_json_lines(text: &[u8]) -> Result<Vec<(Place, SensorKey)>, ListingError> {
    let lines = text.split(|&byte| byte == b'\n').zip(1_u64..);
    let lines = lines.filter(|(content, _)| !content.iter().all(u8::is_ascii_whitespace));
    lines
        .map(|(content, line)| {
            let place = Place::Line(line);
            let object = serde_json::from_slice(content)
                .map_err(|source| ListingError::Json { line, source })?;
            let key = key_of(object, place)?;
            Ok((place, key))
        })
        .collect()
}

fn parse_json_array(text: &[u8]) -> Result<Vec<(Place, SensorKey)>, ListingError> {
    let objects: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(text).map_err(ListingError::Array)?;
    let numbered = objects.into_iter().zip(1_u64..);
    numbered
        .map(|(object, number)| {
            let place = Place::Entry(number);
            let key = key_of(object, place)?;
            Ok((place, key))
        })
        .collect()
}

fn key_of(
    object: serde_json::Map<String, serde_json::Value>,
    place: Place,
) -> Result<SensorKey, ListingError> {
    let mut entries = Vec::new();
    for (key, value) in object {
        match value {
            serde_json::Value::String(value) => entries.push((key, value)),
            serde_json::Value::Number(value) => entries.push((key, value.to_string())),
            serde_json::Value::Null => {}
            _ => return Err(ListingError::Value { place, key }),
        }
    }
    Ok(entries
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 2] = ["device", "tag"];

    fn key(entries: &[(&str, &str)]) -> SensorKey {
        entries.iter().copied().collect()
    }

    fn sensors([one, other]: [Place; 2]) -> Vec<(Place, SensorKey)> {
        vec![
            (one, key(&[("device", "1"), ("tag", "a b")])),
            (other, key(&[("device", "2")])),
        ]
    }

    #[test]
    fn all_forms_give_the_same_sensors() {
        assert_eq!(
            parse(b"\xef\xbb\xbfdevice,tag\r\n1, a b\r\n2,\r\n", &KEYS).unwrap(),
            sensors([Place::Line(2), Place::Line(3)])
        );
        let lines = b"\n{\"device\":1,\"tag\":\"a b\"}\n{\"device\":\"2\",\"tag\":null}\n";
        assert_eq!(
            parse(lines, &KEYS).unwrap(),
            sensors([Place::Line(2), Place::Line(3)])
        );
        let array = b" [\n{\"device\": 1, \"tag\": \"a b\"},\n {\"device\": \"2\"}]\n";
        assert_eq!(
            parse(array, &KEYS).unwrap(),
            sensors([Place::Entry(1), Place::Entry(2)])
        );
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text: &[u8]| parse(text, &[]).unwrap_err().to_string();
        let ragged = error(b"device,tag\n1,2\n3\n");
        assert!(ragged.starts_with("line 3:"), "{ragged}");
        let broken = error(b"{\"a\":1}\n{\"a\":");
        assert!(broken.starts_with("line 2:"), "{broken}");
        let nested = error(b"{\"a\":[]}");
        assert!(nested.contains("`a` is neither"), "{nested}");
        let nested = error(b"[{\"a\":1},{\"a\":[]}]");
        assert!(nested.starts_with("entry 2: "), "{nested}");
    }

    #[test]
    fn nothing_to_do_is_an_error_that_says_what_to_write() {
        for (text, parts) in [
            ("", "it is empty; write a header with the keys' names"),
            (" \n\r\n\n", "it is empty"),
            ("\u{feff}\n", "it is empty"),
            ("device,tag\n", "names no sensor"),
            ("device,tag\n\n\n", "names no sensor"),
            ("[]", "names no sensor"),
            (
                "1,2\n3,4\n",
                "line 1: `1,2` is no header with the key `device`",
            ),
            (
                "1,2",
                "write the keys' names there, separated by commas: device,tag",
            ),
            (
                "device;tag\n1;2\n",
                "`device;tag` is no header with the key `device`",
            ),
            ("Device,Tag\n1,2\n", "is no header with the key `device`"),
            ("device\n1\n", "is no header with the key `tag`"),
            ("[\"1\",\"2\"]", "write a JSON array of objects"),
            ("[{\"device\":1}", "write a JSON array of objects"),
        ] {
            let error = parse(text.as_bytes(), &KEYS).unwrap_err().to_string();
            assert!(error.contains(parts), "{text:?}: {error}");
        }
    }
}
