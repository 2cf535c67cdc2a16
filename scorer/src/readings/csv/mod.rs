//! CSV: a header line, commas, double quotes as in RFC 4180, lines that end in LF or CRLF, UTF-8 with or without a byte order
//! mark, gzip-compressed or not.
//!
//! The object is cut into blocks of whole lines (`blocks`). As long as no quote occurs, a line is split at its commas
//! (`plain`), a block a thread, which is several times faster than a full parser; from the first quote on the `csv` crate takes
//! over (`quoted`).
//! Both hand their fields to `row`, which picks the sensor, the time, the features and the label.

mod blocks;
mod header;
mod plain;
mod quoted;
mod row;

use std::io::{BufReader, Read};
use std::sync::atomic::Ordering;

use flate2::bufread::MultiGzDecoder;

use self::blocks::Blocks;
use self::header::{Header, Layout};
use self::row::RowReader;
use super::partition::Partition;
use super::prefetch::Counted;
use super::{ObjectSource, ReadRequest, ReadStats, Result, Sink};

/// The longest record, in bytes. A longer one is taken for damage.
const MAX_RECORD: usize = 1 << 20;

/// The first bytes of a gzip stream.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// Reads a CSV object; see [`super::read`].
pub(super) fn read(
    object: &ObjectSource,
    request: &ReadRequest,
    sink: &mut Sink<'_>,
) -> Result<ReadStats> {
    let (stream, bytes) = Counted::new(object.stream(request.memory / 4)?);
    let mut partition = Partition::new(request, sink);
    let (text, size) = decompressed(object, stream)?;
    let mut blocks = Blocks::new(text, size);
    if let Some((text, line)) = blocks.header(object)? {
        let header = Header::parse(object.name(), &text)?;
        let layout = Layout::new(object.name(), &header, request)?;
        let rows = RowReader::new(object.name(), request, &layout)?;
        plain::read(object, request, blocks, line + 1, &rows, &mut partition)?;
    }
    Ok(partition.finish(bytes.load(Ordering::Relaxed)))
}

/// The stream as text, unpacked where it begins like gzip, and how many bytes it is likely to have.
fn decompressed(
    object: &ObjectSource,
    mut stream: Counted<Box<dyn Read + Send>>,
) -> Result<(Box<dyn Read + Send>, u64)> {
    let mut magic = Vec::new();
    stream
        .by_ref()
        .take(2)
        .read_to_end(&mut magic)
        .map_err(|error| object.stream_error(error))?;
    let packed = magic == GZIP_MAGIC;
    let whole = std::io::Cursor::new(magic).chain(stream);
    Ok(if packed {
        let packed = BufReader::with_capacity(1 << 16, whole);
        (Box::new(MultiGzDecoder::new(packed)), u64::MAX)
    } else {
        (Box::new(whole), object.size())
    })
}
