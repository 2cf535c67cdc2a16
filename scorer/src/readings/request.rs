use std::sync::Arc;

use fleetscore_crds::{Columns, OnInvalidReading, ReadingFormat, Window};

use super::KeyIndex;

/// What to read from an object.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Format of the object.
    pub format: ReadingFormat,
    /// Which column holds what.
    pub columns: Columns,
    /// The keys that are matched by column, in the order of `sensors`. Their columns are those of `columns.keys`, or named like
    /// the key where that says nothing. Empty: every row belongs to the one sensor of `sensors`.
    pub key_names: Vec<String>,
    /// The sensors whose rows are wanted.
    pub sensors: KeyIndex,
    /// Only readings of this window. Without it: all.
    pub window: Option<Window>,
    /// What a reading that cannot be scored does to its sensor.
    pub on_invalid: OnInvalidReading,
    /// Bytes of the object and of parsed rows that may be held at a time: a quarter each for what is fetched ahead, for text that is
    /// being parsed, for rows that wait for their sensor's batch to fill, and for what whoever asks may hold of what was handed over
    /// ([`ReadRequest::waiting_bytes`]). What a Parquet row group needs comes on top.
    pub memory: usize,
    /// The threads that parse text; without them the thread that reads does.
    pub pool: Option<Arc<rayon::ThreadPool>>,
}

impl ReadRequest {
    /// Bytes of chunks that were handed over and may be held.
    pub fn waiting_bytes(&self) -> usize {
        self.memory / 4
    }

    /// The columns of the keys, in the order of the keys.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = &String> {
        self.key_names
            .iter()
            .map(|name| self.columns.keys.get(name).unwrap_or(name))
    }
}

/// What a read came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadStats {
    /// Rows handed over.
    pub rows: u64,
    /// Rows looked at: handed over, skipped, of other sensors or outside the window. Rows that Parquet statistics rule out do
    /// not count.
    pub scanned: u64,
    /// CSV rows with a wrong number of fields that were left out; only with `onInvalidReading: Skip`. They belong to no known
    /// sensor.
    pub malformed: u64,
    /// Bytes read from storage.
    pub bytes: u64,
    /// Whether the sink ended the read early.
    pub stopped: bool,
}
