use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use fleetscore_crds::StorageSpec;
use fleetscore_storage::{Storage, StorageError, StorageOptions};
use proptest::prelude::*;

use crate::place::{Place, content, url};

fn storage() -> Storage {
    Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap()
}

/// The files below a folder, by their paths in it.
fn on_disk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(
                on_disk(&entry.path())
                    .into_iter()
                    .map(|path| Path::new(&entry.file_name()).join(path)),
            );
        } else {
            found.push(entry.file_name().into());
        }
    }
    found.sort();
    found
}

/// Runs one test of this program again in a process of its own, with `variable` set.
fn again(launcher: &[&str], test: &str, variable: (&str, &Path)) -> std::process::Output {
    let program = std::env::current_exe().unwrap();
    let mut words: Vec<_> = launcher.iter().map(Path::new).collect();
    words.extend([
        &program,
        Path::new("--exact"),
        Path::new(test),
        Path::new("--nocapture"),
    ]);
    Command::new(words[0])
        .args(&words[1..])
        .env(variable.0, variable.1)
        .output()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_name_is_the_file_s_name(segments in prop::collection::vec("[^/?\\pC]{0,20}[^/?.\\pC0-9|:]", 1..3)) {
        let folder = tempfile::tempdir().unwrap();
        let name = segments.join("/");
        let root = url(&format!("file://{}/", folder.path().display()));
        let object = root.join(&name).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let names: Vec<_> = runtime.block_on(async {
            use futures::TryStreamExt;
            storage().put(&object, Bytes::from_static(b"x")).await.unwrap();
            storage().list(&root).map_ok(|info| info.url).try_collect().await.unwrap()
        });
        prop_assert_eq!(names, vec![object]);
        prop_assert_eq!(fs::read(folder.path().join(name)).unwrap(), b"x");
    }
}

#[tokio::test]
async fn nothing_is_left_beside_a_written_file() {
    let folder = tempfile::tempdir().unwrap();
    let base = format!("file://{}/out", folder.path().display());
    storage()
        .put(&url(&format!("{base}/small")), content(10))
        .await
        .unwrap();
    storage()
        .put(&url(&format!("{base}/large")), content(20 << 20))
        .await
        .unwrap();
    let mut aborted = storage().upload(&url(&format!("{base}/aborted"))).unwrap();
    aborted.write(content(20 << 20)).await.unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(
        on_disk(folder.path()),
        [Path::new("out/large"), Path::new("out/small")]
    );
}

/// A process dies in the middle of a write: nobody sees its file, the next writer succeeds, and the rest can be swept.
#[tokio::test]
async fn a_killed_writer_leaves_only_what_can_be_swept() {
    const FOLDER: &str = "FLEETSCORE_TEST_KILLED_IN";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let object = url(&format!(
            "file://{}/out/preds#1.csv",
            Path::new(&folder).display()
        ));
        let mut upload = storage().upload(&object).unwrap();
        upload.write(content(20 << 20)).await.unwrap();
        std::process::abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let output = again(
        &[],
        "files::a_killed_writer_leaves_only_what_can_be_swept",
        (FOLDER, folder.path()),
    );
    assert!(!output.status.success());
    let staged = Path::new("out/preds#1.csv#1");
    assert_eq!(on_disk(folder.path()), [staged]);

    let root = url(&format!("file://{}/out/", folder.path().display()));
    let place = Place::of(storage(), root.clone());
    assert_eq!(place.names().await, Vec::<String>::new());
    place.put("preds#1.csv", "x").await;
    place.put("notes#a1", "x").await;
    place.put("7", "x").await;
    assert_eq!(
        place
            .storage
            .sweep_staged(&root, Duration::from_hours(1), "_run/")
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        place
            .storage
            .sweep_staged(&root, Duration::ZERO, "_run/")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        on_disk(folder.path()),
        [
            Path::new("out/7"),
            Path::new("out/notes#a1"),
            Path::new("out/preds#1.csv")
        ]
    );
    assert_eq!(
        place
            .storage
            .sweep_staged(&place.url("nowhere/"), Duration::ZERO, "_run/")
            .await
            .unwrap(),
        0
    );
}

