use fleetscore_crds::OnInvalidReading;

use super::header::Layout;
use crate::readings::key_index::push_value;
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
pub(super) struct RowReader<'a, 'p> {
    object: &'a str,
    request: &'a ReadRequest,
    layout: &'a Layout,
    window: Option<(i64, i64)>,
    time: TimeParser,
    partition: &'a mut Partition<'p>,
    /// The joined keys of the last row, and the sensor that they name.
    joined: Vec<u8>,
    last: (Vec<u8>, Option<u32>),
    features: Vec<f64>,
    /// Rows seen.
    pub scanned: u64,
    /// Rows with a wrong number of fields that were left out.
    pub malformed: u64,
}

/// A field that cannot be read.
struct Invalid<'a> {
    column: &'a str,
    position: usize,
    expected: &'static str,
}

impl<'a, 'p> RowReader<'a, 'p> {
    pub fn new(
        object: &'a str,
        request: &'a ReadRequest,
        layout: &'a Layout,
        partition: &'a mut Partition<'p>,
    ) -> Result<Self> {
        let joined_none = (Vec::new(), request.sensors.find_joined(&[]));
        Ok(Self {
            object,
            request,
            layout,
            window: request.window.map(window_nanos),
            time: TimeParser::new(&request.columns.time_zone)?,
            partition,
            joined: Vec::new(),
            last: joined_none,
            features: Vec::with_capacity(layout.features.len()),
            scanned: 0,
            malformed: 0,
        })
    }

    /// Takes the row at `line`. Errors: it has another number of fields than the header, and the policy is to fail.
    pub fn take(&mut self, line: u64, fields: &impl Fields) -> Result<()> {
        self.scanned += 1;
        let (found, expected) = (fields.count(), self.layout.fields);
        if found != expected {
            if self.request.on_invalid == OnInvalidReading::Skip {
                self.malformed += 1;
                return Ok(());
            }
            return Err(ReadingsError::Ragged {
                object: self.object.to_owned(),
                line,
                found,
                expected,
            });
        }
        let Some(sensor) = self.sensor(fields) else {
            return Ok(());
        };
        if !self.partition.wants(sensor) {
            return Ok(());
        }
        if let Err(invalid) = self.reading(sensor, fields) {
            let object = self.object;
            self.partition.invalid(sensor, || InvalidReading {
                object: object.to_owned(),
                row: line,
                column: invalid.column.to_owned(),
                value: Some(InvalidReading::excerpt(fields.get(invalid.position))),
                expected: invalid.expected,
            });
        }
        Ok(())
    }

    /// Hands over what is ready.
    pub fn hand_over(&mut self) {
        self.partition.hand_over();
    }

    /// Whether no more rows are wanted.
    pub fn done(&self) -> bool {
        self.partition.done()
    }

    fn sensor(&mut self, fields: &impl Fields) -> Option<u32> {
        self.joined.clear();
        for key in &self.layout.keys {
            push_value(&mut self.joined, fields.get(*key));
        }
        if self.joined != self.last.0 {
            self.last.1 = self.request.sensors.find_joined(&self.joined);
            std::mem::swap(&mut self.joined, &mut self.last.0);
        }
        self.last.1
    }

    /// Parses the row and adds it to the sensor's, unless it is outside the window.
    fn reading(
        &mut self,
        sensor: u32,
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
        self.partition
            .push(sensor, time, Some(text), &self.features, label);
        Ok(())
    }
}
