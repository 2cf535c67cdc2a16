use std::collections::HashMap;
use std::path::Path;

use fleetscore_crds::SensorKey;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::History;
use super::sample::Sample;
use crate::train::job::Job;
use crate::train::{Error, SensorError};

/// Between two keys of a sensor: a byte that no text contains.
const SEPARATOR: u8 = 0xff;

/// One row of a file. An `Err` holds the cell as text, for the message.
pub(super) trait Row {
    /// The value of the key at `index` in the order of the keys' names.
    fn key(&self, index: usize) -> Result<&str, String>;
    /// The time; only asked for where there is a window.
    fn time(&self, zone: &TimeZone) -> Result<Timestamp, String>;
    /// Whether the reading is labelled as an anomaly; only asked for where the columns name a label.
    fn anomalous(&self) -> Result<bool, String>;
    /// The feature at `index`, a finite number.
    fn feature(&self, index: usize) -> Result<f64, String>;
}

/// Gathers readings by sensor.
pub(super) struct Collector<'job> {
    job: &'job Job,
    zone: TimeZone,
    sensors: HashMap<Vec<u8>, Entry>,
    key: Vec<u8>,
    values: Vec<f64>,
}

struct Entry {
    sample: Sample,
    error: Option<SensorError>,
}

impl<'job> Collector<'job> {
    /// Nothing yet.
    pub(super) fn new(job: &'job Job) -> Result<Self, Error> {
        let zone = fleetscore_ticks::time_zone(&job.columns.time_zone).map_err(|error| {
            Error::Invalid {
                field: "spec.data.columns.timeZone",
                message: error.to_string(),
            }
        })?;
        Ok(Self {
            job,
            zone,
            sensors: HashMap::new(),
            key: Vec::new(),
            values: Vec::new(),
        })
    }

    /// Takes row `number` (from 1, the header not counted) of `file`. Fails where the row's sensor cannot be told; anything
    /// else that is wrong with it is that sensor's error.
    pub(super) fn push(&mut self, file: &Path, number: u64, row: &impl Row) -> Result<(), Error> {
        self.read_key(file, number, row)?;
        let wanted = self.read_values(row);
        if wanted == Ok(false) {
            return Ok(());
        }
        if !self.sensors.contains_key(&self.key) {
            let sample = Sample::new(self.job.max_rows, self.job.columns.features.len());
            self.sensors.insert(
                self.key.clone(),
                Entry {
                    sample,
                    error: None,
                },
            );
        }
        let Some(entry) = self.sensors.get_mut(&self.key) else {
            return Ok(());
        };
        entry.sample.push(&self.values);
        if let (Err(cell), None) = (wanted, &entry.error) {
            entry.error = Some(cell.error(file, number));
        }
        Ok(())
    }

    fn read_key(&mut self, file: &Path, number: u64, row: &impl Row) -> Result<(), Error> {
        self.key.clear();
        for (index, column) in self.job.columns.keys.values().enumerate() {
            let value = row.key(index).map_err(|shown| {
                Error::data(
                    file,
                    &format!("row {number}, column {column}: `{shown}` names no sensor"),
                )
            })?;
            if index > 0 {
                self.key.push(SEPARATOR);
            }
            self.key.extend_from_slice(value.as_bytes());
        }
        Ok(())
    }

    /// Puts the features in `values`; false where the row is not for training.
    fn read_values(&mut self, row: &impl Row) -> Result<bool, BadCell> {
        let columns = &self.job.columns;
        self.values.clear();
        self.values.resize(columns.features.len(), f64::NAN);
        if let Some(window) = &self.job.window {
            let time = row
                .time(&self.zone)
                .map_err(|shown| BadCell::new(&columns.time, shown, "time"))?;
            if time < window.start || time >= window.end {
                return Ok(false);
            }
        }
        if let Some(label) = &columns.label
            && row
                .anomalous()
                .map_err(|shown| BadCell::new(label, shown, "label (0, 1, false, true)"))?
        {
            return Ok(false);
        }
        for (index, (column, value)) in columns.features.iter().zip(&mut self.values).enumerate() {
            *value = row
                .feature(index)
                .map_err(|shown| BadCell::new(column, shown, "finite number"))?;
        }
        Ok(true)
    }

    /// What came together, in the order of the sensors.
    pub(super) fn finish(self) -> Vec<(SensorKey, History)> {
        let names: Vec<&String> = self.job.columns.keys.keys().collect();
        let mut histories: Vec<(SensorKey, History)> = self
            .sensors
            .into_iter()
            .map(|(key, entry)| {
                let values = key
                    .split(|byte| *byte == SEPARATOR)
                    .map(String::from_utf8_lossy);
                let sensor = names.iter().copied().cloned().zip(values).collect();
                (
                    sensor,
                    History {
                        rows: entry.sample.seen(),
                        sample: entry.error.map_or_else(|| Ok(entry.sample.finish()), Err),
                    },
                )
            })
            .collect();
        histories.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        histories
    }
}

/// A cell that is not what its column should hold.
#[derive(Debug, PartialEq)]
struct BadCell {
    column: String,
    value: String,
    expected: &'static str,
}

impl BadCell {
    fn new(column: &str, value: String, expected: &'static str) -> Self {
        Self {
            column: column.to_owned(),
            value,
            expected,
        }
    }

    fn error(self, file: &Path, row: u64) -> SensorError {
        let Self {
            column,
            value,
            expected,
        } = self;
        SensorError::InvalidReading {
            file: file.display().to_string(),
            row,
            column,
            value,
            expected,
        }
    }
}
