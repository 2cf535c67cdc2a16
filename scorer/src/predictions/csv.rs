use super::PredictionLayout;
use super::time::RowTimes;
use crate::models::{Kind, Labels, Verdicts};
use fleetscore_readings::{SensorRows, push_short};

/// Writes CSV: a header line, commas, LF, fields quoted only where they must be, numbers in the shortest form that reads back
/// as the same number.
pub(super) struct CsvEncoder {
    /// The header line, until it is written.
    header: Vec<u8>,
    /// The keys of every row, with a comma before and behind each.
    keys: Vec<u8>,
    features: usize,
    kind: Kind,
    /// Every label with a comma on both sides.
    labels: Vec<Vec<u8>>,
}

impl CsvEncoder {
    pub fn new(layout: &PredictionLayout, labels: &Labels) -> Self {
        let mut header = Vec::new();
        for name in layout.names() {
            push_field(&mut header, name.as_bytes());
            header.push(b',');
        }
        header.pop();
        header.push(b'\n');
        let mut keys = Vec::new();
        keys.push(b',');
        for (_, value) in &layout.keys {
            push_field(&mut keys, value.as_bytes());
            keys.push(b',');
        }
        Self {
            header,
            keys,
            features: layout.features.len(),
            kind: layout.kind,
            labels: (0..labels.len())
                .map(|class| {
                    let mut label = vec![b','];
                    push_field(&mut label, labels.text(class).as_bytes());
                    label.push(b',');
                    label
                })
                .collect(),
        }
    }

    pub fn append(&mut self, rows: &SensorRows, verdicts: &Verdicts, out: &mut Vec<u8>) {
        out.append(&mut self.header);
        let mut times = RowTimes::new(rows);
        let mut float = zmij::Buffer::new();
        let mut features = rows.features.iter();
        let is_plain = times.all_text().is_none_or(is_plain);
        for (row, (score, is_anomaly)) in verdicts.iter().enumerate() {
            let time = times.get(row);
            if is_plain {
                push_short(out, time);
            } else {
                push_field(out, time);
            }
            push_short(out, &self.keys);
            for feature in features.by_ref().take(self.features) {
                push_short(out, float.format(*feature).as_bytes());
                out.push(b',');
            }
            if let Some(labels) = &rows.labels {
                let is_true = labels.get(row).is_some_and(|label| *label);
                out.extend_from_slice(if is_true { b"1," } else { b"0," });
            }
            if let Some(expected) = verdicts.expected().get(row) {
                push_short(out, float.format(*expected).as_bytes());
                out.push(b',');
            }
            push_short(out, float.format(score).as_bytes());
            if self.kind == Kind::Value {
                out.push(b'\n');
                continue;
            }
            let class = verdicts.classes().get(row);
            let label = class.and_then(|class| self.labels.get(usize::from(*class)));
            out.extend_from_slice(label.map_or(b",", Vec::as_slice));
            out.extend_from_slice(if is_anomaly { b"1\n" } else { b"0\n" });
        }
    }

    pub fn finish(mut self, out: &mut Vec<u8>) {
        out.append(&mut self.header);
    }
}

/// Appends a field, quoted where RFC 4180 asks for it.
fn push_field(out: &mut Vec<u8>, field: &[u8]) {
    if is_plain(field) {
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

/// Whether a text has nothing that RFC 4180 asks for quotes for. It looks at all bytes, which is faster than to stop at one.
fn is_plain(text: &[u8]) -> bool {
    !text.iter().fold(false, |special, byte| {
        special | matches!(byte, b',' | b'"' | b'\n' | b'\r')
    })
}
