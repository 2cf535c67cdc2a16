//! The history: files of readings, read once, kept by sensor as a bounded sample.

mod collector;
mod csv;
mod files;
mod parquet;
mod sample;
mod time;

use fleetscore_crds::{ReadingFormat, SensorKey};

use super::job::Job;
use super::{Error, SensorError};

use collector::Collector;

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
    let mut collector = Collector::new(job)?;
    for (path, format) in files::list(&job.data, job.format)? {
        match format {
            ReadingFormat::Parquet => parquet::read(&path, job, &mut collector)?,
            ReadingFormat::Csv | ReadingFormat::Auto => csv::read(&path, job, &mut collector)?,
        }
    }
    let histories = collector.finish();
    if histories.is_empty() {
        return Err(Error::NoReadings {
            path: job.data.clone(),
            window: job.window.is_some(),
        });
    }
    Ok(histories)
}
