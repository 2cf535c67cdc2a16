use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fleetscore_scorer::history::read_record;
use fleetscore_scorer::outputs;
use fleetscore_storage::{ObjectInfo, ObjectUrl, StorageError};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::{History, Index, Run, Trouble, Unreadable};

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
    seen: HashMap<String, (Seen, Result<Arc<Run>, String>)>,
}

impl Refresher {
    /// Looks at storage once and puts what is new into the index of `history`. Returns whether anything has changed.
    pub async fn refresh(&mut self, history: &History) -> bool {
        let now = history.index().await;
        let next = match self.look(history).await {
            Ok(next) => next,
            Err(error) => Index {
                trouble: Some(Trouble {
                    message: error,
                    since: (now.trouble.as_ref()).map_or_else(Timestamp::now, |known| known.since),
                }),
                ..Index::clone(&now)
            },
        };
        let is_same = now.trouble == next.trouble
            && now.unreadable == next.unreadable
            && now.left_out == next.left_out
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

    async fn look(&mut self, history: &History) -> Result<Index, String> {
        let mut listed = Vec::new();
        let mut left_out = 0;
        for root in &history.roots {
            let (newest, more) = newest(history, root)
                .await
                .map_err(|error| error.to_string())?;
            // A volume that is no longer mounted looks like an empty folder.
            if newest.is_empty() && self.knows(root) {
                return Err(format!("{root}_runs/ has no records any more"));
            }
            left_out += more;
            listed.extend(newest.into_iter().map(|object| (root, object)));
        }
        let mut known = std::mem::take(&mut self.seen);
        let mut unseen = Vec::new();
        for (root, object) in listed {
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
                _ => unseen.push((root.clone(), object.url, name, seen)),
            }
        }
        let storage = &history.storage;
        let mut read = stream::iter(unseen)
            .map(|(root, url, name, seen)| async move {
                let record = read_record(storage, &url).await;
                (root, url, name, seen, record)
            })
            .buffer_unordered(RECORDS);
        let mut trouble = None;
        while let Some((root, url, name, seen, record)) = read.next().await {
            let run = match record {
                Ok(record) => Ok(Arc::new(Run { url, root, record })),
                Err(fleetscore_scorer::history::HistoryError::Storage(error))
                    if !error.is_not_found() && !error.is_too_large() =>
                {
                    trouble = Some(error.to_string());
                    break;
                }
                Err(error) => Err(error.to_string()),
            };
            self.seen.insert(name, (seen, run));
        }
        drop(read);
        if let Some(trouble) = trouble {
            // What was known is not read again.
            self.seen.extend(known);
            return Err(trouble);
        }
        Ok(self.index(history, left_out))
    }

    /// Whether there were runs below `root` before.
    fn knows(&self, root: &ObjectUrl) -> bool {
        let mut runs = self.seen.values().filter_map(|(_, run)| run.as_ref().ok());
        runs.any(|run| run.root == *root)
    }

    fn index(&self, history: &History, left_out: usize) -> Index {
        let runs = self.seen.values().filter_map(|(_, run)| run.clone().ok());
        let mut runs: Vec<_> = runs.collect();
        runs.sort_by_cached_key(|run| run.order());
        let mut told: Vec<_> = (self.seen.values())
            .filter_map(|(_, run)| run.as_ref().err().cloned())
            .collect();
        told.sort_unstable();
        let count = told.len();
        told.truncate(TOLD);
        Index {
            runs,
            roots: history.roots.iter().map(ToString::to_string).collect(),
            version: 0,
            left_out,
            unreadable: Unreadable { count, first: told },
            trouble: None,
        }
    }
}

/// The newest records below `root`, and how many older ones there are. They are listed by day.
async fn newest(
    history: &History,
    root: &ObjectUrl,
) -> Result<(VecDeque<ObjectInfo>, usize), StorageError> {
    let folder = root.join(outputs::RUNS_FOLDER)?;
    let mut objects = history.storage.list(&folder);
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
