use std::ops::Range;

use fleetscore_crds::OnInvalidReading;

use super::header::Layout;
use crate::interleaved::Interleaved;
use crate::key_index::Lookup;
use crate::partition::Partition;
use crate::values::{LABEL, NUMBER, UNFINISHED, label, number, window_nanos};
use crate::{
    InvalidReading, Malformed, ReadRequest, ReadingsError, Result, TimeParser, Unfinished,
};

/// A time shorter than this may as well be any number.
const SHORTEST_TIME: usize = 8;

/// The fields of a row.
pub(super) trait Fields {
    /// The field at `position`; empty past the last one.
    fn get(&self, position: usize) -> &[u8];
    /// How many there are.
    fn count(&self) -> usize;
}

/// A row, and what is known of the place where it stands.
pub(super) struct Row<'f, F> {
    /// Its line.
    pub line: u64,
    pub fields: &'f F,
    /// Whether it is the last one and has no line end.
    pub open: bool,
    /// Whether it ends within a quoted field.
    pub open_quote: bool,
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

/// A row that says that the object cannot be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    line: u64,
    kind: TroubleKind,
}

#[derive(Clone, Copy, Debug)]
enum TroubleKind {
    /// It has a wrong number of fields, and maybe a carriage return in the middle.
    Fields { found: usize, returns: bool },
    /// The object ends within it.
    Unfinished,
    /// Its keys hold bytes of value zero.
    Zeros,
}

/// A field that cannot be read.
struct Invalid<'a> {
    column: &'a str,
    position: usize,
    expected: &'static str,
}

/// Whose row it is.
enum Owner {
    Sensor(u32),
    /// None of the request's sensors.
    Stranger,
    /// It cannot be told: the row ends within a key.
    Unknown,
}

fn trouble(row: &Row<'_, impl Fields>, kind: TroubleKind) -> std::result::Result<(), Trouble> {
    let line = row.line;
    Err(Trouble { line, kind })
}

