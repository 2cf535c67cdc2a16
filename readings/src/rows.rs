use std::fmt;
use std::ops::Range;

use super::interleaved::Interleaved;
use super::short::push_short;

/// A piece of a read: rows of some sensors, and the sensors that failed meanwhile. It may hold neither, where a stretch of the
/// object has nothing that is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    /// Rows; several entries of one sensor are in the object's order.
    pub rows: Vec<SensorRows>,
    /// Sensors that failed; no more rows of them follow, and those handed over before are void.
    pub failed: Vec<SensorFailure>,
    /// Bytes read from storage since the chunk before.
    pub fetched: u64,
}

impl Chunk {
    /// Whether it holds neither rows nor failures.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.failed.is_empty()
    }

    /// Bytes of memory that its rows take.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(SensorRows::bytes).sum()
    }
}

/// Rows of one sensor in the order of the object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SensorRows {
    /// The sensor's position in the request's index.
    pub sensor: u32,
    /// n numbers: where the rows are in the object.
    pub numbers: RowNumbers,
    /// n times.
    pub times: Times,
    /// n rows of d features, row-major.
    pub features: Vec<f64>,
    /// n labels (true: anomaly) where the request names a label column.
    pub labels: Option<Vec<bool>>,
    /// Readings left out because they cannot be scored.
    pub skipped: u64,
}

impl SensorRows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.times.nanos.len()
    }

    /// Whether there is no row; there may be skipped readings all the same.
    pub fn is_empty(&self) -> bool {
        self.times.nanos.is_empty()
    }

    /// No rows, with room for so many like the row `row` of `like`.
    pub(super) fn with_room(rows: usize, like: &Interleaved, row: usize) -> Self {
        let text = like.text.as_ref().map(|_| TimeText {
            bytes: Vec::with_capacity(rows * like.text_length(row)),
            ends: Vec::with_capacity(rows),
        });
        Self {
            numbers: RowNumbers {
                after: Vec::with_capacity(rows),
                ..RowNumbers::default()
            },
            times: Times {
                nanos: Vec::with_capacity(rows),
                text,
            },
            features: Vec::with_capacity(rows * like.width()),
            labels: (!like.labels.is_empty()).then(|| Vec::with_capacity(rows)),
            ..Self::default()
        }
    }

    /// Bytes of memory that the rows take, with the room for more.
    pub(super) fn bytes(&self) -> usize {
        let text = self.times.text.as_ref();
        let text = text.map_or(0, |text| text.bytes.capacity() + 4 * text.ends.capacity());
        let labels = self.labels.as_ref().map_or(0, Vec::capacity);
        size_of::<Self>()
            + 8 * self.times.nanos.capacity()
            + 8 * self.features.capacity()
            + 4 * self.numbers.after.capacity()
            + labels
            + text
    }

    /// Appends the rows `rows` of `from`. It is mostly one, as sensors take turns.
    pub(super) fn add(&mut self, from: &Interleaved, rows: Range<usize>) {
        let width = from.width();
        let start = from.text_start(rows.start);
        let added = from.rows.get(rows.clone()).unwrap_or_default();
        if let [row] = added {
            self.numbers.push(from.first + row.number);
            self.times.nanos.push(row.nanos);
            if let Some(text) = &from.text {
                let text = text.get(start..row.text_end as usize);
                let own = self.times.text.get_or_insert_default();
                own.push(text.unwrap_or_default());
            }
        } else {
            self.numbers
                .extend(added.iter().map(|row| from.first + row.number));
            self.times.nanos.extend(added.iter().map(|row| row.nanos));
            if let Some(text) = &from.text {
                let ends = added.iter().map(|row| row.text_end);
                let own = self.times.text.get_or_insert_default();
                own.extend(text, start, ends);
            }
        }
        let features = rows.start * width..rows.end * width;
        let features = from.features.get(features).unwrap_or_default();
        // One is faster without a call.
        match features {
            [feature] => self.features.push(*feature),
            features => self.features.extend_from_slice(features),
        }
        if let Some(labels) = from.labels.get(rows).filter(|labels| !labels.is_empty()) {
            let own = self.labels.get_or_insert_default();
            own.extend_from_slice(labels);
        }
    }

    /// Appends the rows of `later`.
    pub fn append(&mut self, later: &Self) {
        (0..later.len()).for_each(|row| self.numbers.push(later.numbers.get(row)));
        self.times.extend(&later.times, 0..later.len());
        self.features.extend_from_slice(&later.features);
        if let Some(labels) = &later.labels {
            self.labels
                .get_or_insert_default()
                .extend_from_slice(labels);
        }
        self.skipped += later.skipped;
    }
}

