use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetscore_crds::contract::SegmentDocument;
use fleetscore_storage::{ObjectInfo, StorageError};
use futures::TryStreamExt;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Publisher;
use crate::folder::FolderError;

/// So long parts stay after their segment is complete, and what nobody lists after it was written.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Publisher<'_> {
    /// Deletes what is a day old and no longer needed: the parts of complete segments, files beside them that no document lists, and
    /// parts that no partition of the topic's `count` lists. `now` is the time of the storage. To be called every hour or so; returns how
    /// many objects it has deleted.
    pub async fn sweep(&self, count: i32, now: Timestamp) -> Result<u64, FolderError> {
        let folder = self.folder();
        let mut deleted = 0;
        let mut waiting = Vec::new();
        let through = self.progress().complete_through;
        for (segment, parts) in self.parts_by_segment().await? {
            if through.is_some_and(|through| segment < through) {
                deleted += self.sweep_complete(segment, parts, now).await?;
            } else {
                waiting.extend(parts);
            }
        }
        // Read after the listing: what was listed there and is in no line now was not committed for a day.
        if let Some(listed) = self.waiting_parts(count).await? {
            let listed: BTreeSet<_> = listed.into_iter().map(|part| part.name).collect();
            let is_left = |part: &ObjectInfo| {
                let name = part.url.file_name();
                is_old(part.modified, now) && !name.is_some_and(|name| listed.contains(name))
            };
            deleted += self.delete(waiting.into_iter().filter(is_left)).await?;
        }
        let age = Duration::try_from(KEPT).unwrap_or_default();
        let staged = folder
            .storage()
            .sweep_staged(folder.location(), age, "_run");
        Ok(deleted + staged.await?)
    }

    /// All parts, by the starts of their segments.
    async fn parts_by_segment(&self) -> Result<BTreeMap<Timestamp, Vec<ObjectInfo>>, StorageError> {
        let folder = self.folder().parts()?;
        let mut segments = BTreeMap::<_, Vec<_>>::new();
        let mut parts = self.folder().storage().list(&folder);
        while let Some(part) = parts.try_next().await? {
            let path = part
                .url
                .relative_to(&folder)
                .and_then(|path| path.split_once('/'));
            let segment = path.and_then(|(segment, _)| segment_of(segment));
            if let Some(segment) = segment {
                segments.entry(segment).or_default().push(part);
            }
        }
        Ok(segments)
    }

    /// What is no longer needed of a complete segment.
    async fn sweep_complete(
        &self,
        segment: Timestamp,
        parts: Vec<ObjectInfo>,
        now: Timestamp,
    ) -> Result<u64, FolderError> {
        let folder = self.folder();
        let (info, bytes) = folder
            .storage()
            .begin(&folder.success(segment)?, SegmentDocument::MAX_BYTES)
            .await?;
        // What cannot be read says nothing of what it lists.
        let (true, Ok(document)) = (is_old(info.modified, now), SegmentDocument::parse(&bytes))
        else {
            return Ok(0);
        };
        let into = folder.segment(segment)?;
        let files: Vec<ObjectInfo> = folder.storage().list(&into).try_collect().await?;
        let is_left = |file: &ObjectInfo| {
            let name = file.url.relative_to(&into).unwrap_or_default();
            name.starts_with("readings-r")
                && is_old(file.modified, now)
                && !document.files.iter().any(|listed| listed.name == name)
        };
        let left = files.into_iter().filter(is_left);
        // The parts last: as long as one is there, the segment is looked at again.
        Ok(self.delete(left).await? + self.delete(parts).await?)
    }

    async fn delete(
        &self,
        objects: impl IntoIterator<Item = ObjectInfo>,
    ) -> Result<u64, StorageError> {
        let mut deleted = 0;
        for object in objects {
            self.folder().storage().delete(&object.url).await?;
            deleted += 1;
        }
        Ok(deleted)
    }
}

fn is_old(modified: Timestamp, now: Timestamp) -> bool {
    now.duration_since(modified) >= KEPT
}

/// The segment of a folder of parts.
fn segment_of(name: &str) -> Option<Timestamp> {
    let start = DateTime::strptime("%Y%m%dT%H%M", name).ok()?;
    let start = start.to_zoned(TimeZone::UTC).ok()?;
    Some(start.timestamp())
}
