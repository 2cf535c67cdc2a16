use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::malformed;
use crate::models::ModelError;
use crate::models::formats::limits;

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

    /// Reads one file of at most `limit` bytes.
    pub fn file(&mut self, name: &str, limit: usize) -> Result<Vec<u8>, ModelError> {
        let failed = |error: &dyn std::fmt::Display| malformed(format!("file `{name}`: {error}"));
        let limit = limit.min(self.left);
        let file = self.zip.by_name(name).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&error))?;
        limits::check_bytes(&format!("file `{name}`"), bytes.len(), limit)?;
        self.left -= bytes.len();
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
        let error = archive.file("0", 1 << 20).unwrap_err();
        assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
        archive.left = 1 << 20;
        assert!(
            archive.file("0", limits::DECOMPRESSED_BYTES).is_err(),
            "all files together"
        );
        assert!(
            archive
                .file("1", 1)
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
