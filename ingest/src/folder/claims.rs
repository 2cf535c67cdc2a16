use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetscore_storage::ObjectUrl;
use futures::{StreamExt, TryStreamExt, stream};

use super::decide::is_free;
use super::{
    Claim, Commit, FolderError, Held, Owner, PartitionProgress, Progress, PublisherProgress, Seen,
    StreamFolder, View, decide,
};

/// What one process sees of the claims of its stream, by looking every ten seconds or so. Times are of its own clock, which only goes
/// forward.
#[derive(Debug)]
pub struct Claims {
    me: Owner,
    lease: Duration,
    partitions: BTreeMap<i32, Seen>,
    tags: BTreeMap<i32, String>,
    publisher: Option<Seen>,
}

/// Lines that are read at the same time.
const AT_ONCE: usize = 16;

impl Claims {
    /// Nothing seen yet. A claim that has not changed for `lease` is free.
    pub fn new(me: Owner, lease: Duration) -> Self {
        Self {
            me,
            lease,
            partitions: BTreeMap::new(),
            tags: BTreeMap::new(),
            publisher: None,
        }
    }

    /// Looks at the claims of the topic's `count` partitions, of which this process works on those `held`. Returns which ones it should
    /// claim now.
    pub async fn look(
        &mut self,
        folder: &StreamFolder,
        count: i32,
        held: &BTreeSet<i32>,
        now: Duration,
    ) -> Result<Vec<i32>, FolderError> {
        let tags = listed(folder).await?;
        let is_new =
            |number: &i32| !held.contains(number) && tags.get(number) != self.tags.get(number);
        let changed: Vec<i32> = (0..count).filter(is_new).collect();
        let read = |number: i32| async move {
            let line = folder
                .read_line::<PartitionProgress>(&folder.partition(number)?)
                .await?;
            Ok::<_, FolderError>((number, line.map(|(claim, _)| claim)))
        };
        let mut lines = stream::iter(changed).map(read).buffer_unordered(AT_ONCE);
        while let Some((number, claim)) = lines.try_next().await? {
            note(self.partitions.entry(number), claim, now);
            match tags.get(&number) {
                Some(tag) => self.tags.insert(number, tag.clone()),
                None => self.tags.remove(&number),
            };
        }
        drop(lines);
        self.partitions.retain(|number, _| *number < count);
        for number in 0..count {
            let unseen = Seen {
                claim: None,
                since: now,
            };
            self.partitions.entry(number).or_insert(unseen);
        }
        Ok(decide(&self.view(folder, held), now))
    }

    /// Claims a partition, if it is still as it was last seen; none: another process was faster.
    pub async fn claim(
        &self,
        folder: &StreamFolder,
        partition: i32,
    ) -> Result<Option<(Held, Commit<PartitionProgress>)>, FolderError> {
        let seen = self.partitions.get(&partition);
        self.claim_object(folder, &folder.partition(partition)?, seen)
            .await
    }

    /// Looks at who publishes, and how far that has come. Whether this process, which does not, should claim it now.
    pub async fn look_at_publisher(
        &mut self,
        folder: &StreamFolder,
        now: Duration,
    ) -> Result<(bool, PublisherProgress), FolderError> {
        let line = folder
            .read_line::<PublisherProgress>(&folder.publisher()?)
            .await?;
        let (claim, progress) = line.unzip();
        let seen = match self.publisher.take() {
            Some(seen) if seen.claim == claim => seen,
            _ => Seen { claim, since: now },
        };
        let is_free = is_free(&self.view(folder, &BTreeSet::new()), &seen, now);
        self.publisher = Some(seen);
        Ok((is_free, progress.unwrap_or_default()))
    }

    /// Claims publishing, if it is still as it was last seen; none: another process was faster.
    pub async fn claim_publisher(
        &self,
        folder: &StreamFolder,
    ) -> Result<Option<(Held, Commit<PublisherProgress>)>, FolderError> {
        self.claim_object(folder, &folder.publisher()?, self.publisher.as_ref())
            .await
    }

    async fn claim_object<P: Progress>(
        &self,
        folder: &StreamFolder,
        url: &ObjectUrl,
        seen: Option<&Seen>,
    ) -> Result<Option<(Held, Commit<P>)>, FolderError> {
        let seen = seen.and_then(|seen| seen.claim.as_ref());
        folder.claim(url, seen, &self.me).await
    }

    fn view<'a>(&'a self, folder: &StreamFolder, held: &'a BTreeSet<i32>) -> View<'a> {
        View {
            me: &self.me,
            is_alone: folder.is_locked(),
            lease: self.lease,
            partitions: &self.partitions,
            held,
        }
    }
}

/// The tags of the partitions' objects, which change with every write.
async fn listed(folder: &StreamFolder) -> Result<BTreeMap<i32, String>, FolderError> {
    let mut tags = BTreeMap::new();
    let mut objects = folder.storage().list(&folder.partitions()?);
    while let Some(info) = objects.try_next().await? {
        let number = info.url.file_name().and_then(|name| name.parse().ok());
        if let Some(number) =
            number.filter(|number| folder.partition(*number).as_ref() == Ok(&info.url))
        {
            let time = || info.modified.to_string();
            tags.insert(number, info.meta.e_tag.clone().unwrap_or_else(time));
        }
    }
    Ok(tags)
}

fn note(
    entry: std::collections::btree_map::Entry<'_, i32, Seen>,
    claim: Option<Claim>,
    now: Duration,
) {
    let seen = entry.or_insert_with(|| Seen {
        claim: None,
        since: now,
    });
    if seen.claim != claim {
        *seen = Seen { claim, since: now };
    }
}
