use bytes::Bytes;
use fleetscore_crds::contract::{Gap, SegmentDocument, segment_start};
use futures::future::{self, Either};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::segment::{Sizes, write_files};
use crate::folder::{
    CommitError, FolderError, Held, LastSegment, PartEntry, PartitionProgress, PublisherProgress,
    StreamFolder,
};
use crate::{Counts, Rules};

/// Publishes the segments of a stream, one after the other. Of several processes at the same time one gets on; what the others write
/// is the same, or is not listed.
#[derive(Debug)]
pub struct Publisher<'a> {
    folder: &'a StreamFolder,
    rules: &'a Rules,
    held: Held,
    progress: PublisherProgress,
    pub(super) sizes: Sizes,
}

/// Lines that are read at the same time.
const AT_ONCE: usize = 16;

/// So many of the last segments are remembered.
const REMEMBERED: usize = 8;

impl<'a> Publisher<'a> {
    /// Goes on from what was claimed.
    pub fn new(
        folder: &'a StreamFolder,
        rules: &'a Rules,
        held: Held,
        progress: PublisherProgress,
    ) -> Self {
        Self {
            folder,
            rules,
            held,
            progress,
            sizes: Sizes::default(),
        }
    }

    /// The claim and how far publishing has come, to go on from later.
    pub fn into_parts(self) -> (Held, PublisherProgress) {
        (self.held, self.progress)
    }

    /// How far publishing has come.
    pub fn progress(&self) -> &PublisherProgress {
        &self.progress
    }

    /// Shows that this process is at work, so that nobody else claims publishing; without `keep` it is given back.
    pub async fn show(&mut self, keep: bool) -> Result<(), CommitError> {
        let progress = self.progress.clone();
        self.held
            .commit(self.folder, progress, Bytes::new(), keep)
            .await
    }

    /// Publishes all segments that all of the topic's `count` partitions have closed; returns how many. At each of `ticks`, which should
    /// come several times within the lease, it shows that it is at work. Once `stop` is cancelled no other segment is begun. `tell`
    /// is told after each how far it has come.
    ///
    /// # Errors
    ///
    /// What is done stays done, and the next call goes on from there, of whichever process. [`CommitError::Lost`] ends this one's.
    pub async fn publish(
        &mut self,
        count: i32,
        ticks: &mut (impl Stream<Item = ()> + Unpin),
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&PublisherProgress) + Send),
    ) -> Result<usize, CommitError> {
        let Some(lines) = self.read_lines(count).await? else {
            return Ok(0);
        };
        let mut published = 0;
        while !stop.is_cancelled()
            && let Some(start) = self.next_segment(&lines)
        {
            let (folder, rules, sizes) = (self.folder, self.rules, self.sizes);
            let is_first = self.progress.complete_through.is_none();
            let work = complete(folder, rules, sizes, &lines, start, is_first);
            let document = self.while_showing(work, ticks).await?;
            self.remember(start, &document);
            self.show(true).await?;
            tell(&self.progress);
            published += 1;
        }
        Ok(published)
    }

    /// The progress of all partitions; none: one was never read.
    async fn read_lines(&self, count: i32) -> Result<Option<Vec<PartitionProgress>>, FolderError> {
        let read = |number: i32| async move {
            let line = self
                .folder
                .read_line(&self.folder.partition(number)?)
                .await?;
            Ok::<_, FolderError>(line.map(|(_, progress)| progress))
        };
        let lines = stream::iter(0..count).map(read).buffered(AT_ONCE);
        let lines: Vec<Option<PartitionProgress>> = lines.try_collect().await?;
        Ok(lines.into_iter().collect())
    }

    /// The start of the next segment, if all partitions have closed it.
    fn next_segment(&self, lines: &[PartitionProgress]) -> Option<Timestamp> {
        let document = self.folder.document();
        let start = match (self.progress.complete_through, document.start) {
            (Some(end), _) => end,
            (None, Some(start)) => segment_start(start, document.segment_seconds),
            // All that the hub has: from the first row on.
            (None, None) => {
                let parts = lines.iter().flat_map(|line| &line.parts);
                parts.map(|part| part.segment).min()?
            }
        };
        let end = end(self.folder, start);
        let is_closed =
            |line: &PartitionProgress| line.closed_through.is_some_and(|time| time >= end);
        (!lines.is_empty() && lines.iter().all(is_closed)).then_some(start)
    }

    fn remember(&mut self, segment: Timestamp, document: &SegmentDocument) {
        self.progress.complete_through = Some(end(self.folder, segment));
        let last = &mut self.progress.last_segments;
        last.push(LastSegment {
            segment,
            files: document.files.len() as u64,
            rows: document.files.iter().map(|file| file.rows).sum(),
            gaps: !document.gaps.is_empty(),
        });
        let surplus = last.len().saturating_sub(REMEMBERED);
        last.drain(..surplus);
    }

    async fn while_showing<T>(
        &mut self,
        work: impl Future<Output = Result<T, FolderError>>,
        ticks: &mut (impl Stream<Item = ()> + Unpin),
    ) -> Result<T, CommitError> {
        let mut work = std::pin::pin!(work);
        loop {
            match future::select(work.as_mut(), ticks.next()).await {
                Either::Left((done, _)) => return Ok(done?),
                Either::Right((Some(()), _)) => {}
                Either::Right((None, _)) => return Ok(work.await?),
            }
            // The work goes on meanwhile: it may hold what showing waits for, such as the turn to write a file.
            let show = std::pin::pin!(self.show(true));
            match future::select(work.as_mut(), show).await {
                Either::Left((done, show)) => {
                    show.await?;
                    return Ok(done?);
                }
                Either::Right((shown, _)) => shown?,
            }
        }
    }

    pub(super) fn folder(&self) -> &StreamFolder {
        self.folder
    }

    /// The names of the parts that are not published yet, if all of the topic's partitions were read.
    pub(super) async fn waiting_parts(
        &self,
        count: i32,
    ) -> Result<Option<Vec<PartEntry>>, FolderError> {
        let lines = self.read_lines(count).await?;
        Ok(lines.map(|lines| lines.into_iter().flat_map(|line| line.parts).collect()))
    }
}

