use std::io::{self, Read};

use csv::{ByteRecord, Terminator};

use super::MAX_RECORD;
use super::blocks::Rest;
use super::row::{Fields, RowReader};
use crate::readings::{ObjectSource, ReadingsError, Result};

/// Records between two hand-overs.
const RECORDS: u64 = 16_384;

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
pub(super) fn read(object: &ObjectSource, rest: Rest, rows: &mut RowReader<'_, '_>) -> Result<()> {
    // Lone carriage returns are text, as in `plain`.
    let mut builder = csv::ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(BUFFER);
    let mut reader = builder.from_reader(Bounded {
        inner: rest.stream,
        left: 0,
    });
    let mut record = ByteRecord::new();
    for count in 1_u64.. {
        reader.get_mut().left = MAX_RECORD;
        let line = rest.line + reader.position().line() - 1;
        if !reader
            .read_byte_record(&mut record)
            .map_err(|error| failure(object, error, line))?
        {
            break;
        }
        let line = rest.line + record.position().map_or(0, |position| position.line() - 1);
        let fields = Record(&record);
        if !(fields.count() == 1 && fields.get(0).is_empty()) {
            rows.take(line, &fields)?;
        }
        if count % RECORDS == 0 {
            rows.hand_over();
            if rows.done() {
                break;
            }
        }
    }
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
