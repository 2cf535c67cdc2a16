use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::{ObjectUrl, Storage, StorageError, local};

/// A file that is locked for this process, by the operating system: until this is dropped or the process ends, in whatever way.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code)] File);

impl Storage {
    /// Locks a file, which is made if it is absent, for this process. If another one has it: who that is, such as `process 7 on host`.
    /// Other stores have no locks, and do without: none.
    pub async fn lock(
        &self,
        url: &ObjectUrl,
    ) -> Result<Result<Option<Lock>, String>, StorageError> {
        if self.local_file(url).is_none() {
            return Ok(Ok(None));
        }
        let locked = |url: &ObjectUrl| {
            lock(&local::path(url)).map_err(|error| StorageError::of_io(url, &error))
        };
        let locked = self.with_file(url, locked).await?;
        Ok(locked.map(|file| Some(Lock(file))))
    }
}

fn lock(path: &Path) -> io::Result<Result<File, String>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Err(holder(&file))),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty());
    let text = format!(
        "process {} on {}",
        std::process::id(),
        host.unwrap_or("this host")
    );
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    Ok(Ok(file))
}

/// What a holder has written into its lock.
fn holder(file: &File) -> String {
    let mut text = Vec::new();
    // Whoever holds it may be about to write.
    let _ = file.take(512).read_to_end(&mut text);
    match str::from_utf8(&text).map(str::trim) {
        Ok(text) if text.starts_with("process ") => fleetscore_crds::visible(text).to_string(),
        _ => "another process".to_owned(),
    }
}
