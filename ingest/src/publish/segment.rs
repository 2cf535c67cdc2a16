use std::fmt::Write as _;

use fleetscore_crds::contract::SegmentFile;
use jiff::Timestamp;
use parquet::file::properties::DEFAULT_CREATED_BY;
use sha2::{Digest, Sha256};

use super::file::{FORMAT, FileWriter};
use super::merge::Merge;
use crate::Rules;
use crate::folder::{FolderError, PartEntry, StreamFolder};

/// How much goes into what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Rows that are put together before they are written.
    pub chunk_rows: usize,
    /// A file ends at the first new sensor after so many rows: files of at most 8 million rows, unless a sensor has half a million.
    pub file_rows: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            chunk_rows: 65_536,
            file_rows: 7_500_000,
        }
    }
}

/// Merges the parts of a segment, in the order of partitions, and there of the log, into its files.
pub(super) async fn write_files(
    folder: &StreamFolder,
    rules: &Rules,
    segment: Timestamp,
    parts: &[&PartEntry],
    sizes: Sizes,
) -> Result<Vec<SegmentFile>, FolderError> {
    let urls = parts.iter().map(|part| folder.part(segment, &part.name));
    let urls = urls.collect::<Result<Vec<_>, _>>()?;
    let columns = &folder.document().columns;
    let storage = folder.storage();
    let mut merge = Merge::open(storage, urls, columns.keys.len(), rules).await?;
    let hash = hash(parts);
    let into = folder.segment(segment)?;
    let mut files = Vec::new();
    let mut open = None;
    while let Some(chunk) = merge.next(sizes.chunk_rows, sizes.file_rows).await? {
        let mut file: FileWriter<'_> = if let Some(file) = open.take() {
            file
        } else {
            let name = format!("readings-r0-{:03}-{hash}.parquet", files.len());
            FileWriter::open(storage, &into, name, columns, rules).await?
        };
        file.write(&chunk).await?;
        if chunk.ends_file {
            files.push(file.finish().await?);
        } else {
            open = Some(file);
        }
        // Merging and writing are work between which others have their turn.
        tokio::task::yield_now().await;
    }
    if let Some(file) = open {
        files.push(file.finish().await?);
    }
    Ok(files)
}

/// A hash of the parts' names and of how files are written: 8 hexadecimal digits.
fn hash(parts: &[&PartEntry]) -> String {
    let mut hash = Sha256::new();
    for text in [FORMAT, DEFAULT_CREATED_BY] {
        hash.update(text);
        hash.update("\n");
    }
    for part in parts {
        hash.update(&part.name);
        hash.update("\n");
    }
    let mut digits = String::with_capacity(8);
    for byte in hash.finalize().iter().take(4) {
        // Writing into a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
