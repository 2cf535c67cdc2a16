//! Whether several Parquet files have been joined into one, such as by `cat`. Its last footer counts its offsets from the
//! beginning of its own file, so readers would take the first file's bytes for the last one's, and never see the rest.

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use super::file::{ObjectFile, TAIL};
use crate::kind::PARQUET;
use crate::{ObjectSource, ReadingsError, Result};

/// Refuses an object that is several files: before what the footer tells of, another file ends.
pub(super) fn refuse(
    object: &ObjectSource,
    file: &ObjectFile,
    metadata: &ParquetMetaData,
) -> Result<()> {
    const MARK: u64 = PARQUET.len() as u64;
    let Some(footer) = file.footer() else {
        return Ok(());
    };
    let chunks = metadata
        .row_groups()
        .iter()
        .flat_map(RowGroupMetaData::columns);
    let data = chunks.filter_map(end).max().unwrap_or(MARK);
    let Some(start) = data
        .checked_add(footer + TAIL as u64)
        .and_then(|own| object.size().checked_sub(own))
        .filter(|start| *start >= MARK)
    else {
        return Ok(());
    };
    let around = object.range(start - MARK..start + MARK)?;
    if around[..] == [PARQUET, PARQUET].concat() {
        return Err(ReadingsError::unreadable(
            object.name(),
            "it is several Parquet files joined into one, of which only the last one's footer counts; \
             keep them as files of their own in a folder, and name the folder",
        ));
    }
    Ok(())
}

/// Where the last byte is that the metadata of a column tells of.
fn end(chunk: &ColumnChunkMetaData) -> Option<u64> {
    let (start, length) = chunk.byte_range();
    let part = |offset: Option<i64>, length: Option<i32>| {
        let end = offset?.checked_add(i64::from(length?))?;
        u64::try_from(end).ok()
    };
    let parts = [
        start.checked_add(length),
        part(chunk.column_index_offset(), chunk.column_index_length()),
        part(chunk.offset_index_offset(), chunk.offset_index_length()),
        part(chunk.bloom_filter_offset(), chunk.bloom_filter_length()),
    ];
    parts.into_iter().flatten().max()
}
