use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes that are written to the file at a time. Of many sensors each has less to put aside, and every write has its cost; for larger ones
/// Linux looks for large pieces of memory, which takes long where there are few.
const WRITE: usize = 32 << 10;

/// A file for predictions that have no room in memory before they can be written. It has no name, so nothing of it is left whatever
/// ends the process, and it is one however many sensors there are.
#[derive(Debug)]
pub struct Scratch {
    /// Folders that it may be in, the best first.
    folders: Vec<PathBuf>,
    file: OnceLock<Option<File>>,
    used: Mutex<Used>,
}

/// What is in use of the file.
#[derive(Debug, Default)]
struct Used {
    /// Bytes in the file.
    written: u64,
    /// What comes after them, still in memory.
    last: Vec<u8>,
    /// Bytes that somebody still wants.
    wanted: u64,
}

impl Used {
    /// Copies what of the bytes from `start` on is in memory to the end of `into`; returns how many have to be read before them.
    fn copy_last(&self, start: u64, into: &mut [u8]) -> usize {
        let number = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let before = number(self.written.saturating_sub(start)).min(into.len());
        let from = number((start + before as u64).saturating_sub(self.written));
        let (_, tail) = into.split_at_mut(before);
        match self.last.get(from..from + tail.len()) {
            Some(last) => tail.copy_from_slice(last),
            // Nobody has written them: the file says so.
            None => return into.len(),
        }
        before
    }
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

    /// Writes `blocks` one after the other. After an error nothing of them is there.
    pub fn write(&self, blocks: &[Vec<u8>]) -> io::Result<Piece> {
        let file = self.opened()?;
        let mut used = self.used();
        let start = used.written + used.last.len() as u64;
        let mut others = used.last.len();
        for block in blocks {
            used.last.extend_from_slice(block);
            if used.last.len() < WRITE {
                continue;
            }
            if let Err(error) = file.write_all_at(&used.last, used.written) {
                used.last.truncate(others);
                return Err(error);
            }
            used.written += used.last.len() as u64;
            used.last.clear();
            others = 0;
        }
        let length = blocks.iter().map(|block| block.len() as u64).sum();
        used.wanted += length;
        Ok(Piece { start, length })
    }

    /// Reads a piece from its byte `from` on, until `into` is full.
    pub fn read(&self, piece: Piece, from: u64, into: &mut [u8]) -> io::Result<()> {
        let start = piece.start + from;
        let before = self.used().copy_last(start, into);
        let (written, _) = into.split_at_mut(before);
        if written.is_empty() {
            return Ok(());
        }
        self.opened()?.read_exact_at(written, start)
    }

    /// Gives up a piece. When all are, the file is empty again.
    pub fn free(&self, piece: Piece) {
        let mut used = self.used();
        used.wanted = used.wanted.saturating_sub(piece.length);
        if used.wanted == 0 {
            *used = Used::default();
            // What cannot be given back now is when the process ends.
            let _ = self.opened().and_then(|file| file.set_len(0));
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Pieces that are in the file, in memory, and in both.
    #[test]
    fn a_piece_is_read_wherever_its_bytes_are() {
        let scratch = Scratch::new(vec![std::env::temp_dir()]);
        let blocks = |first: u8| vec![vec![first; WRITE / 3], vec![first + 1; WRITE / 3]];
        let pieces: Vec<_> = [0, 10, 20, 30]
            .map(|first| scratch.write(&blocks(first)).unwrap())
            .into();
        for (piece, first) in pieces.iter().zip([0, 10, 20, 30]) {
            let expected = blocks(first).concat();
            for from in [0, 1, expected.len() / 2, expected.len()] {
                let mut bytes = vec![0xff; expected.len() - from];
                scratch.read(*piece, from as u64, &mut bytes).unwrap();
                assert!(bytes == expected[from..], "{first} from {from}");
            }
        }
        let mut beyond = [0; 2];
        let last = pieces[3].length - 1;
        assert!(scratch.read(pieces[3], last, &mut beyond).is_err());
    }

    /// A disk that is full fails who writes to it, and nobody who has written before.
    #[test]
    fn what_was_written_before_a_failure_is_there() {
        let scratch = Scratch::new(Vec::new());
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        scratch.file.set(Some(full)).unwrap();
        let kept = scratch.write(&[vec![1; 5]]).unwrap();
        for _ in 0..2 {
            assert!(scratch.write(&[vec![2; 7], vec![3; WRITE]]).is_err());
        }
        let other = scratch.write(&[vec![4; 3]]).unwrap();
        let mut bytes = [0; 5];
        scratch.read(kept, 0, &mut bytes).unwrap();
        assert_eq!(bytes, [1; 5]);
        scratch.read(other, 0, &mut bytes[..3]).unwrap();
        assert_eq!(bytes[..3], [4; 3]);
    }

    #[test]
    fn without_a_folder_there_is_none() {
        let scratch = Scratch::new(vec![PathBuf::from("/proc/absent")]);
        assert!(!scratch.is_there());
        assert!(scratch.write(&[vec![1]]).is_err());
    }
}
