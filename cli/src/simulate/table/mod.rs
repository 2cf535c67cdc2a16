//! Files of readings: CSV and Parquet behind one face.

mod clock;
mod csv;
mod parquet;

use std::path::Path;

use super::plant::Place;
use super::{Error, Format, TimeFormat};

pub(super) use clock::Clock;

/// What every row of a file has in common.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The file format.
    pub format: Format,
    /// How CSV writes times.
    pub time_format: TimeFormat,
    /// Names of the feature columns.
    pub features: Vec<String>,
    /// Whether the column Label is there.
    pub labelled: bool,
}

/// One reading of one sensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Milliseconds since 1970.
    pub time: i64,
    /// The sensor.
    pub place: Place,
    /// In ten-thousandths.
    pub values: &'a [i64],
    /// Whether it belongs to an anomaly.
    pub anomalous: bool,
}

/// A file of readings that is being written.
pub(super) trait Table {
    /// Appends a row.
    fn push(&mut self, row: Row<'_>) -> Result<(), Error>;
    /// Writes what is still held back and closes the file.
    fn finish(self: Box<Self>) -> Result<(), Error>;
}

/// Creates the file `path` and the folders above it.
pub(super) fn create(path: &Path, layout: &Layout) -> Result<Box<dyn Table>, Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    }
    let file = std::fs::File::create(path).map_err(Error::io(path))?;
    Ok(match layout.format {
        Format::Csv => Box::new(csv::CsvTable::new(path, file, layout)?),
        Format::Parquet => Box::new(parquet::ParquetTable::new(path, file, layout)?),
    })
}
