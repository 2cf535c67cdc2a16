use super::time::RowTimes;
use super::{ANOMALY, EXPECTED, PREDICTION, PredictionLayout, SCORE};
use crate::models::{Kind, Labels, Verdicts};
use fleetscore_readings::SensorRows;

/// Writes JSON lines: one object a row; times and keys are strings, labels booleans.
pub(super) struct JsonEncoder {
    /// `{"TIME":`
    start: Vec<u8>,
    /// `,"KEY":"VALUE"` for every key.
    keys: Vec<u8>,
    /// `,"FEATURE":` for every feature.
    features: Vec<Vec<u8>>,
    /// `,"LABEL":`
    label: Vec<u8>,
    kind: Kind,
    /// Every label of a classifier: numbers as they are, texts in quotes.
    labels: Vec<Vec<u8>>,
}

impl JsonEncoder {
    pub fn new(layout: &PredictionLayout, labels: &Labels) -> Self {
        let mut start = vec![b'{'];
        push_string(&mut start, &layout.time);
        start.push(b':');
        let mut keys = Vec::new();
        for (name, value) in &layout.keys {
            push_name(&mut keys, name);
            push_string(&mut keys, value);
        }
        let named = |name: &String| {
            let mut text = Vec::new();
            push_name(&mut text, name);
            text
        };
        let label = layout.label.as_ref().map(named).unwrap_or_default();
        Self {
            start,
            keys,
            features: layout.features.iter().map(named).collect(),
            label,
            kind: layout.kind,
            labels: texts(labels),
        }
    }

    pub fn append(&mut self, rows: &SensorRows, verdicts: &Verdicts, out: &mut Vec<u8>) {
        let mut times = RowTimes::new(rows);
        let mut float = zmij::Buffer::new();
        let mut features = rows.features.iter();
        for (row, (score, is_anomaly)) in verdicts.iter().enumerate() {
            out.extend_from_slice(&self.start);
            push_string(out, &String::from_utf8_lossy(times.get(row)));
            out.extend_from_slice(&self.keys);
            for (name, feature) in self.features.iter().zip(features.by_ref()) {
                out.extend_from_slice(name);
                out.extend_from_slice(float.format(*feature).as_bytes());
            }
            if let Some(labels) = &rows.labels {
                out.extend_from_slice(&self.label);
                let is_true = labels.get(row).is_some_and(|label| *label);
                out.extend_from_slice(if is_true { b"true" } else { b"false" });
            }
            if let Some(expected) = verdicts.expected().get(row) {
                push_name(out, EXPECTED);
                out.extend_from_slice(float.format(*expected).as_bytes());
            }
            if self.kind != Kind::Value {
                push_name(out, SCORE);
                out.extend_from_slice(float.format(score).as_bytes());
            }
            push_name(out, PREDICTION);
            match self.kind {
                Kind::Value => {
                    out.extend_from_slice(float.format(score).as_bytes());
                    out.extend_from_slice(b"}\n");
                    continue;
                }
                Kind::Class => {
                    let class = verdicts.classes().get(row).copied().unwrap_or_default();
                    let label = self.labels.get(usize::from(class));
                    out.extend_from_slice(label.map_or(b"null", Vec::as_slice));
                    push_name(out, ANOMALY);
                }
                Kind::Anomaly | Kind::Residual => {}
            }
            out.extend_from_slice(if is_anomaly { b"1}\n" } else { b"0}\n" });
        }
    }
}

fn texts(labels: &Labels) -> Vec<Vec<u8>> {
    match labels {
        Labels::Integers(labels) => labels
            .iter()
            .map(|label| label.to_string().into_bytes())
            .collect(),
        Labels::Texts(labels) => labels
            .iter()
            .map(|label| {
                let mut text = Vec::new();
                push_string(&mut text, label);
                text
            })
            .collect(),
    }
}

/// Appends `,"NAME":`.
fn push_name(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    push_string(out, name);
    out.push(b':');
}

fn push_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to a vector does not fail.
    let _ = serde_json::to_writer(out, text);
}
