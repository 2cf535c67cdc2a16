use super::PredictionLayout;
use fleetscore_readings::SensorRows;

/// Rows in the least space that they can be held in until they make a row group: 8 bytes the time in microseconds, 8 a feature, 8
/// the score, and 1 the label where there is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackedRows {
    features: usize,
    label: bool,
}

impl PackedRows {
    pub fn new(layout: &PredictionLayout) -> Self {
        Self {
            features: layout.features.len(),
            label: layout.label.is_some(),
        }
    }

    /// Bytes of a row.
    pub fn width(self) -> usize {
        8 * (self.features + 2) + usize::from(self.label)
    }

    /// Appends rows with their scores to `out`.
    pub fn pack(self, rows: &SensorRows, scores: &[f64], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + scores.len() * self.width(), 0);
        let packed = out.get_mut(start..).unwrap_or_default();
        let mut features = rows.features.iter();
        let values = scores.iter().zip(&rows.times.nanos).enumerate();
        for (row, (number, (score, nanos))) in packed.chunks_exact_mut(self.width()).zip(values) {
            let mut rest = put(row, nanos.div_euclid(1000).to_le_bytes());
            for feature in features.by_ref().take(self.features) {
                rest = put(rest, feature.to_le_bytes());
            }
            rest = put(rest, score.to_le_bytes());
            if let Some(place) = rest.first_mut() {
                let labels = rows.labels.as_deref().unwrap_or_default();
                *place = u8::from(labels.get(number).is_some_and(|label| *label));
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
        self.column(packed, self.features + 1)
            .map(f64::from_le_bytes)
    }

    /// The labels of packed rows.
    pub fn labels(self, packed: &[u8]) -> impl Iterator<Item = bool> {
        let rows = packed.chunks_exact(self.width());
        rows.map(|row| row.last() == Some(&1))
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
fn put(row: &mut [u8], value: [u8; 8]) -> &mut [u8] {
    match row.split_first_chunk_mut() {
        Some((place, rest)) => {
            *place = value;
            rest
        }
        None => &mut [],
    }
}
