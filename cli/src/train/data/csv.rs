use std::fs::File;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::collector::{Collector, Row};
use super::time::{parse_label, parse_time};
use crate::train::Error;
use crate::train::job::Job;

/// Longest piece of a cell that a message shows.
const SHOWN: usize = 40;

/// Hands every row of the CSV file `path` to `collector`.
pub(super) fn read(path: &Path, job: &Job, collector: &mut Collector<'_>) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut reader = ReaderBuilder::new()
        .buffer_capacity(1 << 20)
        .from_reader(file);
    let header = reader
        .byte_headers()
        .map_err(|error| Error::data(path, &error))?
        .clone();
    let places = Places::find(&header, job).map_err(|message| Error::data(path, &message))?;
    let mut record = ByteRecord::new();
    let mut number = 0;
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| Error::data(path, &error))?
    {
        number += 1;
        collector.push(
            path,
            number,
            &CsvRow {
                record: &record,
                places: &places,
            },
        )?;
    }
    Ok(())
}

/// Where the wanted columns are.
struct Places {
    keys: Vec<usize>,
    features: Vec<usize>,
    time: Option<usize>,
    label: Option<usize>,
}

impl Places {
    fn find(header: &ByteRecord, job: &Job) -> Result<Self, String> {
        let find = |name: &String| {
            let place = header
                .iter()
                .position(|column| trim(column) == name.as_bytes());
            place.ok_or_else(|| {
                let there: Vec<_> = header
                    .iter()
                    .map(|column| String::from_utf8_lossy(trim(column)))
                    .collect();
                format!(
                    "there is no column `{name}`; the header has {}",
                    there.join(", ")
                )
            })
        };
        let columns = &job.columns;
        Ok(Self {
            keys: columns.keys.values().map(find).collect::<Result<_, _>>()?,
            features: columns
                .features
                .iter()
                .map(find)
                .collect::<Result<_, _>>()?,
            time: job
                .window
                .is_some()
                .then(|| find(&columns.time))
                .transpose()?,
            label: columns.label.as_ref().map(find).transpose()?,
        })
    }
}

struct CsvRow<'a> {
    record: &'a ByteRecord,
    places: &'a Places,
}

impl CsvRow<'_> {
    fn text(&self, place: Option<usize>) -> Result<&str, String> {
        let cell = trim(
            place
                .and_then(|place| self.record.get(place))
                .unwrap_or_default(),
        );
        std::str::from_utf8(cell).map_err(|_| shown(&String::from_utf8_lossy(cell)))
    }
}

impl Row for CsvRow<'_> {
    fn key(&self, index: usize) -> Result<&str, String> {
        let text = self.text(self.places.keys.get(index).copied())?;
        if text.is_empty() {
            Err(String::new())
        } else {
            Ok(text)
        }
    }

    fn time(&self, zone: &TimeZone) -> Result<Timestamp, String> {
        let text = self.text(self.places.time)?;
        parse_time(text, zone).ok_or_else(|| shown(text))
    }

    fn anomalous(&self) -> Result<bool, String> {
        let text = self.text(self.places.label)?;
        parse_label(text).ok_or_else(|| shown(text))
    }

    fn feature(&self, index: usize) -> Result<f64, String> {
        let text = self.text(self.places.features.get(index).copied())?;
        let number: Option<f64> = text.parse().ok();
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| shown(text))
    }
}

/// Without spaces around it, and without the byte order mark that some programs put before the first column.
fn trim(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(cell)
        .trim_ascii()
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
