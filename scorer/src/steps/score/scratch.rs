use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A file for predictions that have no room in memory before they can be written. It has no name, so nothing of it is left whatever
/// ends the process, and it is one however many sensors there are.
#[derive(Debug)]
pub struct Scratch {
    /// Folders that it may be in, the best first.
    folders: Vec<PathBuf>,
    file: OnceLock<Option<File>>,
    used: Mutex<Used>,
}

/// Where the file ends, and how many of its bytes somebody still wants.
#[derive(Debug, Default)]
struct Used {
    end: u64,
    wanted: u64,
}

/// A piece of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    start: u64,
    /// Bytes.
    pub length: u64,
}

impl Piece {
    /// Takes the first bytes off, as a piece of their own.
    pub fn split_off(&mut self, length: u64) -> Self {
        let first = Self {
            start: self.start,
            length: length.min(self.length),
        };
        self.start += first.length;
        self.length -= first.length;
        first
    }
}

impl Scratch {
    /// A file in the first of `folders` that can be written, made when it is needed.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self {
            folders,
            file: OnceLock::new(),
            used: Mutex::default(),
        }
    }

    /// Whether there is a file.
    pub fn is_there(&self) -> bool {
        self.file().is_some()
    }

    /// Writes `blocks` one after the other.
    pub fn write(&self, blocks: &[Vec<u8>]) -> io::Result<Piece> {
        let length = blocks.iter().map(|block| block.len() as u64).sum();
        let piece = self.reserve(length);
        let mut at = piece.start;
        for block in blocks {
            if let Err(error) = self.opened()?.write_all_at(block, at) {
                self.free(piece);
                return Err(error);
            }
            at += block.len() as u64;
        }
        Ok(piece)
    }

    /// Reads a piece from its byte `from` on, until `into` is full.
    pub fn read(&self, piece: Piece, from: u64, into: &mut [u8]) -> io::Result<()> {
        self.opened()?.read_exact_at(into, piece.start + from)
    }

    /// Gives up a piece. When all are, the file is empty again.
    pub fn free(&self, piece: Piece) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.wanted = used.wanted.saturating_sub(piece.length);
        if used.wanted == 0 {
            used.end = 0;
            // What cannot be given back now is when the process ends.
            let _ = self.opened().and_then(|file| file.set_len(0));
        }
    }

    fn reserve(&self, length: u64) -> Piece {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let start = used.end;
        used.end += length;
        used.wanted += length;
        Piece { start, length }
    }

    fn opened(&self) -> io::Result<&File> {
        let missing = || io::Error::other("no folder for it can be written");
        self.file().ok_or_else(missing)
    }

    fn file(&self) -> Option<&File> {
        let open = || {
            let mut failures = Vec::new();
            for folder in &self.folders {
                match create(folder) {
                    Ok(file) => return Some(file),
                    Err(error) => failures.push(format!("{}: {error}", folder.display())),
                }
            }
            tracing::warn!(
                "there is no room on disk for predictions that do not fit into memory ({}); set TMPDIR to a folder that can be written",
                failures.join(", ")
            );
            None
        };
        self.file.get_or_init(open).as_ref()
    }
}

/// Creates a file and takes its name away. The name is one of those that sweeping removes, should the process end in between, and
/// no other process has it, on whatever machine it shares the folder.
fn create(folder: &Path) -> io::Result<File> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos();
    let path = folder.join(format!("scratch#{}{nanos}", std::process::id()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_and_their_room_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(vec![
            folder.path().join("absent"),
            folder.path().to_path_buf(),
        ]);
        let one = scratch.write(&[vec![1; 3], vec![2; 2]]).unwrap();
        let two = scratch.write(&[vec![3; 4]]).unwrap();
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "it has no name"
        );
        let mut bytes = [0; 4];
        scratch.read(one, 1, &mut bytes).unwrap();
        assert_eq!(bytes, [1, 1, 2, 2]);
        scratch.read(two, 0, &mut bytes).unwrap();
        assert_eq!(bytes, [3; 4]);
        scratch.free(one);
        scratch.free(two);
        assert_eq!(scratch.opened().unwrap().metadata().unwrap().len(), 0);
        assert_eq!(scratch.write(&[vec![4; 2]]).unwrap().start, 0);
    }

    #[test]
    fn without_a_folder_there_is_none() {
        let scratch = Scratch::new(vec![PathBuf::from("/proc/absent")]);
        assert!(!scratch.is_there());
        assert!(scratch.write(&[vec![1]]).is_err());
    }
}
