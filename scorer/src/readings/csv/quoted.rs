use std::io::{self, Read};

use csv::{ByteRecord, Terminator};

use super::MAX_RECORD;
use super::blocks::Rest;
use super::row::{Fields, RowReader};
use crate::readings::partition::Partition;
use crate::readings::{ObjectSource, ReadingsError, Result};

/// Bytes between two hand-overs.
const BETWEEN: u64 = 1 << 18;

/// Bytes that are read at a time.
const BUFFER: usize = 64 << 10;

/// A record whose last field may still hold a carriage return.
struct Record<'a>(&'a ByteRecord);

impl Fields for Record<'_> {
    fn get(&self, position: usize) -> &[u8] {
        let field = self.0.get(position).unwrap_or_default();
        let last = position + 1 == self.0.len();
        if last {
            field.strip_suffix(b"\r").unwrap_or(field)
        } else {
            field
        }
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// Reads the rest of an object with a full CSV parser.
/// `first` is the number of its first line.
pub(super) fn read(
    object: &ObjectSource,
    rest: Rest,
    first: u64,
    mut rows: RowReader<'_>,
    partition: &mut Partition<'_>,
) -> Result<()> {
    // Lone carriage returns are text, as in `plain`.
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(BUFFER);
    let mut reader = builder.from_reader(Bounded {
        inner: rest,
        left: 0,
    });
    let mut record = ByteRecord::new();
    let mut handed_over = 0;
    loop {
        reader.get_mut().left = MAX_RECORD;
        let line = first + reader.position().line() - 1;
        if !reader
            .read_byte_record(&mut record)
            .map_err(|error| failure(object, error, line))?
        {
            break;
        }
        let line = record.position().map_or(0, |position| position.line() - 1);
        let fields = Record(&record);
        if !(fields.count() == 1 && fields.get(0).is_empty()) {
            rows.take(line, &fields, partition.failed())
                .map_err(|ragged| rows.ragged(&ragged, first))?;
        }
        let position = reader.position().byte();
        if position - handed_over >= BETWEEN {
            handed_over = position;
            rows.hand_over(first, partition);
            if partition.done() {
                return Ok(());
            }
        }
    }
    rows.hand_over(first, partition);
    Ok(())
}

fn failure(object: &ObjectSource, error: csv::Error, line: u64) -> ReadingsError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let message = format!(
                "the record at line {line} is longer than {MAX_RECORD} bytes; is a quote left open?"
            );
            ReadingsError::unreadable(object.name(), message)
        }
        csv::ErrorKind::Io(error) => object.stream_error(error),
        other => ReadingsError::unreadable(object.name(), format!("line {line}: {other:?}")),
    }
}

/// Fails once a record asks for more than its share of bytes.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
