use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fleetscore_scorer::history::{HistoryError, RECORD_BYTES, RunRecord, read_record};
use fleetscore_scorer::outputs;
use fleetscore_storage::{ObjectInfo, ObjectUrl, StorageError, StoreKind};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::{Disk, History, Index, Place, Run, Trouble, Unreadable};

/// Runs that are known at most: a year of hours is 8,760.
const RUNS: usize = 10_000;
/// Records that are read at a time.
const RECORDS: usize = 64;
/// Records that cannot be read and are told of.
const TOLD: usize = 5;

/// A record as it was listed: where one of its name is listed otherwise, it is read again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    modified: Timestamp,
    tag: Option<String>,
}

/// What the last look at storage found.
#[derive(Default)]
pub struct Refresher {
    places: Vec<Found>,
}

/// What the last look at one place found.
struct Found {
    place: Place,
    seen: HashMap<String, (Seen, Result<Arc<Run>, String>)>,
    left_out: usize,
}

impl Refresher {
    /// Looks at storage once and puts what is new into the index of `history`. Returns whether anything has changed.
    pub async fn refresh(&mut self, history: &History) -> bool {
        let places = history.places.read().await.clone();
        let mut before = std::mem::take(&mut self.places);
        let mut trouble = None;
        for place in places.iter() {
            let known = before.iter().position(|found| found.place.is(place));
            let mut found = known.map_or_else(
                || Found {
                    place: place.clone(),
                    seen: HashMap::new(),
                    left_out: 0,
                },
                |known| before.swap_remove(known),
            );
            // Where one place cannot be asked, the others can be, and what was known of it stays.
            if let Err(error) = found.look(history.disk.as_ref()).await {
                trouble.get_or_insert(error);
            }
            self.places.push(found);
        }
        let now = history.index().await;
        let known = now.trouble.as_ref();
        if let Some(message) = trouble.as_ref()
            && known.is_none_or(|known| known.message != *message)
        {
            tracing::warn!("{message}");
        }
        let since = known.map(|known| known.since);
        let trouble = trouble.map(|message| Trouble {
            message,
            since: since.unwrap_or_else(Timestamp::now),
        });
        let mut next = self.index(trouble);
        next.unasked.clone_from(&*history.unasked.read().await);
        let unasked = next.unasked.iter();
        for new in unasked.filter(|unasked| !now.unasked.contains(unasked)) {
            tracing::warn!(namespace = new.namespace, "{}", new.reason);
        }
        let is_same = now.trouble == next.trouble
            && now.unreadable == next.unreadable
            && now.left_out == next.left_out
            && now.roots == next.roots
            && now.unasked == next.unasked
            && now.runs.len() == next.runs.len()
            && (now.runs.iter().zip(&next.runs)).all(|(one, other)| Arc::ptr_eq(one, other));
        if is_same {
            return false;
        }
        let version = now.version + 1;
        *history.index.write().await = Arc::new(Index { version, ..next });
        history.changed.send_replace(version);
        true
    }

    fn index(&self, trouble: Option<Trouble>) -> Index {
        let seen = || self.places.iter().flat_map(|found| found.seen.values());
        let mut runs: Vec<_> = seen().filter_map(|(_, run)| run.clone().ok()).collect();
        runs.sort_by_cached_key(|run| run.order());
        let mut told: Vec<_> = seen()
            .filter_map(|(_, run)| run.as_ref().err().cloned())
            .collect();
        told.sort_unstable();
        let count = told.len();
        told.truncate(TOLD);
        let places = self.places.iter();
        Index {
            runs,
            roots: places
                .clone()
                .map(|found| found.place.root.to_string())
                .collect(),
            version: 0,
            left_out: places.map(|found| found.left_out).sum(),
            unreadable: Unreadable { count, first: told },
            unasked: Vec::new(),
            trouble,
        }
    }
}

