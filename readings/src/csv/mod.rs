//! CSV: a header line, commas, double quotes as in RFC 4180, lines that end in LF or CRLF, UTF-8 with or without a byte order
//! mark, gzip-compressed or not.
//!
//! The object is cut into blocks of whole lines (`blocks`). As long as no quote occurs, a line is split at its commas
//! (`plain`), a block a thread, which is several times faster than a full parser; from the first quote on the `csv` crate takes
//! over (`quoted`), behind a watch on the quotes (`quotes`): the crate takes any.
//! Both hand their fields to `row`, which picks the sensor, the time, the features and the label.

mod blocks;
mod header;
mod members;
mod plain;
mod quoted;
mod quotes;
mod row;

use std::io::{BufReader, Cursor, Read};

use self::blocks::Blocks;
use self::header::{Header, Layout};
use self::members::Members;
use self::row::RowReader;
use super::kind::{self, GZIP, HEAD, PARQUET};
use super::partition::Partition;
use super::prefetch::Counted;
use super::{ObjectSource, ReadRequest, ReadStats, ReadingsError, Result, Sink};

/// The longest record, in bytes. A longer one is taken for damage.
const MAX_RECORD: usize = 1 << 20;

/// Bytes of memory from which on rows may wait in the part that is for fetching ahead.
const ROOMY: usize = 32 << 20;

/// Reads a CSV object; see [`super::read`].
pub(super) fn read(
    object: &ObjectSource,
    request: &ReadRequest,
    sink: &mut Sink<'_>,
) -> Result<ReadStats> {
    let (stream, bytes) = Counted::new(object.stream(request.memory / 4)?);
    // A file is not fetched ahead, so its rows have that memory, too, unless there is so little that other things need it.
    let quarters = if object.is_file() && request.memory >= ROOMY {
        2
    } else {
        1
    };
    let memory = request.memory / 4 * quarters;
    let mut partition = Partition::new(request, memory, bytes, sink);
    let (text, size) = text(object, Box::new(stream))?;
    let mut blocks = Blocks::new(text, size);
    if let Some(line) = blocks.header(object)? {
        let header = Header::parse(object.name(), &line)?;
        let layout = Layout::new(object.name(), &header, request);
        let layout = layout.map_err(|error| cut_header(error, object, line.whole))?;
        let rows = RowReader::new(object.name(), request, &layout)?;
        plain::read(
            object,
            request,
            blocks,
            line.line + 1,
            &rows,
            &mut partition,
        )?;
    }
    Ok(partition.finish())
}

/// The error of a header that lacks a column, where it has no line end either.
fn cut_header(error: ReadingsError, object: &ObjectSource, whole: bool) -> ReadingsError {
    if whole || !matches!(error, ReadingsError::ColumnMissing { .. }) {
        return error;
    }
    ReadingsError::unreadable(
        object.name(),
        format!("it ends within its header, is it still being written? ({error})"),
    )
}

type Stream = Box<dyn Read + Send>;

/// The stream as text, unpacked where it begins like gzip, and how many bytes it is likely to have. Errors: its first bytes are
/// those of another kind of file.
fn text(object: &ObjectSource, stream: Stream) -> Result<(Stream, u64)> {
    let (head, stream) = peek(object, stream)?;
    if !head.starts_with(GZIP) {
        refuse_others(object, &head, false)?;
        return Ok((stream, object.size()));
    }
    let packed = BufReader::with_capacity(1 << 16, stream);
    let (head, text) = peek(object, Box::new(Members::new(packed)))?;
    refuse_others(object, &head, true)?;
    Ok((text, u64::MAX))
}

/// The first bytes of a stream, and the whole of it.
fn peek(object: &ObjectSource, mut stream: Stream) -> Result<(Vec<u8>, Stream)> {
    let mut head = Vec::with_capacity(HEAD);
    stream
        .by_ref()
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|error| object.stream_error(error))?;
    let whole = Cursor::new(head.clone()).chain(stream);
    Ok((head, Box::new(whole)))
}

/// Refuses a file that is no text, by its first bytes.
fn refuse_others(object: &ObjectSource, head: &[u8], packed: bool) -> Result<()> {
    if head.starts_with(PARQUET) || head.starts_with(kind::ENCRYPTED_PARQUET) {
        let message = if packed {
            "it is a Parquet file inside gzip; unpack it: Parquet is packed by itself"
        } else {
            "it is a Parquet file; name it .parquet, or set spec.input.format: Parquet"
        };
        return Err(ReadingsError::unreadable(object.name(), message));
    }
    if packed && head.starts_with(GZIP) {
        let message = "it is packed with gzip twice; unpack it once";
        return Err(ReadingsError::unreadable(object.name(), message));
    }
    match kind::foreign(head) {
        Some(kind) => Err(kind::refused(object.name(), kind, packed)),
        None => Ok(()),
    }
}
