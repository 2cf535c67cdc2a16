use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::engine::Shared;
use crate::folder::{CommitError, DeadLetters, FolderError, Held, PartitionProgress};
use crate::publish::store_part;
use crate::window::{Rows, Snapshot};

/// The first and the longest pause before a checkpoint is tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// All that is saved of a partition at once: parts and dead letters first, then the commit that counts them.
pub(super) struct Cut {
    /// Rows that have left the state.
    pub parts: Vec<Part>,
    /// Events that were refused.
    pub letters: Option<DeadLetters>,
    /// How far the partition has come.
    pub progress: PartitionProgress,
    /// The state.
    pub snapshot: Snapshot,
    /// Whether the partition is kept; else it is given back.
    pub keep: bool,
}

/// Rows of one segment.
pub(super) struct Part {
    /// Its name, which no other part has.
    pub name: String,
    /// The rows.
    pub rows: Rows,
}

/// Why a checkpoint was not made, for good.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Another process has claimed the partition.
    #[error("{0}")]
    Lost(CommitError),
    /// Storage refuses it, or what is there is not the stream's.
    #[error("{0}")]
    Failed(String),
}

/// Makes a checkpoint, and tries again as long as storage is away. Returns the claim for the next one.
pub(super) async fn save(
    shared: Arc<Shared>,
    number: i32,
    mut held: Held,
    cut: Cut,
) -> Result<(Held, PartitionProgress), CheckpointError> {
    let folder = &shared.folder;
    let snapshot = cut.snapshot;
    let state = tokio::task::spawn_blocking(move || snapshot.encode());
    let state = state.await.map_err(|error| failed(&error))?;
    let state = Bytes::from(state.map_err(|error| failed(&error))?);
    let mut pause = FIRST_PAUSE;
    for Part { name, rows } in &cut.parts {
        let rules = &shared.settings.rules;
        while let Err(error) = store_part(folder, rules, name.clone(), rows).await {
            wait(&shared, number, &mut pause, error).await?;
        }
    }
    if let (Some(letters), Some(location)) = (&cut.letters, &shared.dead_letters) {
        while let Err(error) = letters.store(folder.storage(), location).await {
            wait(&shared, number, &mut pause, error.into()).await?;
        }
    }
    loop {
        let commit = held.commit(folder, cut.progress.clone(), state.clone(), cut.keep);
        match commit.await {
            Ok(()) => return Ok((held, cut.progress)),
            Err(CommitError::Folder(error)) => wait(&shared, number, &mut pause, error).await?,
            Err(error) => return Err(CheckpointError::Lost(error)),
        }
    }
}

/// Saves again what was saved last, so that others see that the claim is alive.
pub(super) async fn renew(
    shared: Arc<Shared>,
    number: i32,
    mut held: Held,
    keep: bool,
) -> Result<(Held, PartitionProgress), CheckpointError> {
    let folder = &shared.folder;
    let mut pause = FIRST_PAUSE;
    let commit = loop {
        match folder.read::<PartitionProgress>(held.url()).await {
            Ok(Some((commit, _))) => break commit,
            Ok(None) => {
                return Err(CheckpointError::Failed(format!(
                    "{} was deleted",
                    held.url()
                )));
            }
            Err(error) => wait(&shared, number, &mut pause, error).await?,
        }
    };
    loop {
        let (progress, state) = (commit.progress.clone(), commit.state.clone());
        match held.commit(folder, progress, state, keep).await {
            Ok(()) => return Ok((held, commit.progress)),
            Err(CommitError::Folder(error)) => wait(&shared, number, &mut pause, error).await?,
            Err(error) => return Err(CheckpointError::Lost(error)),
        }
    }
}

/// Waits before the same is tried again; an error that no try again can mend is returned.
async fn wait(
    shared: &Shared,
    number: i32,
    pause: &mut Duration,
    error: FolderError,
) -> Result<(), CheckpointError> {
    if !is_temporary(&error) {
        return Err(failed(&error));
    }
    shared.see(number, |seen| seen.save_error = Some(error.trouble()));
    tracing::warn!(seconds = pause.as_secs(), "saving is tried again: {error}");
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
    Ok(())
}

/// Whether the same may succeed later.
pub(super) fn is_temporary(error: &FolderError) -> bool {
    matches!(error, FolderError::Storage(error) if error.is_temporary() || error.is_denied())
}

fn failed(error: &dyn std::fmt::Display) -> CheckpointError {
    CheckpointError::Failed(error.to_string())
}
