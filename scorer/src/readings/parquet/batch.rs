use std::collections::VecDeque;
use std::ops::Range;

use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::ArrowError;
use fleetscore_crds::OnInvalidReading;

use super::column::{self, Instants, Keys};
use super::prune::Pruned;
use super::schema::{Column, Layout};
use crate::readings::interleaved::Interleaved;
use crate::readings::key_index::Lookup;
use crate::readings::partition::Partition;
use crate::readings::values::{LABEL, NUMBER, TIME, window_nanos};
use crate::readings::{InvalidReading, ReadRequest, ReadingsError, Result, TimeParser};

/// Makes readings of record batches.
pub(super) struct BatchReader<'a> {
    object: &'a str,
    request: &'a ReadRequest,
    layout: &'a Layout,
    window: Option<(i64, i64)>,
    time: TimeParser,
    /// Rows of the file that are still to come.
    to_come: VecDeque<Range<u64>>,
    sensors: Lookup<'a>,
    features: Vec<f64>,
    /// The rows of the current batch.
    rows: Interleaved,
}

/// The columns of a batch, converted.
struct Columns {
    keys: Vec<Keys>,
    time: Instants,
    features: Vec<Float64Array>,
    labels: Option<Vec<Option<bool>>>,
}

/// A value that cannot be read: its column, and what was expected.
struct Invalid<'a> {
    column: &'a Column,
    expected: &'static str,
}

impl<'a> BatchReader<'a> {
    pub fn new(
        object: &'a str,
        request: &'a ReadRequest,
        layout: &'a Layout,
        pruned: &Pruned,
    ) -> Result<Self> {
        Ok(Self {
            object,
            request,
            layout,
            window: request.window.map(window_nanos),
            time: TimeParser::new(&request.columns.time_zone)?,
            to_come: pruned.rows.iter().cloned().collect(),
            sensors: Lookup::new(&request.sensors),
            features: Vec::with_capacity(layout.features.len()),
            rows: Interleaved::default(),
        })
    }

    /// Takes the next batch and hands its rows over.
    pub fn take(&mut self, batch: &RecordBatch, partition: &mut Partition<'_>) -> Result<()> {
        let columns = self
            .columns(batch)
            .map_err(|error| ReadingsError::unreadable(self.object, error.to_string()))?;
        for row in 0..batch.num_rows() {
            self.take_row(batch, &columns, row, partition.failed());
        }
        self.rows.scanned += batch.num_rows() as u64;
        self.advance(batch.num_rows() as u64);
        partition.add(&self.rows);
        self.rows.clear();
        Ok(())
    }

    fn columns(&mut self, batch: &RecordBatch) -> column::Result<Columns> {
        let layout = self.layout;
        let array = |column: &Column| array_of(batch, column);
        let keys = layout
            .keys
            .iter()
            .map(|key| Keys::new(array(key)?))
            .collect::<column::Result<_>>()?;
        let features = layout
            .features
            .iter()
            .map(|feature| column::numbers(array(feature)?));
        Ok(Columns {
            keys,
            time: Instants::new(array(&layout.time)?, &mut self.time)?,
            features: features.collect::<column::Result<_>>()?,
            labels: layout
                .label
                .as_ref()
                .map(|label| column::labels(array(label)?))
                .transpose()?,
        })
    }

    fn take_row(&mut self, batch: &RecordBatch, columns: &Columns, row: usize, failed: &[bool]) {
        let keys = &columns.keys;
        let sensor = self.sensors.find(
            |values| {
                keys.iter()
                    .zip(values)
                    .all(|(keys, value)| keys.has(row, value))
            },
            |joined| keys.iter().all(|keys| keys.push(row, joined)),
        );
        let Some(sensor) = sensor else {
            return;
        };
        if failed.get(sensor as usize).is_none_or(|failed| *failed) {
            return;
        }
        let skip = self.request.on_invalid == OnInvalidReading::Skip;
        match self.reading(sensor, columns, row) {
            Ok(()) => {}
            Err(_) if skip => self.rows.skipped.push(sensor),
            Err(invalid) => {
                let (object, row_number) = (self.object, self.row_number(row));
                self.rows.fail(sensor, || InvalidReading {
                    object: object.to_owned(),
                    row: row_number,
                    column: invalid.column.name.clone(),
                    value: value_text(batch, invalid.column, row),
                    expected: invalid.expected,
                });
            }
        }
    }

    /// Adds the row to the sensor's, unless it is outside the window.
    fn reading(
        &mut self,
        sensor: u32,
        columns: &Columns,
        row: usize,
    ) -> std::result::Result<(), Invalid<'a>> {
        let layout = self.layout;
        let time = columns.time.nanos.get(row).copied().flatten();
        let time = time.ok_or(Invalid {
            column: &layout.time,
            expected: TIME,
        })?;
        if self
            .window
            .is_some_and(|(start, end)| time < start || time >= end)
        {
            return Ok(());
        }
        self.features.clear();
        for (column, values) in layout.features.iter().zip(&columns.features) {
            let number = values
                .is_valid(row)
                .then(|| values.value(row))
                .filter(|number| number.is_finite());
            self.features.push(number.ok_or(Invalid {
                column,
                expected: NUMBER,
            })?);
        }
        let label = match (&layout.label, &columns.labels) {
            (Some(column), Some(labels)) => {
                let label = labels.get(row).copied().flatten();
                Some(label.ok_or(Invalid {
                    column,
                    expected: LABEL,
                })?)
            }
            _ => None,
        };
        let text = columns
            .time
            .text
            .as_ref()
            .map(|text| text.value(row).as_bytes());
        let number = self.row_number(row);
        self.rows
            .push(sensor, number, time, text, &self.features, label);
        Ok(())
    }

    /// The row of the file, from 1, that row `row` of the current batch is.
    fn row_number(&self, row: usize) -> u64 {
        let mut left = row as u64;
        for range in &self.to_come {
            let length = range.end - range.start;
            if left < length {
                return range.start + left + 1;
            }
            left -= length;
        }
        0
    }

    /// Moves past the rows of a batch.
    fn advance(&mut self, mut rows: u64) {
        while let Some(range) = self.to_come.front_mut() {
            let step = rows.min(range.end - range.start);
            range.start += step;
            rows -= step;
            if range.start < range.end {
                return;
            }
            self.to_come.pop_front();
        }
    }
}

fn array_of<'b>(batch: &'b RecordBatch, column: &Column) -> column::Result<&'b ArrayRef> {
    let missing =
        || ArrowError::SchemaError(format!("column {:?} is not in the batch", column.name));
    batch.column_by_name(&column.name).ok_or_else(missing)
}

fn value_text(batch: &RecordBatch, column: &Column, row: usize) -> Option<String> {
    let array = array_of(batch, column).ok()?;
    let text = array
        .is_valid(row)
        .then(|| array_value_to_string(array, row).ok())?;
    text.map(|text| InvalidReading::excerpt(text.as_bytes()))
}
