use std::collections::VecDeque;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::ArrowError;
use fleetscore_crds::OnInvalidReading;

use super::column::{self, Instants, Keys};
use super::prune::Pruned;
use super::schema::{Column, Layout};
use super::wide;
use crate::readings::interleaved::Interleaved;
use crate::readings::key_index::Lookup;
use crate::readings::partition::Partition;
use crate::readings::time::OUT_OF_RANGE;
use crate::readings::values::{LABEL, NUMBER, window_nanos};
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
    /// None where no time is asked for.
    time: Option<Instants>,
    /// The milliseconds of the times, where their nanoseconds may have run over.
    millis: Option<Vec<Option<i64>>>,
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

    /// Takes the next batch and hands its rows over. `millis`: see [`wide::WideTimes`].
    pub fn take(
        &mut self,
        batch: &RecordBatch,
        millis: Option<Vec<Option<i64>>>,
        partition: &mut Partition<'_>,
    ) -> Result<()> {
        let columns = self
            .columns(batch, millis)
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

    fn columns(
        &mut self,
        batch: &RecordBatch,
        millis: Option<Vec<Option<i64>>>,
    ) -> column::Result<Columns> {
        let layout = self.layout;
        let array = |column: &Column| array_of(batch, column);
        let keys = layout
            .keys
            .iter()
            .map(|key| Keys::new(&array(key)?))
            .collect::<column::Result<_>>()?;
        let features = layout
            .features
            .iter()
            .map(|feature| column::numbers(&array(feature)?));
        let time = layout.time.as_ref().map(|time| {
            let times = array(time)?;
            Instants::new(&times, millis.as_deref(), &mut self.time)
        });
        Ok(Columns {
            keys,
            time: time.transpose()?,
            millis,
            features: features.collect::<column::Result<_>>()?,
            labels: layout
                .label
                .as_ref()
                .map(|label| column::labels(&array(label)?))
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
            Err(invalid) => {
                let (object, row_number) = (self.object, self.row_number(row));
                let error = || InvalidReading {
                    object: object.to_owned(),
                    row: row_number,
                    column: invalid.column.name.clone(),
                    value: value_text(batch, columns, invalid.column, row),
                    expected: invalid.expected,
                };
                if skip {
                    self.rows.skip(sensor, error);
                } else {
                    self.rows.fail(sensor, error);
                }
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
        let (time, text) = match (&layout.time, &columns.time) {
            (Some(column), Some(times)) => {
                let text = times.text.as_ref();
                let text = text.map(|text| text.value(row).as_bytes());
                let time = times.nanos.get(row).copied().flatten();
                let expected = || text.map_or(OUT_OF_RANGE, TimeParser::expected);
                let time = time.ok_or_else(|| Invalid {
                    column,
                    expected: expected(),
                })?;
                (time, text)
            }
            _ => (0, None),
        };
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

/// The values of a column, which may be in a group: where a group is absent, so are they.
pub(super) fn array_of(batch: &RecordBatch, column: &Column) -> column::Result<ArrayRef> {
    let missing =
        || ArrowError::SchemaError(format!("column {:?} is not in the batch", column.name));
    let (root, path) = column.path.split_first().ok_or_else(missing)?;
    let mut array = batch.column_by_name(root).ok_or_else(missing)?.clone();
    for name in path {
        let group = array.as_struct_opt().ok_or_else(missing)?;
        let (fields, arrays) = group.flatten();
        let (position, _) = fields.find(name).ok_or_else(missing)?;
        array = arrays.into_iter().nth(position).ok_or_else(missing)?;
    }
    Ok(array)
}

fn value_text(
    batch: &RecordBatch,
    columns: &Columns,
    column: &Column,
    row: usize,
) -> Option<String> {
    if let Some(millis) = &columns.millis
        && column.is_int96
    {
        return millis.get(row).copied().flatten().map(wide::text);
    }
    let array = array_of(batch, column).ok()?;
    let text = array
        .is_valid(row)
        .then(|| array_value_to_string(&array, row).ok())?;
    text.map(|text| InvalidReading::excerpt(text.as_bytes()))
}
