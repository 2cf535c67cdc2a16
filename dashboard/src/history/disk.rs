use std::fs::{self, DirBuilder};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

/// Bytes that all files may have together.
const LIMIT: u64 = 128 << 20;
/// Bytes of the largest thing that is kept.
const LARGEST: usize = 1 << 20;
/// Bytes of a checksum.
const SUM: usize = 32;

/// What was read from storage before, in a folder of this machine: a thing by a name that holds the version which storage says is the
/// present one. So it is never believed against storage, and a file that is broken or somebody else's is as good as none.
#[derive(Clone, Debug)]
pub struct Disk {
    folder: PathBuf,
    limit: u64,
}

impl Disk {
    /// Keeps things in `folder`, which is made when there is something to keep.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            limit: LIMIT,
        }
    }

    /// The thing of this name.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let file = fs::File::open(self.path(name)).ok()?;
        let mut bytes = Vec::new();
        let most = (SUM + LARGEST + 1) as u64;
        file.take(most).read_to_end(&mut bytes).ok()?;
        let (sum, thing) = bytes.split_at_checked(SUM)?;
        (thing.len() <= LARGEST && sum == checksum(name, thing)).then(|| thing.to_vec())
    }

    /// Keeps a thing. Where that cannot be, it is read from storage again.
    pub fn put(&self, name: &str, thing: &[u8]) {
        if thing.len() <= LARGEST {
            let _ = self.write(name, thing);
        }
    }

    fn write(&self, name: &str, thing: &[u8]) -> std::io::Result<()> {
        // Nobody else's business.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let path = self.path(name);
        let staged = path.with_extension(format!("{:016x}", rand::random::<u64>()));
        let written = fs::File::create_new(&staged).and_then(|mut file| {
            file.write_all(&checksum(name, thing))?;
            file.write_all(thing)
        });
        let placed = written.and_then(|()| fs::rename(&staged, path));
        if placed.is_err() {
            let _ = fs::remove_file(staged);
        }
        placed
    }

    /// Lets go of what was kept longest ago, until there is room. Files that are not its own stay.
    pub fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let own = entries.flatten().filter(|entry| is_own(&entry.path()));
        let mut files: Vec<(SystemTime, u64, PathBuf)> = own
            .filter_map(|entry| {
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in files {
            if bytes <= self.limit {
                return;
            }
            if fs::remove_file(path).is_ok() {
                bytes -= length;
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(hex(&Sha256::digest(name)))
    }
}

fn checksum(name: &str, thing: &[u8]) -> [u8; SUM] {
    let mut sum = Sha256::new();
    sum.update(Sha256::digest(name));
    sum.update(thing);
    sum.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether the file's name is one that is given here, also to one that was not finished.
fn is_own(path: &Path) -> bool {
    let is_hex = |text: &std::ffi::OsStr, length| {
        text.len() == length && text.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
    };
    path.file_stem().is_some_and(|stem| is_hex(stem, 2 * SUM))
        && path.extension().is_none_or(|ending| is_hex(ending, 16))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn only_what_is_whole_and_of_this_name_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path().join("a/history"));
        assert_eq!(disk.get("one"), None);
        disk.put("one", b"thing");
        disk.put("two", b"other");
        assert_eq!(disk.get("one").as_deref(), Some(&b"thing"[..]));
        let path = disk.path("one");
        let whole = fs::read(&path).unwrap();
        // Another's file, a cut one, one that ends late, one with a bit turned, none of ours at all.
        let mut turned = whole.clone();
        turned[SUM] ^= 1;
        let late = [whole.as_slice(), b"!"].concat();
        for bytes in [
            fs::read(disk.path("two")).unwrap(),
            whole[..SUM + 2].to_vec(),
            late,
            turned,
            vec![0; SUM],
            Vec::new(),
        ] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(disk.get("one"), None);
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(disk.get("one"), None);
        disk.put("one", b"thing");
        assert_eq!(disk.get("one"), None);
    }

    #[test]
    fn it_stays_within_its_room_and_leaves_what_is_not_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk {
            folder: folder.path().to_owned(),
            limit: 200,
        };
        fs::write(folder.path().join("notes.txt"), [0; 500]).unwrap();
        for (number, name) in (0..).zip(["a", "b", "c"]) {
            disk.put(name, &[1; 50]);
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number);
            let file = fs::File::options().append(true).open(disk.path(name));
            file.unwrap().set_modified(time).unwrap();
        }
        disk.sweep();
        let kept = ["a", "b", "c"].map(|name| disk.get(name).is_some());
        assert_eq!(kept, [false, true, true]);
        assert!(folder.path().join("notes.txt").exists());
    }
}
