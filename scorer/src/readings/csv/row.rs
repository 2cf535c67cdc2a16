use fleetscore_crds::OnInvalidReading;

use super::header::Layout;
use crate::readings::interleaved::Interleaved;
use crate::readings::key_index::{Lookup, push_value};
use crate::readings::partition::Partition;
use crate::readings::values::{LABEL, NUMBER, TIME, label, number, window_nanos};
use crate::readings::{InvalidReading, ReadRequest, ReadingsError, Result, TimeParser};

/// The fields of a row.
pub(super) trait Fields {
    /// The field at `position`; empty past the last one.
    fn get(&self, position: usize) -> &[u8];
    /// How many there are.
    fn count(&self) -> usize;
}

/// Makes readings of rows of text.
#[derive(Clone)]
pub(super) struct RowReader<'a> {
    object: &'a str,
    request: &'a ReadRequest,
    layout: &'a Layout,
    window: Option<(i64, i64)>,
    time: TimeParser,
    sensors: Lookup<'a>,
    features: Vec<f64>,
    /// The rows since the last hand-over.
    rows: Interleaved,
}

/// A row with a wrong number of fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ragged {
    line: u64,
    found: usize,
}

/// A field that cannot be read.
struct Invalid<'a> {
    column: &'a str,
    position: usize,
    expected: &'static str,
}

impl<'a> RowReader<'a> {
    pub fn new(object: &'a str, request: &'a ReadRequest, layout: &'a Layout) -> Result<Self> {
        Ok(Self {
            object,
            request,
            layout,
            window: request.window.map(window_nanos),
            time: TimeParser::new(&request.columns.time_zone)?,
            sensors: Lookup::new(&request.sensors),
            features: Vec::with_capacity(layout.features.len()),
            rows: Interleaved::default(),
        })
    }

    /// Takes the row at `line`, unless it is of one of the `failed` sensors. Errors: it has another number of fields than the
    /// header, and the policy is to fail.
    pub fn take(
        &mut self,
        line: u64,
        fields: &impl Fields,
        failed: &[bool],
    ) -> std::result::Result<(), Ragged> {
        self.rows.scanned += 1;
        let skip = self.request.on_invalid == OnInvalidReading::Skip;
        let found = fields.count();
        if found != self.layout.fields {
            if !skip {
                return Err(Ragged { line, found });
            }
            self.rows.malformed += 1;
            return Ok(());
        }
        let keys = &self.layout.keys;
        let values = keys.iter().map(|key| fields.get(*key));
        let sensor = self.sensors.find(
            |wanted| {
                values
                    .clone()
                    .zip(wanted)
                    .all(|(value, wanted)| value == wanted.text.as_bytes())
            },
            |joined| {
                values.clone().for_each(|value| push_value(joined, value));
                true
            },
        );
        let Some(sensor) = sensor else {
            return Ok(());
        };
        if failed.get(sensor as usize).is_none_or(|failed| *failed) {
            return Ok(());
        }
        match self.reading(sensor, line, fields) {
            Ok(()) => {}
            Err(_) if skip => self.rows.skipped.push(sensor),
            Err(invalid) => {
                let object = self.object;
                self.rows.fail(sensor, || InvalidReading {
                    object: object.to_owned(),
                    row: line,
                    column: invalid.column.to_owned(),
                    value: Some(InvalidReading::excerpt(fields.get(invalid.position))),
                    expected: invalid.expected,
                });
            }
        }
        Ok(())
    }

    /// Hands over the rows so far, whose lines count from `line`.
    pub fn hand_over(&mut self, line: u64, partition: &mut Partition<'_>) {
        self.rows.first = line;
        for error in self.rows.failed.values_mut() {
            error.row += line;
        }
        partition.add(&self.rows);
        self.rows.clear();
    }

    /// The error of a row with a wrong number of fields; its line counts from `line`.
    pub fn ragged(&self, ragged: &Ragged, line: u64) -> ReadingsError {
        ReadingsError::Ragged {
            object: self.object.to_owned(),
            line: line + ragged.line,
            found: ragged.found,
            expected: self.layout.fields,
        }
    }

    /// Parses the row and adds it to the sensor's, unless it is outside the window.
    fn reading(
        &mut self,
        sensor: u32,
        line: u64,
        fields: &impl Fields,
    ) -> std::result::Result<(), Invalid<'a>> {
        let (columns, layout) = (&self.request.columns, self.layout);
        let invalid = |column: &'a String, position, expected| Invalid {
            column,
            position,
            expected,
        };
        let text = fields.get(layout.time);
        let time = self
            .time
            .parse(text)
            .ok_or_else(|| invalid(&columns.time, layout.time, TIME))?;
        if self
            .window
            .is_some_and(|(start, end)| time < start || time >= end)
        {
            return Ok(());
        }
        self.features.clear();
        for (column, position) in columns.features.iter().zip(&layout.features) {
            let number =
                number(fields.get(*position)).ok_or_else(|| invalid(column, *position, NUMBER))?;
            self.features.push(number);
        }
        let label = match (&columns.label, layout.label) {
            (Some(column), Some(position)) => {
                Some(label(fields.get(position)).ok_or_else(|| invalid(column, position, LABEL))?)
            }
            _ => None,
        };
        self.rows
            .push(sensor, line, time, Some(text), &self.features, label);
        Ok(())
    }
}