/// On a file system of 64 KiB, which takes a mount namespace of its own.
#[tokio::test]
async fn a_full_disk_is_told_and_keeps_what_was_there() {
    const FOLDER: &str = "FLEETSCORE_TEST_FULL_DISK";
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        let folder = tempfile::tempdir().unwrap();
        let mount = format!(
            "mount -t tmpfs -o size=64k tmpfs '{}' && exec \"$@\"",
            folder.path().display()
        );
        let launcher = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            &mount,
            "sh",
        ];
        let output = again(
            &launcher,
            "files::a_full_disk_is_told_and_keeps_what_was_there",
            (FOLDER, folder.path()),
        );
        let printed = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        if printed.contains("unshare failed")
            || printed.contains("unshare:")
            || printed.contains("mount:")
        {
            println!("skipped: mount namespaces absent: {printed}");
            return;
        }
        assert!(
            output.status.success() && printed.contains("1 passed"),
            "{printed}"
        );
        return;
    };
    let place = Place::of(storage(), url(&format!("file://{}/", folder.display())));
    place.put("object", "old").await;
    for size in [100 << 10, 20 << 20] {
        let error = place
            .storage
            .put(&place.url("object"), content(size))
            .await
            .unwrap_err();
        assert!(
            matches!(error, StorageError::Full { .. }) && error.is_temporary(),
            "{error:?}"
        );
        assert!(
            error.to_string().contains("free space on the volume"),
            "{error}"
        );
        assert_eq!(place.get("object").await.unwrap(), "old");
    }
    assert_eq!(on_disk(&folder), [Path::new("object")]);
}

#[tokio::test]
async fn a_file_in_the_place_of_a_folder_is_told() {
    let place = Place::files("").unwrap();
    place.put("file", "x").await;
    let error = place
        .storage
        .put(&place.url("file/below"), content(1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Not a directory"), "{error}");
    let error = place.get("file/below").await.unwrap_err();
    assert!(error.to_string().contains("Not a directory"), "{error}");
}

#[tokio::test]
async fn what_is_no_regular_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let error = storage()
        .get(&url(&format!("file://{}", pipe.display())), 1000)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("what is there is no file"),
        "{error}"
    );
}

/// The size that the file system tells may be too small: the file grows, or is one of /proc.
#[tokio::test]
async fn a_file_is_read_up_to_the_limit_whatever_its_size() {
    let error = storage()
        .get(&url("file:///proc/self/status"), 10)
        .await
        .unwrap_err();
    let url = "file:///proc/self/status".to_owned();
    assert_eq!(
        error,
        StorageError::TooLarge {
            url,
            size: 11,
            limit: 10
        }
    );
}

/// The process that holds the lock, where this test is run again.
const LOCKED: &str = "FLEETSCORE_TEST_LOCKED";

#[tokio::test]
async fn a_lock_is_one_process_s() {
    if let Ok(path) = std::env::var(LOCKED) {
        let held = storage().lock(&url(&path)).await.unwrap();
        println!("{}", held.err().unwrap_or("locked".to_owned()));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let lock = url(&format!("file://{}/_stream/lock", folder.path().display()));
    let elsewhere = || {
        let test = "files::a_lock_is_one_process_s";
        let output = again(&[], test, (LOCKED, Path::new(&lock.to_string())));
        String::from_utf8(output.stdout).unwrap()
    };
    let held = storage().lock(&lock).await.unwrap().unwrap();
    let id = std::process::id();
    assert!(
        elsewhere().contains(&format!("process {id} on ")),
        "{}",
        elsewhere()
    );
    // Also in this process.
    let again = storage().lock(&lock).await.unwrap();
    assert!(again.unwrap_err().contains(&format!("process {id} on ")));
    drop(held);
    assert!(elsewhere().contains("locked"));
    // That process has ended.
    assert!(storage().lock(&lock).await.unwrap().unwrap().is_some());
    let memory = storage().lock(&url("memory:///lock")).await.unwrap();
    assert!(memory.unwrap().is_none());
}
