//! Where a manifest's bytes come from: a file, or standard input.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::ManifestError;

/// The largest manifest that is read, in bytes.
const LARGEST: u64 = 4 << 20;
/// The path that stands for standard input, as for other programs.
const STANDARD_INPUT: &str = "-";

/// What messages call the manifest at `path`.
pub fn name(path: &Path) -> String {
    if path == Path::new(STANDARD_INPUT) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// A manifest's bytes.
pub struct Source {
    /// What messages call it.
    pub name: String,
    /// The whole of it.
    pub bytes: Vec<u8>,
    /// The absolute folder that its relative paths are taken from.
    pub folder: PathBuf,
}

impl Source {
    /// Reads the file at `path`, or standard input where it is `-`: its relative paths are taken from the current folder.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let failed = |error: io::Error| ManifestError::Read {
            path: path.to_owned(),
            reason: reason(path, &error),
        };
        if path == Path::new(STANDARD_INPUT) {
            let folder = std::env::current_dir().map_err(failed)?;
            return Ok(Self {
                name: name(path),
                bytes: whole(io::stdin().lock(), path, failed)?,
                folder,
            });
        }
        let bytes = whole(File::open(path).map_err(failed)?, path, failed)?;
        let absolute = std::path::absolute(path).map_err(failed)?;
        // Without `..`, which a location must not hold and which a link before it gives another meaning.
        let folder = absolute.parent().unwrap_or(&absolute);
        Ok(Self {
            name: name(path),
            bytes,
            folder: folder.canonicalize().map_err(failed)?,
        })
    }
}

fn whole(
    from: impl Read,
    path: &Path,
    failed: impl FnOnce(io::Error) -> ManifestError,
) -> Result<Vec<u8>, ManifestError> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ManifestError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// Why the file cannot be read, and what to do.
fn reason(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "does not exist; name the file that holds the manifest".to_owned(),
        _ if path.is_dir() => {
            let example = manifests_in(path).map_or_else(String::new, |found| {
                format!(", such as {}", found.display())
            });
            format!("is a folder; name the manifest in it{example}")
        }
        _ => format!("cannot be read: {error}"),
    }
}

/// The first file in `folder` that may be a manifest.
fn manifests_in(folder: &Path) -> Option<PathBuf> {
    let files = folder
        .read_dir()
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()));
    let named = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yaml" | "yml" | "json")) && path.is_file()
    };
    files.filter(named).min()
}