impl SensorRows {
    /// The rows that `keep` says yes to.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let width = self.features.len() / self.len().max(1);
        let mut kept = Self {
            sensor: self.sensor,
            times: Times {
                text: self.times.text.as_ref().map(|_| TimeText::default()),
                ..Times::default()
            },
            labels: self.labels.as_ref().map(|_| Vec::new()),
            skipped: self.skipped,
            ..Self::default()
        };
        for row in (0..self.len()).filter(|row| keep(*row)) {
            kept.numbers.push(self.numbers.get(row));
            kept.times.extend(&self.times, row..row + 1);
            let features = self.features.get(row * width..(row + 1) * width);
            kept.features
                .extend_from_slice(features.unwrap_or_default());
            if let (Some(own), Some(labels)) = (&mut kept.labels, &self.labels) {
                own.extend(labels.get(row));
            }
        }
        kept
    }
}

/// Where n rows are in their object: the lines of a CSV object, from 1, header included; the rows of a Parquet object, from 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowNumbers {
    /// The number of the first row.
    first: u64,
    /// How far behind it each row is.
    after: Vec<u32>,
}

impl RowNumbers {
    /// Adds rows in their order; they are behind those that were added.
    fn extend(&mut self, numbers: impl ExactSizeIterator<Item = u64> + Clone) {
        if self.after.is_empty() {
            self.first = numbers.clone().next().unwrap_or_default();
        }
        let first = self.first;
        self.after
            .extend(numbers.map(|number| after(first, number)));
    }

    /// Adds a row; it is behind those that were added.
    pub fn push(&mut self, number: u64) {
        if self.after.is_empty() {
            self.first = number;
        }
        self.after.push(after(self.first, number));
    }

    /// The number of row `row`; 0 past the last row.
    pub fn get(&self, row: usize) -> u64 {
        let after = self.after.get(row);
        after.map_or(0, |after| self.first + u64::from(*after))
    }
}

/// How far `number` is behind `first`.
fn after(first: u64, number: u64) -> u32 {
    // A batch is handed over long before 4 billion rows.
    u32::try_from(number.saturating_sub(first)).unwrap_or(u32::MAX)
}

/// Times of n rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub nanos: Vec<i64>,
    /// The times as the object writes them, where it holds text.
    pub text: Option<TimeText>,
}

impl Times {
    /// Appends the rows `rows` of `other`.
    pub(super) fn extend(&mut self, other: &Self, rows: Range<usize>) {
        if let Some(text) = &other.text {
            let own = self.text.get_or_insert_default();
            let ends = text.ends.get(rows.clone()).unwrap_or_default();
            own.extend(&text.bytes, text.start(rows.start), ends.iter().copied());
        }
        let nanos = other.nanos.get(rows).unwrap_or_default();
        self.nanos.extend_from_slice(nanos);
    }
}

/// The original text of n times, in one buffer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeText {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl TimeText {
    /// The text of row `row`; empty past the last row.
    pub fn get(&self, row: usize) -> &[u8] {
        let start = self.start(row);
        let end = self.ends.get(row).map_or(start, |end| *end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The texts of all rows one after the other.
    pub fn all(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the text of row `row` starts.
    fn start(&self, row: usize) -> usize {
        row.checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |end| *end as usize)
    }

    /// Appends texts that lie one after the other in `from`: where the first starts, and where each ends.
    fn extend(
        &mut self,
        from: &[u8],
        start: usize,
        ends: impl ExactSizeIterator<Item = u32> + DoubleEndedIterator + Clone,
    ) {
        let end = ends.clone().next_back().map_or(start, |end| end as usize);
        let before = self.bytes.len();
        self.bytes
            .extend_from_slice(from.get(start..end).unwrap_or_default());
        // A batch is flushed long before 4 GiB of text.
        self.ends.extend(ends.map(|end| {
            let end = before + end as usize - start;
            u32::try_from(end).unwrap_or(u32::MAX)
        }));
    }

    /// Appends the text of one row.
    pub fn push(&mut self, text: &[u8]) {
        push_short(&mut self.bytes, text);
        // A batch is flushed long before 4 GiB of text.
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }
}

/// A sensor whose readings cannot be scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorFailure {
    /// The sensor's position in the request's index.
    pub sensor: u32,
    /// The reading that cannot be scored.
    pub error: InvalidReading,
}

/// A reading that cannot be scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidReading {
    /// URL of the object.
    pub object: String,
    /// The line of a CSV object, from 1, header included; the row of a Parquet object, from 1.
    pub row: u64,
    /// The column.
    pub column: String,
    /// The value as it is written there, cut to 64 characters; none where a Parquet value is null.
    pub value: Option<String>,
    /// What was expected: `a time`, `a finite number` or `a label (0, 1, true or false)`.
    pub expected: &'static str,
}

impl InvalidReading {
    /// The text of a value for the message: cut to 64 characters.
    pub(crate) fn excerpt(value: &[u8]) -> String {
        let end = value.len().min(256);
        let text = String::from_utf8_lossy(value.get(..end).unwrap_or_default());
        text.chars().take(64).collect()
    }
}

impl fmt::Display for InvalidReading {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            object,
            row,
            column,
            expected,
            ..
        } = self;
        match &self.value {
            Some(value) => write!(
                out,
                "{object}, row {row}, column {column:?}: {value:?} is not {expected}"
            ),
            None => write!(
                out,
                "{object}, row {row}, column {column:?}: the value is missing, expected {expected}"
            ),
        }
    }
}
