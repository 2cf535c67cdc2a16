use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow_array::builder::StringBuilder;
use arrow_array::{RecordBatch, StringArray};
use fleetscore_storage::{ObjectUrl, Storage};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use parquet::arrow::ParquetRecordBatchStreamBuilder;

use super::columns::Block;
use super::key::sortable;
use super::part_file::{PartFile, failure};
use crate::folder::FolderError;
use crate::{Partials, Rules};

/// Parts of a segment as one sequence of rows, sorted by keys, then time. Rows of the same keys and window become one; without windows,
/// equal ones stay in the order of the parts.
pub(super) struct Merge<'a> {
    rules: &'a Rules,
    keys: usize,
    cursors: Vec<Cursor>,
    /// The next row of each part that has one.
    heads: BinaryHeap<Reverse<Head>>,
    /// The last row that was taken: its sortable key and time.
    last: Option<(Vec<u8>, i64)>,
    file_rows: usize,
}

/// Rows one after the other.
pub(super) struct Chunk {
    pub keys: Vec<StringArray>,
    pub times: Vec<i64>,
    pub partials: Partials,
    /// Whether a file has enough rows with these. Keys greater than the last ones follow.
    pub ends_file: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    key: Vec<u8>,
    time: i64,
    part: usize,
}

struct Cursor {
    url: ObjectUrl,
    batches: BoxStream<'static, Result<RecordBatch, FolderError>>,
    block: Block,
    row: usize,
}

/// Rows of a part that are decoded at a time.
const BATCH_ROWS: usize = 4096;

/// Parts that are opened at the same time.
const AT_ONCE: usize = 16;

impl<'a> Merge<'a> {
    /// Opens the parts, which are in the order of partitions, and there of the log.
    pub async fn open(
        storage: &Storage,
        parts: Vec<ObjectUrl>,
        keys: usize,
        rules: &'a Rules,
    ) -> Result<Self, FolderError> {
        let open = |url| Cursor::open(storage, url, keys, rules);
        let cursors: Vec<Cursor> = futures::stream::iter(parts)
            .map(open)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut merge = Self {
            rules,
            keys,
            cursors,
            heads: BinaryHeap::new(),
            last: None,
            file_rows: 0,
        };
        for part in 0..merge.cursors.len() {
            if merge.cursors[part].fill(keys, rules).await? {
                let head = merge.cursors[part].head(part);
                merge.heads.push(Reverse(head));
            }
        }
        Ok(merge)
    }

    /// The next rows, about `limit` of them; a file ends at the first new key after `file_limit` of its rows. None: that was all.
    pub async fn next(
        &mut self,
        limit: usize,
        file_limit: usize,
    ) -> Result<Option<Chunk>, FolderError> {
        let Some(Reverse(mut head)) = self.heads.pop() else {
            return Ok(None);
        };
        let mut rows = Rows::new(self.keys, self.rules);
        loop {
            let last = self.last.as_ref();
            let is_same_key = last.is_some_and(|(key, _)| *key == head.key);
            let is_same = is_same_key && last.is_some_and(|(_, time)| *time == head.time);
            let is_combined = is_same && self.rules.has_windows;
            let ends_file = self.file_rows >= file_limit && !is_same_key;
            if !is_combined && (ends_file || rows.times.len() >= limit) {
                self.heads.push(Reverse(head));
                if ends_file {
                    self.file_rows = 0;
                }
                return Ok(Some(rows.chunk(ends_file)));
            }
            let cursor = &mut self.cursors[head.part];
            rows.take(&cursor.block, cursor.row, is_combined);
            self.file_rows += usize::from(!is_combined);
            let after = cursor.advance(&head, self.keys, self.rules).await?;
            self.last = Some((head.key, head.time));
            // Of the part that gave a row the next one is often the next of all.
            let next = match after {
                Some(next) => Some(self.swap_in(next)),
                None => self.heads.pop().map(|Reverse(next)| next),
            };
            match next {
                Some(next) => head = next,
                None => return Ok(Some(rows.chunk(false))),
            }
        }
    }

    /// The least of the heads and this one, which takes its place.
    fn swap_in(&mut self, mut head: Head) -> Head {
        if let Some(mut least) = self.heads.peek_mut()
            && least.0 < head
        {
            std::mem::swap(&mut least.0, &mut head);
        }
        head
    }
}

impl Cursor {
    async fn open(
        storage: &Storage,
        url: ObjectUrl,
        keys: usize,
        rules: &Rules,
    ) -> Result<Self, FolderError> {
        let file = PartFile::open(storage, &url).await?;
        let failed = {
            let url = url.clone();
            move |error| failure(&url, error)
        };
        let builder = ParquetRecordBatchStreamBuilder::new(file).await;
        let batches = builder.and_then(|builder| builder.with_batch_size(BATCH_ROWS).build());
        let batches = batches.map_err(&failed)?.map_err(failed).boxed();
        let block = Block {
            keys: vec![StringArray::from(Vec::<&str>::new()); keys],
            times: Vec::new(),
            partials: rules.partials(),
        };
        Ok(Self {
            url,
            batches,
            block,
            row: 0,
        })
    }

    /// Makes sure that there is a row; or there is none left.
    async fn fill(&mut self, keys: usize, rules: &Rules) -> Result<bool, FolderError> {
        while self.row >= self.block.times.len() {
            let Some(batch) = self.batches.try_next().await? else {
                return Ok(false);
            };
            let block = Block::of_batch(&batch, keys, rules);
            self.block = block.ok_or_else(|| {
                self.malformed("its columns are not those of this stream's parts")
            })?;
            self.row = 0;
        }
        Ok(true)
    }

    fn head(&self, part: usize) -> Head {
        let mut key = Vec::new();
        sortable(self.block.key(self.row), &mut key);
        Head {
            key,
            time: self.block.times[self.row],
            part,
        }
    }

    /// The row after `head`.
    async fn advance(
        &mut self,
        head: &Head,
        keys: usize,
        rules: &Rules,
    ) -> Result<Option<Head>, FolderError> {
        self.row += 1;
        if !self.fill(keys, rules).await? {
            return Ok(None);
        }
        let next = self.head(head.part);
        if next < *head {
            return Err(self.malformed("its rows are not sorted"));
        }
        Ok(Some(next))
    }

    fn malformed(&self, cause: &str) -> FolderError {
        FolderError::Malformed {
            url: self.url.to_string(),
            cause: cause.to_owned(),
        }
    }
}

/// Rows that are put together.
struct Rows {
    keys: Vec<StringBuilder>,
    times: Vec<i64>,
    partials: Partials,
}

impl Rows {
    fn new(keys: usize, rules: &Rules) -> Self {
        Self {
            keys: (0..keys).map(|_| StringBuilder::new()).collect(),
            times: Vec::new(),
            partials: rules.partials(),
        }
    }

    fn take(&mut self, block: &Block, row: usize, is_combined: bool) {
        let last = self.times.len().checked_sub(1).filter(|_| is_combined);
        if let Some(last) = last {
            self.partials.merge_row(last, &block.partials, row);
            return;
        }
        for (texts, text) in self.keys.iter_mut().zip(block.key(row)) {
            texts.append_value(text);
        }
        self.times.push(block.times[row]);
        self.partials.push_row(&block.partials, row);
    }

    fn chunk(mut self, ends_file: bool) -> Chunk {
        Chunk {
            keys: self.keys.iter_mut().map(StringBuilder::finish).collect(),
            times: self.times,
            partials: self.partials,
            ends_file,
        }
    }
}