impl Found {
    async fn look(&mut self, disk: Option<&Disk>) -> Result<(), String> {
        let root = &self.place.root;
        let (listed, left_out) = newest(&self.place)
            .await
            .map_err(|error| error.to_string())?;
        // A volume that is no longer mounted looks like an empty folder.
        if listed.is_empty() && self.seen.values().any(|(_, run)| run.is_ok()) {
            return Err(format!("{root}_runs/ has no records any more"));
        }
        self.left_out = left_out;
        let mut known = std::mem::take(&mut self.seen);
        let mut unseen = Vec::new();
        for object in listed {
            let seen = Seen {
                size: object.size,
                modified: object.modified,
                tag: object.meta.e_tag.clone(),
            };
            let name = object.url.to_string();
            match known.remove(&name) {
                Some((before, run)) if before == seen => {
                    self.seen.insert(name, (before, run));
                }
                _ => unseen.push((object.url, name, seen)),
            }
        }
        let is_much = unseen.len() > RECORDS;
        let place = &self.place;
        // Local files are as fast as what would be kept of them.
        let disk = disk.filter(|_| root.kind() == StoreKind::Azure);
        let mut read = stream::iter(unseen)
            .map(|(url, name, seen)| async move {
                let record = record(place, disk, &url, &seen).await;
                (url, name, seen, record)
            })
            .buffer_unordered(RECORDS);
        while let Some((url, name, seen, record)) = read.next().await {
            let run = match record {
                Ok(record) => Ok(Arc::new(Run {
                    url,
                    root: root.clone(),
                    account: place.account.clone(),
                    storage: place.storage.clone(),
                    record,
                })),
                Err(HistoryError::Storage(error))
                    if !error.is_not_found() && !error.is_too_large() =>
                {
                    drop(read);
                    // What was known is not read again.
                    self.seen.extend(known);
                    return Err(error.to_string());
                }
                Err(error) => Err(error.to_string()),
            };
            self.seen.insert(name, (seen, run));
        }
        if let Some(disk) = disk.filter(|_| is_much).cloned() {
            let _ = tokio::task::spawn_blocking(move || disk.sweep()).await;
        }
        Ok(())
    }
}

/// Reads a record, from storage only where this version of it was not read before.
async fn record(
    place: &Place,
    disk: Option<&Disk>,
    url: &ObjectUrl,
    seen: &Seen,
) -> Result<RunRecord, HistoryError> {
    let name =
        (seen.tag.as_ref()).map(|tag| format!("{} {url} {} {tag}", place.account, seen.size));
    let Some((disk, name)) = disk.cloned().zip(name) else {
        return read_record(&place.storage, url).await;
    };
    let (known, own) = (disk.clone(), name.clone());
    let kept = tokio::task::spawn_blocking(move || known.get(&own)).await;
    let kept = kept.ok().flatten();
    if let Some(record) = kept.and_then(|bytes| RunRecord::from_json(&url.to_string(), &bytes).ok())
    {
        return Ok(record);
    }
    let bytes = place.storage.get(url, RECORD_BYTES).await?;
    let record = RunRecord::from_json(&url.to_string(), &bytes)?;
    let _ = tokio::task::spawn_blocking(move || disk.put(&name, &bytes)).await;
    Ok(record)
}

/// The newest records of a place, and how many older ones there are. They are listed by day.
async fn newest(place: &Place) -> Result<(VecDeque<ObjectInfo>, usize), StorageError> {
    let folder = place.root.join(outputs::RUNS_FOLDER)?;
    let mut objects = place.storage.list(&folder);
    let mut newest = VecDeque::new();
    let mut left_out = 0;
    while let Some(object) = objects.try_next().await? {
        if !(object.url.relative_to(&folder)).is_some_and(is_record) {
            continue;
        }
        newest.push_back(object);
        if newest.len() > RUNS {
            newest.pop_front();
            left_out += 1;
        }
    }
    Ok((newest, left_out))
}

/// Whether `path` is one of a record: `YYYY/MM/DD/NAME.json`.
fn is_record(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let number =
        |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [year, month, day, name] => {
            number(year, 4)
                && number(month, 2)
                && number(day, 2)
                && name
                    .strip_suffix(".json")
                    .is_some_and(|name| !name.is_empty())
        }
        _ => false,
    }
}
