//! The history: files of readings, read twice (for the sensors, then for their readings), kept by sensor as a bounded sample.
//!
//! They are read by what reads the readings of a run, so they may be as those may be, and are refused as those are.

mod files;
mod sample;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::pin::pin;

use fleetscore_crds::{OnInvalidReading, SensorKey};
use fleetscore_readings::{Chunk, KeyIndex, ReadRequest};
use futures::StreamExt as _;
use tokio::runtime::Runtime;

use super::job::Job;
use super::{Error, SensorError};
use files::Files;
use sample::Sample;

/// Bytes that reading may hold.
const MEMORY: usize = 64 << 20;

/// One sensor's history.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    /// Readings in the files, in the window.
    pub rows: u64,
    /// At most `maxRows` of them, row-major, in the files' order; or the first reading that is not one.
    pub sample: Result<Vec<f64>, SensorError>,
}

/// Reads the history of every sensor, in the order of the sensors.
pub(super) fn read(job: &Job) -> Result<Vec<(SensorKey, History)>, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Error::io(&job.data))?;
    let files = runtime.block_on(Files::list(&job.data, job.format))?;
    let sensors = sensors(job, &files, &runtime)?;
    let mut collected = Collected::new(job, &sensors);
    let request = request(job, &sensors)?;
    let mut opened = pin!(files.open());
    while let Some(file) = runtime.block_on(opened.next()) {
        let (source, format) = file?;
        let request = ReadRequest {
            format,
            ..request.clone()
        };
        fleetscore_readings::read(&source, &request, &mut |chunk| {
            collected.add(&chunk);
            ControlFlow::Continue(())
        })?;
    }
    let histories = collected.finish(sensors);
    if histories.is_empty() {
        return Err(Error::NoReadings {
            path: job.data.clone(),
            window: job.window.is_some(),
        });
    }
    Ok(histories)
}

/// The sensors that rows belong to, in their order.
fn sensors(job: &Job, files: &Files, runtime: &Runtime) -> Result<Vec<SensorKey>, Error> {
    let names: Vec<&String> = job.columns.keys.keys().collect();
    let mut sensors = BTreeSet::new();
    let mut request = request(job, &[])?;
    let mut opened = pin!(files.open());
    while let Some(file) = runtime.block_on(opened.next()) {
        let (source, format) = file?;
        request.format = format;
        for key in fleetscore_readings::keys(&source, &request)? {
            let unnamed = names.iter().zip(&key).find(|(_, value)| value.is_empty());
            if let Some((name, _)) = unnamed {
                let column = job.columns.keys.get(*name).unwrap_or(name);
                let message =
                    format!("a row has nothing in the column {column:?}, so it names no sensor");
                return Err(Error::data(Path::new(source.name()), &message));
            }
            sensors.insert(names.iter().copied().cloned().zip(key).collect());
        }
    }
    Ok(sensors.into_iter().collect())
}

fn request(job: &Job, sensors: &[SensorKey]) -> Result<ReadRequest, Error> {
    let key_names: Vec<String> = job.columns.keys.keys().cloned().collect();
    let mut columns = job.columns.clone();
    if job.window.is_none() {
        columns.time = String::new();
    }
    Ok(ReadRequest {
        format: job.format,
        columns,
        sensors: KeyIndex::new(sensors, &key_names)?,
        key_names,
        window: job.window,
        on_invalid: OnInvalidReading::Fail,
        memory: MEMORY,
        pool: None,
    })
}

/// What has come together so far, by sensor.
struct Collected {
    samples: Vec<Sample>,
    errors: Vec<Option<SensorError>>,
    features: usize,
}

impl Collected {
    fn new(job: &Job, sensors: &[SensorKey]) -> Self {
        let features = job.columns.features.len();
        Self {
            samples: vec![Sample::new(job.max_rows, features); sensors.len()],
            errors: vec![None; sensors.len()],
            features,
        }
    }

    /// Adds rows that are not labelled as anomalies.
    fn add(&mut self, chunk: &Chunk) {
        for rows in &chunk.rows {
            let Some(sample) = self.samples.get_mut(rows.sensor as usize) else {
                continue;
            };
            let anomalous = |row: usize| {
                let labels = rows.labels.as_ref();
                labels.and_then(|labels| labels.get(row)) == Some(&true)
            };
            for (row, features) in rows.features.chunks_exact(self.features).enumerate() {
                if !anomalous(row) {
                    sample.push(features);
                }
            }
        }
        for failed in &chunk.failed {
            if let Some(error) = self.errors.get_mut(failed.sensor as usize) {
                error.get_or_insert_with(|| SensorError::InvalidReading(failed.error.clone()));
            }
        }
    }

    /// The sensors that have readings, with their histories.
    fn finish(self, sensors: Vec<SensorKey>) -> Vec<(SensorKey, History)> {
        let parts = sensors.into_iter().zip(self.samples).zip(self.errors);
        let histories = parts.map(|((sensor, sample), error)| {
            let rows = sample.seen();
            let sample = error.map_or_else(|| Ok(sample.finish()), Err);
            (sensor, History { rows, sample })
        });
        histories
            .filter(|(_, history)| history.rows > 0 || history.sample.is_err())
            .collect()
    }
}
