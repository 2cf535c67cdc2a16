use std::collections::VecDeque;
use std::ops::Range;

use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::ArrowError;

use super::column::{self, Instants, Keys};
use super::prune::Pruned;
use super::schema::{Column, Layout};
use crate::readings::partition::Partition;
use crate::readings::values::{LABEL, NUMBER, TIME, window_nanos};
use crate::readings::{InvalidReading, ReadRequest, ReadingsError, Result, TimeParser};

/// Makes readings of record batches.
pub(super) struct BatchReader<'a, 'p> {
    object: &'a str,
    request: &'a ReadRequest,
    layout: &'a Layout,
    window: Option<(i64, i64)>,
    time: TimeParser,
    partition: &'a mut Partition<'p>,
    /// Rows of the file that are still to come.
    rows: VecDeque<Range<u64>>,
    joined: Vec<u8>,
    features: Vec<f64>,
    /// Rows seen.
    pub scanned: u64,
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

impl<'a, 'p> BatchReader<'a, 'p> {
    pub fn new(
        object: &'a str,
        request: &'a ReadRequest,
        layout: &'a Layout,
        pruned: &Pruned,
        partition: &'a mut Partition<'p>,
    ) -> Result<Self> {
        Ok(Self {
            object,
            request,
            layout,
            window: request.window.map(window_nanos),
            time: TimeParser::new(&request.columns.time_zone)?,
            partition,
            rows: pruned.rows.iter().cloned().collect(),
            joined: Vec::new(),
            features: Vec::with_capacity(layout.features.len()),
            scanned: 0,
        })
    }

    /// Takes the next batch and hands over what is ready.
    pub fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = self
            .columns(batch)
            .map_err(|error| ReadingsError::unreadable(self.object, error.to_string()))?;
        for row in 0..batch.num_rows() {
            self.take_row(batch, &columns, row);
        }
        self.scanned += batch.num_rows() as u64;
        self.advance(batch.num_rows() as u64);
        self.partition.hand_over();
        Ok(())
    }

    /// Whether no more rows are wanted.
    pub fn done(&self) -> bool {
        self.partition.done()
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

    fn take_row(&mut self, batch: &RecordBatch, columns: &Columns, row: usize) {
        let Some(sensor) = self.sensor(columns, row) else {
            return;
        };
        if !self.partition.wants(sensor) {
            return;
        }
        if let Err(invalid) = self.reading(sensor, columns, row) {
            let (object, number) = (self.object, self.row_number(row));
            self.partition.invalid(sensor, || InvalidReading {
                object: object.to_owned(),
                row: number,
                column: invalid.column.name.clone(),
                value: value_text(batch, invalid.column, row),
                expected: invalid.expected,
            });
        }
    }

    fn sensor(&mut self, columns: &Columns, row: usize) -> Option<u32> {
        self.joined.clear();
        let joined = &mut self.joined;
        let complete = columns.keys.iter().all(|keys| keys.push(row, joined));
        if complete {
            self.request.sensors.find_joined(joined)
        } else {
            None
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
        self.partition
            .push(sensor, time, text, &self.features, label);
        Ok(())
    }

    /// The row of the file, from 1, that row `row` of the current batch is.
    fn row_number(&self, row: usize) -> u64 {
        let mut left = row as u64;
        for range in &self.rows {
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
        while let Some(range) = self.rows.front_mut() {
            let step = rows.min(range.end - range.start);
            range.start += step;
            rows -= step;
            if range.start < range.end {
                return;
            }
            self.rows.pop_front();
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
