use super::PredictionLayout;
use super::time::RowTimes;
use crate::models::is_anomaly;
use crate::readings::SensorRows;

/// Writes CSV: a header line, commas, LF, fields quoted only where they must be, numbers in the shortest form that reads back
/// as the same number.
pub(super) struct CsvEncoder {
    /// The header line, until it is written.
    header: Vec<u8>,
    /// The keys of every row, each with a comma before it.
    keys: Vec<u8>,
    features: usize,
}

impl CsvEncoder {
    pub fn new(layout: &PredictionLayout) -> Self {
        let mut header = Vec::new();
        for name in layout.names() {
            push_field(&mut header, name.as_bytes());
            header.push(b',');
        }
        header.pop();
        header.push(b'\n');
        let mut keys = Vec::new();
        for (_, value) in &layout.keys {
            keys.push(b',');
            push_field(&mut keys, value.as_bytes());
        }
        Self {
            header,
            keys,
            features: layout.features.len(),
        }
    }

    pub fn append(&mut self, rows: &SensorRows, scores: &[f64], out: &mut Vec<u8>) {
        out.append(&mut self.header);
        let mut times = RowTimes::new(rows);
        let mut float = zmij::Buffer::new();
        let mut features = rows.features.iter();
        for (row, score) in scores.iter().enumerate() {
            push_field(out, times.get(row));
            out.extend_from_slice(&self.keys);
            for feature in features.by_ref().take(self.features) {
                out.push(b',');
                out.extend_from_slice(float.format(*feature).as_bytes());
            }
            if let Some(labels) = &rows.labels {
                let is_true = labels.get(row).is_some_and(|label| *label);
                out.extend_from_slice(if is_true { b",1" } else { b",0" });
            }
            out.push(b',');
            out.extend_from_slice(float.format(*score).as_bytes());
            out.extend_from_slice(if is_anomaly(*score) { b",1\n" } else { b",0\n" });
        }
    }

    pub fn finish(mut self, out: &mut Vec<u8>) {
        out.append(&mut self.header);
    }
}

/// Appends a field, quoted where RFC 4180 asks for it.
fn push_field(out: &mut Vec<u8>, field: &[u8]) {
    if !field
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for byte in field {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
