use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::blocks::{Rest, trim_returns};
use super::quotes::{QuoteFault, Quotes};
use super::row::{Fields, Row, RowReader};
use crate::partition::Partition;
use crate::{ObjectSource, ReadingsError, Result};

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
        if last { trim_returns(field) } else { field }
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
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(BUFFER)
        .from_reader(Quotes::new(rest, first));
    let mut record = ByteRecord::new();
    let mut handed_over = 0;
    while next(object, &mut reader, first, &mut record)? {
        let line = record.position().map_or(0, |position| position.line() - 1);
        let fields = Record(&record);
        if !(fields.count() == 1 && fields.get(0).is_empty()) {
            let quotes = reader.get_ref();
            let row = Row {
                line,
                fields: &fields,
                open: quotes.ends_open(),
                open_quote: quotes.ends_quoted(),
            };
            let lines = first + line..first + reader.position().line() - 1;
            rows.refuse_swallowed(lines, &fields)?;
            rows.take(&row, partition.failed())
                .map_err(|trouble| rows.error(&trouble, first))?;
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

/// Reads the next record; false at the end.
fn next(
    object: &ObjectSource,
    reader: &mut Reader<Quotes<Rest>>,
    first: u64,
    record: &mut ByteRecord,
) -> Result<bool> {
    let line = first + reader.position().line() - 1;
    reader.get_mut().begin(line);
    reader.read_byte_record(record).map_err(|error| {
        let fault = reader.get_ref().fault();
        failure(object, error, fault, line)
    })
}

fn failure(
    object: &ObjectSource,
    error: csv::Error,
    fault: Option<QuoteFault>,
    line: u64,
) -> ReadingsError {
    if let Some(fault) = fault {
        return ReadingsError::unreadable(object.name(), fault.to_string());
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => object.stream_error(error),
        other => ReadingsError::unreadable(object.name(), format!("line {line}: {other:?}")),
    }
}