fn end(folder: &StreamFolder, start: Timestamp) -> Timestamp {
    let length = SignedDuration::from_secs(folder.document().segment_seconds.into());
    start.checked_add(length).unwrap_or(Timestamp::MAX)
}

/// Writes the files of a segment, and then the document that completes it, unless it is complete. Returns that document.
async fn complete(
    folder: &StreamFolder,
    rules: &Rules,
    sizes: Sizes,
    lines: &[PartitionProgress],
    start: Timestamp,
    is_first: bool,
) -> Result<SegmentDocument, FolderError> {
    let url = folder.success(start)?;
    if let Some(document) = completed(folder, start).await? {
        return Ok(document);
    }
    let parts = lines.iter().flat_map(|line| &line.parts);
    let parts: Vec<_> = parts.filter(|part| part.segment == start).collect();
    let files = write_files(folder, rules, start, &parts, sizes).await?;
    let mut counts = Counts::default();
    for line in lines {
        if let Some(more) = line.segments.get(&start) {
            counts += more;
        }
    }
    let end = end(folder, start);
    let gaps: Vec<Gap> = lines
        .iter()
        .flat_map(|line| &line.gaps)
        .filter(|gap| gap.touches(start, end))
        .cloned()
        .collect();
    let is_partial = is_first && folder.document().start != Some(start);
    let id = folder.document().id.clone();
    let document = SegmentDocument::new(id, start, files, gaps, is_partial, counts);
    let written = folder
        .storage()
        .put_if(&url, document.to_bytes().into(), None)
        .await?;
    if written.is_some() {
        return Ok(document);
    }
    // Another process was faster, or this one's answer was lost.
    completed(folder, start)
        .await
        .map(|found| found.unwrap_or(document))
}

/// The document of a segment that is complete.
async fn completed(
    folder: &StreamFolder,
    start: Timestamp,
) -> Result<Option<SegmentDocument>, FolderError> {
    let url = folder.success(start)?;
    let bytes = match folder.storage().get(&url, SegmentDocument::MAX_BYTES).await {
        Err(error) if error.is_not_found() => return Ok(None),
        bytes => bytes?,
    };
    let document = SegmentDocument::parse(&bytes).map_err(|error| FolderError::Document {
        location: folder.location().to_string(),
        error,
    })?;
    if document.stream == folder.document().id && document.segment == start {
        return Ok(Some(document));
    }
    Err(FolderError::Malformed {
        url: url.to_string(),
        cause: format!(
            "it is of {} and the stream {}",
            document.segment, document.stream
        ),
    })
}
