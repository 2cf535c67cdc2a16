use std::io;
use std::path::{Path, PathBuf};

use fleetscore_crds::{Failure, FailureReason};
use fleetscore_storage::{ObjectUrl, Storage};
use futures::StreamExt;
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// The file that makes a folder an `MLflow` model.
const MLMODEL: &str = "MLmodel";
/// Bytes of a model at most, all its files together.
const BYTES: u64 = 4 << 30;
/// Files of a folder at most.
const FILES: usize = 10_000;

/// A model's files where Python can read them, until this is dropped.
#[derive(Debug)]
pub struct Staged {
    folder: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Copies the model at `url` into the new folder `folder`: the file, or where it is called `MLmodel` all that is beside and below it.
    pub async fn copy(
        storage: &Storage,
        url: &ObjectUrl,
        folder: PathBuf,
    ) -> Result<Self, Failure> {
        let unwritable = |error: &io::Error| Failure {
            reason: FailureReason::OutputUnwritable,
            message: format!(
                "{url} cannot be copied into {}, where Python reads it: {error}",
                folder.display()
            ),
        };
        let name = url.file_name().unwrap_or_default();
        let staged = Self {
            path: folder.join(part(name).ok_or_else(|| badly_named(url))?),
            folder: folder.clone(),
        };
        fs::create_dir_all(&folder)
            .await
            .map_err(|error| unwritable(&error))?;
        let mut bytes = 0;
        if name != MLMODEL {
            copy(storage, url, &staged.path, &mut bytes, &unwritable).await?;
            return Ok(staged);
        }
        let above = above(url)?;
        let mut files = storage.list(&above).take(FILES + 1).enumerate();
        let mut found = false;
        while let Some((number, file)) = files.next().await {
            let file = file
                .map_err(|error| error.failure(FailureReason::ModelNotFound))?
                .url;
            if number == FILES {
                return Err(too_large(url, &format!("{FILES} files")));
            }
            let relative = file.relative_to(&above).unwrap_or_default();
            let parts: Option<PathBuf> = relative.split('/').map(part).collect();
            let path = folder.join(parts.ok_or_else(|| badly_named(&file))?);
            if let Some(parent) = path.parent() {
                let made = fs::create_dir_all(parent).await;
                made.map_err(|error| unwritable(&error))?;
            }
            copy(storage, &file, &path, &mut bytes, &unwritable).await?;
            found |= relative == MLMODEL;
        }
        if found {
            return Ok(staged);
        }
        Err(Failure {
            reason: FailureReason::ModelNotFound,
            message: format!("{url}: no such file"),
        })
    }

    /// The model's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What stays is removed with the folder above.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn copy(
    storage: &Storage,
    url: &ObjectUrl,
    path: &Path,
    copied: &mut u64,
    unwritable: &impl Fn(&io::Error) -> Failure,
) -> Result<(), Failure> {
    let not_read =
        |error: fleetscore_storage::StorageError| error.failure(FailureReason::ModelNotFound);
    let mut pieces = storage.get_stream(url).await.map_err(not_read)?;
    let file = fs::File::create(path).await;
    let mut file = file.map_err(|error| unwritable(&error))?;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(not_read)?;
        *copied += piece.len() as u64;
        if *copied > BYTES {
            return Err(too_large(url, &format!("{} MiB", BYTES >> 20)));
        }
        let written = file.write_all(&piece).await;
        written.map_err(|error| unwritable(&error))?;
    }
    file.flush().await.map_err(|error| unwritable(&error))
}

/// The folder of an object.
fn above(url: &ObjectUrl) -> Result<ObjectUrl, Failure> {
    let text = url.to_string();
    let folder = text.rsplit_once('/').map_or("", |(folder, _)| folder);
    ObjectUrl::parse(&format!("{folder}/"))
        .map_err(|error| error.failure(FailureReason::ModelNotFound))
}

/// A part of a path that stays where it is put.
fn part(name: &str) -> Option<&str> {
    let stays = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
    stays.then_some(name)
}

fn badly_named(url: &ObjectUrl) -> Failure {
    Failure {
        reason: FailureReason::ModelUnreadable,
        message: format!("{url}: no file can have this name; rename it"),
    }
}

fn too_large(url: &ObjectUrl, most: &str) -> Failure {
    Failure {
        reason: FailureReason::ModelUnreadable,
        message: format!(
            "{url}: the model has more than {most}, which is the most that is handed to Python"
        ),
    }
}
