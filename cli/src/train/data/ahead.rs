//! Files that are opened before it is their turn to be read.

use std::fs;
use std::path::{Path, PathBuf};

use fleetscore_crds::ReadingFormat;
use fleetscore_readings::ObjectSource;
use futures::stream::{self, Stream, StreamExt as _};
use tokio::runtime::Handle;

use crate::train::Error;

/// Files that are asked for at the same time: on a volume far away each takes its time to answer.
const AT_ONCE: usize = 16;

/// Bytes up to which a file is read whole when it is opened.
const SMALL: u64 = 1 << 20;

/// The files in their order, opened, each with its format.
pub(super) fn open<'f>(
    files: &'f [(PathBuf, ReadingFormat)],
    runtime: &'f Handle,
) -> impl Stream<Item = Result<(ObjectSource, ReadingFormat), Error>> + 'f {
    at_once(files.iter().map(move |(path, format)| async move {
        let (own, handle) = (path.clone(), runtime.clone());
        let opened = runtime.spawn_blocking(move || open_one(&own, handle));
        let source = opened.await.map_err(|error| Error::data(path, &error))??;
        Ok((source, *format))
    }))
}

/// What `work` comes to, in its order, some at the same time.
fn at_once<F: Future>(work: impl Iterator<Item = F>) -> impl Stream<Item = F::Output> {
    stream::iter(work).buffered(AT_ONCE)
}

fn open_one(path: &Path, runtime: Handle) -> Result<ObjectSource, Error> {
    let source = ObjectSource::local(path, runtime)?;
    if source.size() > SMALL {
        return Ok(source);
    }
    Ok(match fs::read(path) {
        Ok(bytes) if bytes.len() as u64 == source.size() => source.with_first(bytes.into()),
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
