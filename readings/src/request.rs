use std::collections::BTreeMap;
use std::sync::Arc;

use fleetscore_crds::{Columns, OnInvalidReading, ReadingFormat, Window};

use super::{InvalidReading, KeyIndex};

/// What to read from an object.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Format of the object.
    pub format: ReadingFormat,
    /// Which column holds what. With an empty name for the time, all rows are of 1970 and there must be no window.
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
    /// Bytes of the object and of parsed rows that may be held at a time: a quarter each for what is fetched ahead (of a local file nothing is:
    /// there it is for rows that wait), for text that is being parsed, for rows that wait for their sensor's batch to fill, and for what whoever asks may hold of what was handed over
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

    /// The same for keys and times alone.
    pub(super) fn times_only(mut self) -> Self {
        self.columns.features.clear();
        self.columns.label = None;
        self
    }

    /// The column of the time; none where its name is empty, so that no row has a time.
    pub fn time_column(&self) -> Option<&String> {
        Some(&self.columns.time).filter(|name| !name.is_empty())
    }

    /// The columns of the keys, in the order of the keys.
    pub fn key_columns(&self) -> impl Iterator<Item = &String> {
        self.key_names
            .iter()
            .map(|name| self.columns.keys.get(name).unwrap_or(name))
    }
}

/// What a read came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadStats {
    /// Rows handed over.
    pub rows: u64,
    /// Rows looked at: handed over, skipped, of other sensors or outside the window. Rows that Parquet statistics rule out do
    /// not count.
    pub scanned: u64,
    /// CSV rows with a wrong number of fields that were left out; only with `onInvalidReading: Skip`. They belong to no known
    /// sensor.
    pub malformed: u64,
    /// The first of them.
    pub first_malformed: Option<Malformed>,
    /// The first reading of each sensor that was left out because it cannot be scored.
    pub first_skipped: BTreeMap<u32, InvalidReading>,
    /// The last line of a CSV object, where it has no line end, so that the last of its wanted fields may be cut off.
    pub unfinished: Option<Unfinished>,
    /// Bytes read from storage.
    pub bytes: u64,
    /// Bytes of memory that the pages of a Parquet object have taken at most, beside what [`ReadRequest::memory`] is for.
    pub page_bytes: u64,
    /// Whether the sink ended the read early.
    pub stopped: bool,
}

/// A CSV row with a wrong number of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Line of the file, from 1, the header included.
    pub line: u64,
    /// Fields of the row.
    pub found: usize,
    /// Fields of the header.
    pub expected: usize,
}

/// The last line of a CSV object, where it has no line end: whoever writes it may still be at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Line of the file, from 1, the header included.
    pub line: u64,
    /// The sensor that it belongs to, where that can be told.
    pub sensor: Option<u32>,
    /// Whether it was taken as it is; else it was left out.
    pub taken: bool,
}
