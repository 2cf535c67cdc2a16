use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::ObjectMeta;

use super::url::is_staged;
use super::{ObjectUrl, StorageError};

/// The file or folder of a `file://` location.
pub(super) fn path(url: &ObjectUrl) -> PathBuf {
    PathBuf::from(format!("/{}", url.path()))
}

/// A whole file, in one go: the general client takes several turns on other threads for it.
pub(super) fn read(url: &ObjectUrl, limit: u64) -> Result<Bytes, StorageError> {
    let of_io = |error: io::Error| StorageError::of_io(url, &error);
    let path = path(url);
    // Before it is opened: opening a pipe would wait for its writer.
    let metadata = fs::metadata(&path).map_err(of_io)?;
    if !metadata.is_file() {
        return Err(of_io(io::Error::new(
            io::ErrorKind::NotFound,
            "what is there is no file",
        )));
    }
    let file = File::open(&path).map_err(of_io)?;
    let size = metadata.len();
    let too_large = |size| StorageError::TooLarge {
        url: url.to_string(),
        size,
        limit,
    };
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // The file may have grown since, or be one without a size.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(of_io)?;
    let read = bytes.len() as u64;
    if read > limit {
        Err(too_large(read))
    } else {
        Ok(bytes.into())
    }
}

/// A whole file of at most `limit` bytes, and what is known of it; none where it has more.
pub(super) fn read_small(
    url: &ObjectUrl,
    limit: u64,
) -> Result<Option<(ObjectMeta, Bytes)>, StorageError> {
    let of_io = |error: io::Error| StorageError::of_io(url, &error);
    let metadata = fs::metadata(path(url)).map_err(of_io)?;
    if metadata.is_file() && metadata.len() > limit {
        return Ok(None);
    }
    let bytes = match read(url, limit) {
        Err(error) if error.is_too_large() => return Ok(None),
        read => read?,
    };
    let modified = metadata.modified().map_err(of_io)?;
    let meta = ObjectMeta {
        location: url.path().clone(),
        last_modified: modified.into(),
        size: bytes.len() as u64,
        e_tag: None,
        version: None,
    };
    Ok(Some((meta, bytes)))
}

/// Writes a file unless there is one of its name; returns whether it did. Without links, which some network file systems lack.
pub(super) fn create(url: &ObjectUrl, bytes: &[u8]) -> Result<bool, StorageError> {
    let path = path(url);
    let created = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| File::create_new(&path))
        .and_then(|mut file| file.write_all(bytes));
    match created {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StorageError::of_io(url, &error)),
    }
}

/// Removes files that a killed process was writing in the folder `url` and below, last written at least `age` ago. Returns how
/// many. Links are not followed, nor are folders in there that hold a folder `owned`: another run writes to them. A folder that does not
/// exist has none.
pub(super) fn sweep_staged(
    url: &ObjectUrl,
    age: Duration,
    owned: &str,
) -> Result<u64, StorageError> {
    let Some(before) = SystemTime::now().checked_sub(age) else {
        return Ok(0);
    };
    sweep_folder(&path(url), before, owned).map_err(|error| StorageError::of_io(url, &error))
}

fn sweep_folder(folder: &Path, before: SystemTime, owned: &str) -> io::Result<u64> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && !entry.path().join(owned).is_dir() {
            removed += sweep_folder(&entry.path(), before, owned)?;
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_staged) {
            removed += remove_old(&entry.path(), before)?;
        }
    }
    Ok(removed)
}

/// Removes one file if it is old enough and still there.
fn remove_old(file: &Path, before: SystemTime) -> io::Result<u64> {
    let removed = fs::metadata(file).and_then(|metadata| {
        if metadata.modified()? > before {
            return Ok(0);
        }
        fs::remove_file(file).map(|()| 1)
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        removed => removed,
    }
}
