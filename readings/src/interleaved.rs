use std::collections::BTreeMap;

use super::short::push_short;
use super::{InvalidReading, Malformed, Unfinished};

/// A row of a sensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterleavedRow {
    /// The sensor.
    pub sensor: u32,
    /// Where the text of its time ends.
    pub text_end: u32,
    /// Its number, counted from `first`.
    pub number: u64,
    /// Its time.
    pub nanos: i64,
}

/// Rows of several sensors in the order of their object, before they are partitioned by sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Interleaved {
    /// n rows.
    pub rows: Vec<InterleavedRow>,
    /// What is added to their numbers.
    pub first: u64,
    /// The texts of n times one after the other, where the object holds text.
    pub text: Option<Vec<u8>>,
    /// n rows of d features, row-major.
    pub features: Vec<f64>,
    /// n labels, where the request names a label column.
    pub labels: Vec<bool>,
    /// The sensor of each reading left out because it cannot be scored.
    pub skipped: Vec<u32>,
    /// The first one of each sensor.
    pub first_skipped: BTreeMap<u32, InvalidReading>,
    /// The first reading of each sensor that fails it.
    pub failed: BTreeMap<u32, InvalidReading>,
    /// Rows looked at.
    pub scanned: u64,
    /// Rows left out because they have a wrong number of fields.
    pub malformed: u64,
    /// The first of them.
    pub first_malformed: Option<Malformed>,
    /// The last row, where it may be cut off.
    pub unfinished: Option<Unfinished>,
}

impl Interleaved {
    /// Adds the row `number` of `sensor`; either all rows have a text and a label, or none has.
    pub fn push(
        &mut self,
        sensor: u32,
        number: u64,
        time: i64,
        text: Option<&[u8]>,
        features: &[f64],
        label: Option<bool>,
    ) {
        let mut text_end = 0;
        if let Some(text) = text {
            let own = self.text.get_or_insert_default();
            push_short(own, text);
            // They are handed over long before 4 GiB of text.
            text_end = u32::try_from(own.len()).unwrap_or(u32::MAX);
        }
        self.rows.push(InterleavedRow {
            sensor,
            text_end,
            number,
            nanos: time,
        });
        // One is faster without a call.
        match features {
            [feature] => self.features.push(*feature),
            features => self.features.extend_from_slice(features),
        }
        self.labels.extend(label);
    }

    /// Features of a row.
    pub fn width(&self) -> usize {
        self.features.len() / self.rows.len().max(1)
    }

    /// Where the text of row `row` starts.
    pub fn text_start(&self, row: usize) -> usize {
        row.checked_sub(1)
            .and_then(|before| self.rows.get(before))
            .map_or(0, |row| row.text_end as usize)
    }

    /// Bytes of the text of row `row`.
    pub fn text_length(&self, row: usize) -> usize {
        let end = self.rows.get(row).map_or(0, |row| row.text_end as usize);
        end.saturating_sub(self.text_start(row))
    }

    /// Bytes of memory that the rows take, with the room for more.
    pub fn bytes(&self) -> usize {
        size_of::<InterleavedRow>() * self.rows.capacity()
            + 8 * self.features.capacity()
            + self.labels.capacity()
            + self.text.as_ref().map_or(0, Vec::capacity)
    }

    /// Notes a reading of `sensor` that cannot be scored. Only the first counts: a column may hold nothing else.
    pub fn fail(&mut self, sensor: u32, error: impl FnOnce() -> InvalidReading) {
        self.failed.entry(sensor).or_insert_with(error);
    }

    /// Notes a reading of `sensor` that is left out because it cannot be scored.
    pub fn skip(&mut self, sensor: u32, error: impl FnOnce() -> InvalidReading) {
        self.skipped.push(sensor);
        self.first_skipped.entry(sensor).or_insert_with(error);
    }

    /// Lets the lines that are named count from `line`.
    pub fn count_from(&mut self, line: u64) {
        self.first = line;
        let named = self
            .failed
            .values_mut()
            .chain(self.first_skipped.values_mut());
        named.for_each(|error| error.row += line);
        if let Some(malformed) = &mut self.first_malformed {
            malformed.line += line;
        }
        if let Some(unfinished) = &mut self.unfinished {
            unfinished.line += line;
        }
    }

    /// Forgets the rows and keeps their room.
    pub fn clear(&mut self) {
        self.rows.clear();
        if let Some(text) = &mut self.text {
            text.clear();
        }
        self.features.clear();
        self.labels.clear();
        self.skipped.clear();
        self.first_skipped.clear();
        self.failed.clear();
        (self.scanned, self.malformed, self.first) = (0, 0, 0);
        (self.first_malformed, self.unfinished) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalid(row: u64) -> InvalidReading {
        InvalidReading {
            object: "a.csv".to_owned(),
            row,
            column: "Value".to_owned(),
            value: None,
            expected: "a finite number",
        }
    }

    #[test]
    fn a_sensor_fails_by_its_first_invalid_reading() {
        let mut rows = Interleaved::default();
        rows.fail(1, || invalid(7));
        rows.fail(0, || invalid(8));
        (9..10_000).for_each(|_| rows.fail(1, || panic!("no error is made")));
        let failed: Vec<_> = rows
            .failed
            .iter()
            .map(|(sensor, error)| (*sensor, error.row))
            .collect();
        assert_eq!(failed, [(0, 8), (1, 7)]);
    }
}