/// Whether one of the fields is of a kind.
fn is_any(fields: &impl Fields, kind: impl Fn(&[u8]) -> bool) -> bool {
    (0..fields.count()).any(|position| kind(fields.get(position)))
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

    /// Takes a row, unless it is of one of the `failed` sensors. Errors: the object cannot be read.
    pub fn take(
        &mut self,
        row: &Row<'_, impl Fields>,
        failed: &[bool],
    ) -> std::result::Result<(), Trouble> {
        self.rows.scanned += 1;
        let found = row.fields.count();
        // What is wanted of a last row is whole where a comma follows.
        let whole = found > self.layout.wanted && !(row.open_quote && self.window.is_none());
        if row.open && !whole {
            return self.take_unfinished(row, failed);
        }
        let cut = row.open && found < self.layout.fields;
        if found != self.layout.fields && !cut && !self.fits(row.fields) {
            return self.malformed(row);
        }
        match self.owner(row.fields, found) {
            Owner::Sensor(sensor) => {
                self.take_of(sensor, row, failed);
                Ok(())
            }
            Owner::Stranger | Owner::Unknown if self.has_zeros(row.fields) => {
                trouble(row, TroubleKind::Zeros)
            }
            Owner::Stranger | Owner::Unknown => Ok(()),
        }
    }

    /// Takes the last row, which has no line end, so that its last field may be cut off.
    ///
    /// In a window it is left out if it belongs there, or if that cannot be told: who reads windows reads files that grow. Without
    /// one the file is taken as whole, if the row is; it is named all the same.
    fn take_unfinished(
        &mut self,
        row: &Row<'_, impl Fields>,
        failed: &[bool],
    ) -> std::result::Result<(), Trouble> {
        let taken = self.window.is_none() && !row.open_quote && self.fits(row.fields);
        let count = row.fields.count();
        let owner = self.owner(row.fields, if taken { count } else { count - 1 });
        let ends_in_key = self.layout.keys.contains(&(count - 1));
        let sensor = match owner {
            Owner::Sensor(sensor) => Some(sensor),
            Owner::Stranger if !ends_in_key => return Ok(()),
            Owner::Stranger | Owner::Unknown => None,
        };
        if self.is_outside(row.fields) {
            return Ok(());
        }
        self.rows.unfinished = Some(Unfinished {
            line: row.line,
            sensor,
            taken,
        });
        match sensor {
            Some(sensor) if taken => {
                self.take_of(sensor, row, failed);
                Ok(())
            }
            None if taken => Ok(()),
            _ if self.window.is_none() && !self.skips() => {
                let zeros = is_any(row.fields, |field| field.contains(&0));
                let kind = if zeros {
                    TroubleKind::Zeros
                } else {
                    TroubleKind::Unfinished
                };
                trouble(row, kind)
            }
            Some(sensor) => {
                self.rows.skipped.push(sensor);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes a row of `sensor`.
    fn take_of(&mut self, sensor: u32, row: &Row<'_, impl Fields>, failed: &[bool]) {
        if failed.get(sensor as usize).is_none_or(|failed| *failed) {
            return;
        }
        let Err(invalid) = self.reading(sensor, row.line, row.fields) else {
            return;
        };
        let object = self.object;
        let last = invalid.position + 1 == row.fields.count();
        let error = || InvalidReading {
            object: object.to_owned(),
            row: row.line,
            column: invalid.column.to_owned(),
            value: Some(InvalidReading::excerpt(row.fields.get(invalid.position))),
            expected: if row.open && last {
                UNFINISHED
            } else {
                invalid.expected
            },
        };
        if self.skips() {
            self.rows.skip(sensor, error);
        } else {
            self.rows.fail(sensor, error);
        }
    }

    fn skips(&self) -> bool {
        self.request.on_invalid == OnInvalidReading::Skip
    }

    fn fits(&self, fields: &impl Fields) -> bool {
        let is_empty = |position| fields.get(position).trim_ascii().is_empty();
        self.layout.fits(fields.count(), is_empty)
    }

    /// Leaves a row with a wrong number of fields out, or fails.
    fn malformed(&mut self, row: &Row<'_, impl Fields>) -> std::result::Result<(), Trouble> {
        let found = row.fields.count();
        if self.skips() {
            self.rows.malformed += 1;
            self.rows.first_malformed.get_or_insert(Malformed {
                line: row.line,
                found,
                expected: self.layout.fields,
            });
            return Ok(());
        }
        if is_any(row.fields, |field| field.contains(&0)) {
            return trouble(row, TroubleKind::Zeros);
        }
        let returns = is_any(row.fields, |field| field.contains(&b'\r'));
        trouble(row, TroubleKind::Fields { found, returns })
    }

    fn has_zeros(&self, fields: &impl Fields) -> bool {
        let mut keys = self.layout.keys.iter();
        keys.any(|key| fields.get(*key).contains(&0))
    }

    /// Whose row it is, going by the first `whole` fields.
    fn owner(&mut self, fields: &impl Fields, whole: usize) -> Owner {
        let keys = &self.layout.keys;
        if keys.iter().any(|key| *key >= whole) {
            return Owner::Unknown;
        }
        let values = keys.iter().map(|key| fields.get(*key));
        let sensor = self.sensors.find_text(values);
        sensor.map_or(Owner::Stranger, Owner::Sensor)
    }

    /// Whether a whole time says that the row is outside the window.
    fn is_outside(&mut self, fields: &impl Fields) -> bool {
        let (Some((start, end)), Some(position)) = (self.window, self.layout.time) else {
            return false;
        };
        let whole = position + 1 < fields.count();
        let text = fields.get(position);
        whole
            && self
                .time
                .parse(text)
                .is_some_and(|time| time < start || time >= end)
    }

    /// Hands over the rows so far, whose lines count from `line`.
    pub fn hand_over(&mut self, line: u64, partition: &mut Partition<'_>) {
        self.rows.count_from(line);
        partition.add(&mut self.rows);
        self.rows.clear();
    }

    /// What a row's trouble, whose line counts from `line`, means for the object.
    pub fn error(&self, trouble: &Trouble, line: u64) -> ReadingsError {
        let (object, line) = (self.object.to_owned(), line + trouble.line);
        match trouble.kind {
            TroubleKind::Fields { found, returns } => ReadingsError::Ragged {
                object,
                line,
                found,
                expected: self.layout.fields,
                hint: if returns {
                    "; it holds a carriage return (CR) where a line end may have been meant"
                } else {
                    ""
                },
            },
            TroubleKind::Unfinished => ReadingsError::Unfinished { object, line },
            TroubleKind::Zeros => ReadingsError::unreadable(
                self.object,
                format!(
                    "line {line} holds bytes of value zero, as a crash or a full disk leaves them; remove them"
                ),
            ),
        }
    }

    /// Refuses a record that goes over `lines` and has what looks like other rows in a quoted field: the quote is left open, and
    /// another one far below closes it.
    pub fn refuse_swallowed(&mut self, lines: Range<u64>, fields: &impl Fields) -> Result<()> {
        if lines.end - lines.start < 2 {
            return Ok(());
        }
        let mut opened = lines.start;
        for position in 0..fields.count() {
            let pieces: Vec<&[u8]> = fields.get(position).split(|byte| *byte == b'\n').collect();
            let breaks = pieces.len() as u64 - 1;
            for (line, piece) in (opened..).zip(&pieces).skip(1) {
                if self.looks_like_row(piece, line == opened + breaks) {
                    let message = format!(
                        "the quote that opens in line {opened} holds what looks like the row of line {line}; is it left open? \
                         Close it in its line, or write it twice where it is text"
                    );
                    return Err(ReadingsError::unreadable(self.object, message));
                }
            }
            opened += breaks;
        }
        Ok(())
    }

    /// Whether a line within a quoted field, `cut` off by its end or whole, has a row's fields and a time in the right place.
    fn looks_like_row(&mut self, line: &[u8], cut: bool) -> bool {
        let fields = || line.split(|byte| *byte == b',');
        let count = fields().count();
        if count < 2 || count > self.layout.fields || (!cut && count < self.layout.named) {
            return false;
        }
        let position = self.layout.time;
        let Some(time) = position.and_then(|position| fields().nth(position)) else {
            return false;
        };
        time.trim_ascii().len() >= SHORTEST_TIME && self.time.parse(time).is_some()
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
        let text = layout.time.map(|position| fields.get(position));
        let time = match (layout.time, text) {
            (Some(position), Some(text)) => self
                .time
                .parse(text)
                .ok_or_else(|| invalid(&columns.time, position, TimeParser::expected(text)))?,
            _ => 0,
        };
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
            .push(sensor, line, time, text, &self.features, label);
        Ok(())
    }
}
