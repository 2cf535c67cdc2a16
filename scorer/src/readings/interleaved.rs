use std::collections::BTreeMap;

use super::{InvalidReading, Malformed, TimeText, Times, Unfinished};

/// Rows of several sensors in the order of their object, before they are partitioned by sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Interleaved {
    /// The sensor of each of n rows.
    pub sensors: Vec<u32>,
    /// The number of each of n rows, counted from `first`.
    pub numbers: Vec<u64>,
    /// What is added to the numbers.
    pub first: u64,
    /// n times.
    pub times: Times,
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
        self.sensors.push(sensor);
        self.numbers.push(number);
        self.times.nanos.push(time);
        if let Some(text) = text {
            self.times
                .text
                .get_or_insert_with(TimeText::default)
                .push(text);
        }
        self.features.extend_from_slice(features);
        self.labels.extend(label);
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
        self.sensors.clear();
        self.numbers.clear();
        self.times.clear();
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
