use std::collections::VecDeque;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_cast::display::array_value_to_string;
use arrow_schema::ArrowError;
use fleetscore_crds::OnInvalidReading;

use super::column::{self, Instants, Keys};
use super::order::BySensor;
use super::schema::{Column, Layout};
use super::sensors::{NONE, Sensors};
use super::wide;
use crate::interleaved::{Interleaved, InterleavedRow};
use crate::time::OUT_OF_RANGE;
use crate::values::{LABEL, NUMBER, window_nanos};
use crate::{InvalidReading, ReadRequest, ReadingsError, Result, TimeParser};

/// Makes readings of record batches, column by column.
pub(super) struct BatchReader<'a> {
    object: &'a str,
    layout: &'a Layout,
    skip_invalid: bool,
    window: Option<(i64, i64)>,
    time: TimeParser,
    /// Rows of the file that are still to come.
    to_come: VecDeque<Range<u64>>,
    sensors: Sensors<'a>,
    /// The sensor of each row of the current batch.
    found: Vec<u32>,
    /// The rows of the current batch that are handed over.
    kept: Vec<u32>,
    order: BySensor,
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
    pub fn new(object: &'a str, request: &'a ReadRequest, layout: &'a Layout) -> Result<Self> {
        Ok(Self {
            object,
            layout,
            skip_invalid: request.on_invalid == OnInvalidReading::Skip,
            window: request.window.map(window_nanos),
            time: TimeParser::new(&request.columns.time_zone)?,
            to_come: VecDeque::new(),
            sensors: Sensors::new(&request.sensors),
            found: Vec::new(),
            kept: Vec::new(),
            order: BySensor::new(request.sensors.len()),
        })
    }

    /// The next batches are these rows of the row group that begins with row `first` of the file, from 0.
    pub fn enter(&mut self, first: u64, rows: &[Range<usize>]) {
        let row = |position: usize| first.saturating_add(position as u64);
        let rows = rows.iter().map(|range| row(range.start)..row(range.end));
        self.to_come = rows.collect();
    }

    /// Takes the next batch and adds its rows to `rows`, those of a sensor in their order. `millis`: see [`wide`].
    pub fn take(
        &mut self,
        batch: &RecordBatch,
        millis: Option<Vec<Option<i64>>>,
        rows: &mut Interleaved,
    ) -> Result<()> {
        let columns = self
            .columns(batch, millis)
            .map_err(|error| ReadingsError::unreadable(self.object, error.to_string()))?;
        self.sensors
            .find(&columns.keys, batch.num_rows(), &mut self.found);
        self.select(batch, &columns, rows);
        self.order.sort(&self.found, &mut self.kept);
        self.copy(&columns, rows);
        rows.scanned += batch.num_rows() as u64;
        self.advance(batch.num_rows() as u64);
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

    /// Keeps the rows that are a sensor's, in the window, and can be scored.
    fn select(&mut self, batch: &RecordBatch, columns: &Columns, rows: &mut Interleaved) {
        let sound = columns.are_sound();
        self.kept.clear();
        for (row, sensor) in (0..).zip(&self.found) {
            if *sensor == NONE {
                continue;
            }
            let place = row as usize;
            let checked = self
                .is_in_window(columns, place)
                .and_then(|inside| match inside {
                    true if !sound => columns.check(self.layout, place).map(|()| true),
                    inside => Ok(inside),
                });
            match checked {
                Ok(true) => self.kept.push(row),
                Ok(false) => {}
                Err(invalid) => {
                    let error = || self.error(batch, columns, &invalid, place);
                    if self.skip_invalid {
                        rows.skip(*sensor, error);
                    } else {
                        rows.fail(*sensor, error);
                    }
                }
            }
        }
    }

    /// Whether a row is in the window; an error where it has no time.
    fn is_in_window(
        &self,
        columns: &Columns,
        row: usize,
    ) -> std::result::Result<bool, Invalid<'a>> {
        let time = match (&self.layout.time, &columns.time) {
            (Some(column), Some(times)) => {
                if !times.is_valid(row) {
                    let text = times.text.as_ref();
                    let expected = text.map_or(OUT_OF_RANGE, |text| {
                        TimeParser::expected(text.value(row).as_bytes())
                    });
                    return Err(Invalid { column, expected });
                }
                times.nanos.get(row).copied().unwrap_or_default()
            }
            _ => 0,
        };
        Ok(self
            .window
            .is_none_or(|(start, end)| time >= start && time < end))
    }

    fn error(
        &self,
        batch: &RecordBatch,
        columns: &Columns,
        invalid: &Invalid<'_>,
        row: usize,
    ) -> InvalidReading {
        InvalidReading {
            object: self.object.to_owned(),
            row: self.row_number(row),
            column: invalid.column.name.clone(),
            value: value_text(batch, columns, invalid.column, row),
            expected: invalid.expected,
        }
    }

    /// Adds the kept rows.
    fn copy(&self, columns: &Columns, rows: &mut Interleaved) {
        let kept = || self.kept.iter().map(|row| *row as usize);
        let first = self.to_come.front().and_then(|range| {
            let all = range.end - range.start >= self.found.len() as u64;
            all.then_some(range.start + 1)
        });
        let nanos = columns.time.as_ref().map(|times| times.nanos.as_slice());
        let text = columns.time.as_ref().and_then(|times| times.text.as_ref());
        let own = text.map(|_| rows.text.get_or_insert_default());
        let mut text = text.zip(own);
        rows.rows.extend(kept().map(|row| {
            let mut text_end = 0;
            if let Some((text, own)) = &mut text {
                own.extend_from_slice(text.value(row).as_bytes());
                // They are handed over long before 4 GiB of text.
                text_end = u32::try_from(own.len()).unwrap_or(u32::MAX);
            }
            let nanos = nanos.and_then(|nanos| nanos.get(row).copied());
            InterleavedRow {
                sensor: self.found.get(row).copied().unwrap_or(NONE),
                text_end,
                number: first.map_or_else(|| self.row_number(row), |first| first + row as u64),
                nanos: nanos.unwrap_or_default(),
            }
        }));
        copy_features(&columns.features, kept(), &mut rows.features);
        if let Some(labels) = &columns.labels {
            let labels = kept().map(|row| labels.get(row).copied().flatten().unwrap_or_default());
            rows.labels.extend(labels);
        }
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

impl Columns {
    /// Whether every feature of every row is a finite number, and there are no labels to check.
    fn are_sound(&self) -> bool {
        let finite = |values: &Float64Array| {
            values.null_count() == 0 && values.values().iter().all(|value| value.is_finite())
        };
        self.labels.is_none() && self.features.iter().all(finite)
    }

    /// Checks the features and the label of a row.
    fn check<'a>(&self, layout: &'a Layout, row: usize) -> std::result::Result<(), Invalid<'a>> {
        for (column, values) in layout.features.iter().zip(&self.features) {
            if !(values.is_valid(row) && values.value(row).is_finite()) {
                return Err(Invalid {
                    column,
                    expected: NUMBER,
                });
            }
        }
        match (&layout.label, &self.labels) {
            (Some(column), Some(labels)) if labels.get(row).copied().flatten().is_none() => {
                Err(Invalid {
                    column,
                    expected: LABEL,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Adds the features of some rows, row by row.
fn copy_features(
    columns: &[Float64Array],
    kept: impl ExactSizeIterator<Item = usize> + Clone,
    features: &mut Vec<f64>,
) {
    let value = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    if let [column] = columns {
        let values: &[f64] = column.values();
        features.extend(kept.map(|row| value(values, row)));
        return;
    }
    let (before, width) = (features.len(), columns.len());
    features.resize(before + kept.len() * width, f64::NAN);
    let added = features.get_mut(before..).unwrap_or_default();
    for (position, column) in columns.iter().enumerate() {
        let values: &[f64] = column.values();
        for (features, row) in added.chunks_exact_mut(width).zip(kept.clone()) {
            if let Some(feature) = features.get_mut(position) {
                *feature = value(values, row);
            }
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
