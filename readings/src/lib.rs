//! Reading rows: one pass over an object of readings, partitioned by sensor.
//!
//! [`read`] takes one object ([`ObjectSource`]) and a [`ReadRequest`], and hands over [`Chunk`]s: for each sensor of the request
//! its times, features and labels in the order of the object. Rows of other sensors and rows outside the window are skipped
//! before their features are parsed; columns that are not asked for are not parsed at all.
//!
//! `csv` and `parquet` hold a format each and make [`Interleaved`](interleaved::Interleaved) rows of it. What they share:
//! [`TimeParser`] (text and numbers to instants), [`KeyIndex`] (the text of the key columns to a sensor) and `partition`
//! (interleaved rows to chunks, within a bound of memory).

mod absent;
mod csv;
pub mod dataset;
mod error;
mod format;
mod hint;
mod interleaved;
mod key_index;
mod kind;
mod object;
mod parquet;
mod partition;
mod prefetch;
mod request;
mod rows;
mod short;
#[cfg(any(test, feature = "testing"))]
#[allow(missing_docs, clippy::unwrap_used)]
pub mod testing;
#[cfg(test)]
mod tests;
mod time;
mod values;
mod waiting;
mod zone;

pub use self::parquet::{PageBounds, check_pages};
pub use absent::{Absence, keys, look_again};
pub use error::{ReadingsError, Result};
pub use format::format_of_name;
pub use key_index::KeyIndex;
pub use object::ObjectSource;
pub use request::{Malformed, ReadRequest, ReadStats, Unfinished};
pub use rows::{Chunk, InvalidReading, RowNumbers, SensorFailure, SensorRows, TimeText, Times};
pub use short::push_short;
pub use time::TimeParser;

use std::ops::ControlFlow;

use fleetscore_crds::ReadingFormat;

/// Takes the chunks of a read; `Break` ends the read early.
pub type Sink<'a> = dyn FnMut(Chunk) -> ControlFlow<()> + 'a;

/// Reads `object` once and hands the rows of the request's sensors to `sink`, in the object's order for each sensor.
///
/// Blocks: call it from a thread outside the asynchronous runtime, such as one of `spawn_blocking`. A reading that cannot be
/// scored fails its own sensor only (see [`Chunk::failed`]); an error means that the object as a whole cannot be read.
pub fn read(
    object: &ObjectSource,
    request: &ReadRequest,
    sink: &mut Sink<'_>,
) -> Result<ReadStats> {
    match format::detect(object, request.format)? {
        ReadingFormat::Parquet => parquet::read(object, request, sink),
        ReadingFormat::Csv | ReadingFormat::Auto => csv::read(object, request, sink),
        ReadingFormat::Stream => Err(ReadingsError::unreadable(
            object.name(),
            "a stream's readings are not a single object; set spec.input.location to the stream's folder",
        )),
    }
}
