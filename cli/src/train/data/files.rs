use std::fs;
use std::path::{Path, PathBuf};

use fleetscore_crds::ReadingFormat;
use fleetscore_readings::format_of_name;
use fleetscore_scorer::steps::{Table, is_data};

use crate::train::Error;

/// The files at `path`, each with its format, in the order of their paths. Names that are no readings do not count, and the files of
/// a table are refused.
pub(super) fn list(
    path: &Path,
    format: ReadingFormat,
) -> Result<Vec<(PathBuf, ReadingFormat)>, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path))?;
    if metadata.is_file() {
        return Ok(vec![(path.to_owned(), format)]);
    }
    if let Some(table) = Table::above(path) {
        return Err(Error::Table(table));
    }
    let mut files = Vec::new();
    walk(path, path, &mut files)?;
    files.retain(|(_, found)| format == ReadingFormat::Auto || format == *found);
    files.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    if files.is_empty() {
        Err(Error::NoFiles {
            path: path.to_owned(),
        })
    } else {
        Ok(files)
    }
}

/// Links to folders are not followed, so that a walk ends.
fn walk(
    root: &Path,
    folder: &Path,
    files: &mut Vec<(PathBuf, ReadingFormat)>,
) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::io(&path))?;
        if kind.is_dir() {
            walk(root, &path, files)?;
            continue;
        }
        let name = path.to_string_lossy();
        if let Some(table) = Table::of(&name) {
            return Err(Error::Table(table));
        }
        let below = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
        if let Some(format) = format_of_name(&name).filter(|_| is_data(&below)) {
            files.push((path.clone(), format));
        }
    }
    Ok(())
}
