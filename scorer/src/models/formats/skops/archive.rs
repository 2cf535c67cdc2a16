use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::malformed;
use crate::models::formats::limits::{self, Meter};
use crate::models::{ModelError, shown};

/// Files of one archive; a model has some 20.
const MOST_FILES: usize = 10_000;

/// A zip file in memory that gives out [`limits::DECOMPRESSED_BYTES`] in all.
pub struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: usize,
}

impl<'a> Archive<'a> {
    /// Reads the list of files.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ModelError> {
        // Counted before the list is read, which takes more memory than the archive does.
        if bytes
            .windows(4)
            .filter(|window| window == b"PK\x01\x02")
            .count()
            > MOST_FILES
        {
            let limit = format!("{MOST_FILES} files");
            return Err(ModelError::TooLarge {
                what: "the archive".into(),
                limit,
            });
        }
        let zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| malformed(error.to_string()))?;
        Ok(Self {
            zip,
            left: limits::DECOMPRESSED_BYTES,
        })
    }

    /// Whether there is a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// Some names of its files.
    pub fn names(&self) -> String {
        let names = self.zip.file_names().take(3);
        names
            .flatten()
            .map(|name| format!("`{}`", shown(&name, 40)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Reads one file of at most `limit` bytes.
    pub fn file(
        &mut self,
        name: &str,
        limit: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Vec<u8>, ModelError> {
        let name_shown = shown(name, 80);
        let failed =
            |error: &dyn std::fmt::Display| malformed(format!("file `{name_shown}`: {error}"));
        let limit = limit.min(self.left);
        let file = self.zip.by_name(name).map_err(|error| failed(&error))?;
        // What is read counts too: of a file that is named again and again it may be much for nothing.
        let compressed = usize::try_from(file.compressed_size()).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        meter.read_all(&mut file.take(limit as u64 + 1), &mut bytes, |error| {
            failed(error)
        })?;
        limits::check_bytes(&format!("file `{name_shown}`"), bytes.len(), limit)?;
        self.left = self.left.saturating_sub(bytes.len().max(compressed).max(1));
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: usize, bytes: usize) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let stored =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for file in 0..files {
            zip.start_file(file.to_string(), stored).unwrap();
            zip.write_all(&vec![0; bytes]).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let bytes = archive(1, 4 << 20);
        let mut archive = Archive::open(&bytes).unwrap();
        let meter = &mut Meter::new(limits::Allowance::default());
        let error = archive.file("0", 1 << 20, meter).unwrap_err();
        assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
        archive.left = 1 << 20;
        assert!(
            archive
                .file("0", limits::DECOMPRESSED_BYTES, meter)
                .is_err(),
            "all files together"
        );
        assert!(
            archive
                .file("1", 1, meter)
                .unwrap_err()
                .to_string()
                .contains("file `1`")
        );
    }

    #[test]
    fn more_files_than_any_model_has_are_refused() {
        let Err(error) = Archive::open(&archive(MOST_FILES + 1, 0)) else {
            panic!("opened")
        };
        assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
    }
}
