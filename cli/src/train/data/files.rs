use std::fs;
use std::path::{Path, PathBuf};

use fleetscore_crds::ReadingFormat;

use crate::train::Error;

/// The files at `path`, each with its format, in the order of their paths.
pub(super) fn list(
    path: &Path,
    format: ReadingFormat,
) -> Result<Vec<(PathBuf, ReadingFormat)>, Error> {
    let metadata = fs::metadata(path).map_err(Error::io(path))?;
    if metadata.is_file() {
        let format = if format == ReadingFormat::Auto {
            by_extension(path).unwrap_or(ReadingFormat::Csv)
        } else {
            format
        };
        return Ok(vec![(path.to_owned(), format)]);
    }
    let mut files = Vec::new();
    walk(path, &mut files)?;
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
fn walk(folder: &Path, files: &mut Vec<(PathBuf, ReadingFormat)>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::io(&path))?;
        if kind.is_dir() {
            walk(&path, files)?;
        } else if let Some(format) = by_extension(&path) {
            files.push((path, format));
        }
    }
    Ok(())
}

fn by_extension(path: &Path) -> Option<ReadingFormat> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "csv" => Some(ReadingFormat::Csv),
        "parquet" => Some(ReadingFormat::Parquet),
        _ => None,
    }
}
