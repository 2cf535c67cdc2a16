//! The files of the history, found and opened as the readings of a run are.

use std::path::{Path, PathBuf};

use fleetscore_crds::{Failure, FailureReason, ReadingFormat, StorageSpec};
use fleetscore_readings::dataset::{self, Segments, Table};
use fleetscore_readings::{ObjectSource, format_of_name};
use fleetscore_storage::{Environment, ObjectInfo, ObjectUrl, Storage, StorageOptions};
use futures::stream::{self, Stream, StreamExt as _};

use crate::train::Error;

/// Files that are asked for at the same time: on a volume far away each takes its time to answer.
const AT_ONCE: usize = 16;

/// Bytes up to which a file is read whole when it is opened.
const SMALL: u64 = 1 << 20;

/// The files of the history, in the order of their paths.
pub(super) struct Files {
    storage: Storage,
    /// Each with its format.
    files: Vec<(ObjectInfo, ReadingFormat)>,
}

impl Files {
    /// Those at `path`, a file or a folder. Names that are no readings do not count, and the files of a table are refused.
    pub async fn list(path: &Path, format: ReadingFormat) -> Result<Self, Error> {
        let metadata = std::fs::metadata(path).map_err(Error::io(path))?;
        let options = StorageOptions {
            files: AT_ONCE,
            ..StorageOptions::default()
        };
        let none = Environment::default();
        let storage = Storage::with_environment(&StorageSpec::default(), options, &none)
            .map_err(|error| Error::data(path, &error))?;
        let location = location(path)?;
        let files = if metadata.is_file() {
            let object = storage.head(&location).await;
            vec![(object.map_err(|error| Error::data(path, &error))?, format)]
        } else if let Some(files) = of_stream(&storage, path, &location.as_prefix(), format).await?
        {
            files
        } else {
            if let Some(table) = Table::above(path) {
                return Err(Error::Table(table));
            }
            let objects = dataset::list(&storage, &location.as_prefix()).await;
            let with_format = |object: ObjectInfo| {
                let found = format_of_name(object.url.file_name()?)?;
                (format == ReadingFormat::Auto || format == found).then_some((object, found))
            };
            let objects = match objects {
                Ok(objects) => objects,
                Err(failure) if failure.reason == FailureReason::ReadingsNotFound => Vec::new(),
                Err(failure) => return Err(Error::data(path, &failure.message)),
            };
            objects.into_iter().filter_map(with_format).collect()
        };
        if files.is_empty() {
            return Err(Error::NoFiles {
                path: path.to_owned(),
            });
        }
        Ok(Self { storage, files })
    }

    /// The files in their order, opened before it is their turn to be read, each with its format.
    pub fn open(&self) -> impl Stream<Item = Result<(ObjectSource, ReadingFormat), Error>> {
        at_once(self.files.iter().map(async |(object, format)| {
            let source = open_one(&self.storage, object).await?;
            Ok((source, *format))
        }))
    }
}

/// The files of all complete segments, where the folder is a stream's.
async fn of_stream(
    storage: &Storage,
    path: &Path,
    location: &ObjectUrl,
    format: ReadingFormat,
) -> Result<Option<Vec<(ObjectInfo, ReadingFormat)>>, Error> {
    let failed = |failure: Failure| Error::data(path, &failure.message);
    if !matches!(format, ReadingFormat::Auto | ReadingFormat::Stream) {
        return Ok(None);
    }
    let found = dataset::stream_at(storage, location).await;
    let Some(stream) = found.map_err(failed)? else {
        return Ok(None);
    };
    let starts = dataset::complete(storage, location).await.map_err(failed)?;
    let segments = dataset::segments(storage, location, &stream, &starts).await;
    let segments = Segments::new(&stream, location, segments.map_err(failed)?);
    let files = segments.all_files();
    let files = files.map_err(|error| Error::data(path, &error))?;
    let parquet = files
        .into_iter()
        .map(|file| (file, ReadingFormat::Parquet))
        .collect();
    Ok(Some(parquet))
}

/// The URL of a local path.
fn location(path: &Path) -> Result<ObjectUrl, Error> {
    let absolute = std::path::absolute(path).map_err(Error::io(path))?;
    let text = absolute.to_str();
    let text = text.ok_or_else(|| Error::data(path, &"the path is not UTF-8; rename it"))?;
    ObjectUrl::parse(&format!("file://{text}")).map_err(|error| Error::data(path, &error))
}

/// What `work` comes to, in its order, some at the same time.
fn at_once<F: Future>(work: impl Iterator<Item = F>) -> impl Stream<Item = F::Output> {
    stream::iter(work).buffered(AT_ONCE)
}

async fn open_one(storage: &Storage, object: &ObjectInfo) -> Result<ObjectSource, Error> {
    let path = storage.local_file(&object.url);
    let path = path.unwrap_or_else(|| PathBuf::from(object.url.to_string()));
    let failed = |message: &dyn std::fmt::Display| Error::data(&path, message);
    let source = ObjectSource::open(storage, object).map_err(|error| failed(&error))?;
    let source = source.named(path.display().to_string());
    if object.size > SMALL {
        return Ok(source);
    }
    Ok(match storage.get(&object.url, SMALL).await {
        Ok(bytes) if bytes.len() as u64 == object.size => source.with_first(bytes),
        // It changes, or cannot be read, which is told when it is its turn.
        _ => source,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    /// In virtual time, in which each answer takes a second.
    #[tokio::test(start_paused = true)]
    async fn files_are_asked_for_at_the_same_time() {
        let begun = Instant::now();
        let answers = (0..3 * AT_ONCE).map(|file| async move {
            sleep(Duration::from_secs(1)).await;
            file
        });
        let files: Vec<usize> = at_once(answers).collect().await;
        assert!(files.into_iter().eq(0..3 * AT_ONCE));
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }
}
