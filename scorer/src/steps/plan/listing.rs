//! Sensors listed in an object: CSV with a header, or JSON lines.

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
    /// A JSON value that is neither a string nor a number.
    #[error("line {line}: the value of `{key}` is neither a string nor a number")]
    Value {
        /// The line, from 1.
        line: u64,
        /// The key's name.
        key: String,
    },
}

/// The sensors in `bytes` with the line each stands on. The columns (or members) are the keys; empty values are left out.
pub fn parse(bytes: &[u8]) -> Result<Vec<(u64, SensorKey)>, ListingError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'{') {
        parse_json_lines(text)
    } else {
        parse_csv(text)
    }
}

fn parse_csv(text: &[u8]) -> Result<Vec<(u64, SensorKey)>, ListingError> {
    // Carriage returns are trimmed: a reader that ends records at them counts lines one too low.
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(text);
    let header = reader
        .headers()
        .map_err(|source| ListingError::Csv { line: 1, source })?
        .clone();
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
        sensors.push((line, entries.collect()));
    }
    Ok(sensors)
}

fn parse_json_lines(text: &[u8]) -> Result<Vec<(u64, SensorKey)>, ListingError> {
    let lines = text.split(|&byte| byte == b'\n').zip(1..);
    let lines = lines.filter(|(content, _)| !content.iter().all(u8::is_ascii_whitespace));
    lines
        .map(|(content, line)| Ok((line, parse_json(content, line)?)))
        .collect()
}

fn parse_json(content: &[u8], line: u64) -> Result<SensorKey, ListingError> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(content).map_err(|source| ListingError::Json { line, source })?;
    let mut entries = Vec::new();
    for (key, value) in object {
        match value {
            serde_json::Value::String(value) => entries.push((key, value)),
            serde_json::Value::Number(value) => entries.push((key, value.to_string())),
            serde_json::Value::Null => {}
            _ => return Err(ListingError::Value { line, key }),
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

    fn key(entries: &[(&str, &str)]) -> SensorKey {
        entries.iter().copied().collect()
    }

    #[test]
    fn both_forms_give_the_same_sensors() {
        let expected = vec![
            (2, key(&[("device", "1"), ("tag", "a b")])),
            (3, key(&[("device", "2")])),
        ];
        assert_eq!(
            parse(b"\xef\xbb\xbfdevice,tag\r\n1, a b\r\n2,\r\n").unwrap(),
            expected
        );
        let lines = b"\n{\"device\":1,\"tag\":\"a b\"}\n{\"device\":\"2\",\"tag\":null}\n";
        assert_eq!(parse(lines).unwrap(), expected);
    }

    #[test]
    fn errors_name_the_line() {
        let ragged = parse(b"device,tag\n1,2\n3\n").unwrap_err().to_string();
        assert!(ragged.starts_with("line 3:"), "{ragged}");
        let broken = parse(b"{\"a\":1}\n{\"a\":").unwrap_err().to_string();
        assert!(broken.starts_with("line 2:"), "{broken}");
        let nested = parse(b"{\"a\":[]}").unwrap_err().to_string();
        assert!(nested.contains("`a` is neither"), "{nested}");
    }
}
