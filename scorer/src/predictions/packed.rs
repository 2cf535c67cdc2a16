use super::PredictionLayout;
use crate::models::{Kind, Verdicts};
use fleetscore_readings::SensorRows;

/// Bits of a row's last byte.
const LABEL: u8 = 1;
const ANOMALY: u8 = 2;

/// Rows in the least space that they can be held in until they make a row group: 8 bytes the time in microseconds, 8 a feature, 8
/// what is expected where something is, 8 the score, 2 the class where there are some, and 1 the label and the prediction.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackedRows {
    features: usize,
    kind: Kind,
}

impl PackedRows {
    pub fn new(layout: &PredictionLayout) -> Self {
        Self {
            features: layout.features.len(),
            kind: layout.kind,
        }
    }

    /// Bytes of a row.
    pub fn width(self) -> usize {
        let more = match self.kind {
            Kind::Anomaly | Kind::Value => 0,
            Kind::Residual => 8,
            Kind::Class => 2,
        };
        8 * (self.features + 2) + more + 1
    }

    /// Appends rows with their verdicts to `out`.
    pub fn pack(self, rows: &SensorRows, verdicts: &Verdicts, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + verdicts.len() * self.width(), 0);
        let packed = out.get_mut(start..).unwrap_or_default();
        let mut features = rows.features.iter();
        let values = verdicts.iter().zip(&rows.times.nanos).enumerate();
        for (row, (number, ((score, is_anomaly), nanos))) in
            packed.chunks_exact_mut(self.width()).zip(values)
        {
            let mut rest = put(row, nanos.div_euclid(1000).to_le_bytes());
            for feature in features.by_ref().take(self.features) {
                rest = put(rest, feature.to_le_bytes());
            }
            if let Some(expected) = verdicts.expected().get(number) {
                rest = put(rest, expected.to_le_bytes());
            }
            rest = put(rest, score.to_le_bytes());
            if let Some(class) = verdicts.classes().get(number) {
                rest = put(rest, class.to_le_bytes());
            }
            if let Some(place) = rest.first_mut() {
                let labels = rows.labels.as_deref().unwrap_or_default();
                let label = labels.get(number).is_some_and(|label| *label);
                *place = u8::from(label) * LABEL + u8::from(is_anomaly) * ANOMALY;
            }
        }
    }

    /// The times of packed rows, in microseconds.
    pub fn micros(self, packed: &[u8]) -> impl Iterator<Item = i64> {
        self.column(packed, 0).map(i64::from_le_bytes)
    }

    /// A feature of packed rows.
    pub fn feature(self, packed: &[u8], position: usize) -> impl Iterator<Item = f64> {
        self.column(packed, position + 1).map(f64::from_le_bytes)
    }

    /// The scores of packed rows.
    pub fn scores(self, packed: &[u8]) -> impl Iterator<Item = f64> {
        let expected = usize::from(self.kind == Kind::Residual);
        self.column(packed, self.features + 1 + expected)
            .map(f64::from_le_bytes)
    }

    /// What the targets of packed rows are expected to be, where something is.
    pub fn expected(self, packed: &[u8]) -> impl Iterator<Item = f64> {
        self.column(packed, self.features + 1)
            .map(f64::from_le_bytes)
    }

    /// The classes of packed rows, where there are some.
    pub fn classes(self, packed: &[u8]) -> impl Iterator<Item = u16> {
        let rows = packed.chunks_exact(self.width());
        rows.map(|row| match row {
            [.., low, high, _] => u16::from_le_bytes([*low, *high]),
            _ => 0,
        })
    }

    /// The labels of packed rows.
    pub fn labels(self, packed: &[u8]) -> impl Iterator<Item = bool> {
        self.flag(packed, LABEL)
    }

    /// Which of packed rows are anomalies.
    pub fn anomalies(self, packed: &[u8]) -> impl Iterator<Item = bool> {
        self.flag(packed, ANOMALY)
    }

    fn flag(self, packed: &[u8], flag: u8) -> impl Iterator<Item = bool> {
        let rows = packed.chunks_exact(self.width());
        rows.map(move |row| row.last().is_some_and(|flags| flags & flag != 0))
    }

    fn column(self, packed: &[u8], position: usize) -> impl Iterator<Item = [u8; 8]> {
        let rows = packed.chunks_exact(self.width());
        let at = 8 * position..8 * (position + 1);
        rows.map(move |row| {
            let value = row.get(at.clone()).and_then(|value| value.try_into().ok());
            value.unwrap_or_default()
        })
    }
}

/// Puts a value at the start of a row; what is left of the row.
fn put<const N: usize>(row: &mut [u8], value: [u8; N]) -> &mut [u8] {
    match row.split_first_chunk_mut() {
        Some((place, rest)) => {
            *place = value;
            rest
        }
        None => &mut [],
    }
}
