use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleetscore_crds::ReadingStreamSpec;
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::memory::InMemory;

use super::*;
use crate::faults::{Calls, Fault, Faulty};
use crate::{Reason, Record, Refusal};

fn now() -> Timestamp {
    "2026-11-28T09:12:13Z".parse().unwrap()
}

pub fn spec(location: &str) -> ReadingStreamSpec {
    serde_json::from_value(serde_json::json!({
        "source": {"kafka": {"bootstrapServers": ["b:9092"], "topic": "t"}},
        "event": {
            "fields": {"ts": {"type": "Time"}, "tag": {}, "v": {"type": "Number"}},
            "columns": {"time": "ts", "keys": {"tag": "tag"}, "features": ["v"]},
        },
        "window": {"sizeSeconds": 60},
        "aggregates": [{"column": "Value", "of": "v", "function": "Avg"}],
        "output": {"location": location},
    }))
    .unwrap()
}

fn owner(pod: &str, nonce: &str) -> Owner {
    Owner {
        pod: pod.to_owned(),
        nonce: nonce.to_owned(),
    }
}

async fn open(storage: &Storage) -> StreamFolder {
    StreamFolder::open(storage, &spec("memory:///out/"), "plant/pumps", now())
        .await
        .unwrap()
}

fn over(objects: &Arc<InMemory>) -> Storage {
    Storage::over(Arc::clone(objects) as _, StorageOptions::default())
}

fn progress(offset: i64) -> PartitionProgress {
    PartitionProgress {
        next_offset: Some(offset),
        ..PartitionProgress::default()
    }
}

#[tokio::test]
async fn a_location_is_one_stream_s() {
    let storage = over(&Arc::default());
    let first = open(&storage).await;
    assert_eq!(first.document().start, Some(now()));
    // Opened again an hour later: the start stays.
    let later = now() + jiff::SignedDuration::from_hours(1);
    let open = |spec: ReadingStreamSpec, id: &'static str| {
        let storage = storage.clone();
        async move { StreamFolder::open(&storage, &spec, id, later).await }
    };
    let mut same = spec("memory:///out");
    same.checkpoint_seconds = 1;
    same.lateness.tolerance_seconds = 7;
    same.source.kafka.as_mut().unwrap().bootstrap_servers = vec!["c:9092".to_owned()];
    assert_eq!(
        open(same, "plant/pumps").await.unwrap().document(),
        first.document()
    );
    let error = open(spec("memory:///out/"), "plant/valves")
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("plant/pumps") && text.contains("plant/valves"),
        "{text}"
    );
    assert!(matches!(error, FolderError::LocationTaken { .. }));
    let mut filtered = spec("memory:///out/");
    filtered.filter = Some("v > 0.0".to_owned());
    assert!(matches!(
        open(filtered, "plant/pumps").await,
        Err(FolderError::LocationTaken { .. })
    ));
    let url = ObjectUrl::parse("memory:///out/_stream/stream.json").unwrap();
    storage.put(&url, &b"{\"version\": 9}"[..]).await.unwrap();
    let text = open(spec("memory:///out/"), "plant/pumps")
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("version 9"), "{text}");
}

#[tokio::test]
async fn a_folder_of_files_is_one_process_s() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(&format!("file://{}/", folder.path().display()));
    let storage = over(&Arc::default());
    let storage_of_files = Storage::new(
        &fleetscore_crds::StorageSpec::default(),
        StorageOptions::default(),
    )
    .unwrap();
    let held = StreamFolder::open(&storage_of_files, &spec, "p/s", now())
        .await
        .unwrap();
    assert!(held.is_locked() && !open(&storage).await.is_locked());
    let error = StreamFolder::open(&storage_of_files, &spec, "p/s", now())
        .await
        .unwrap_err();
    let text = error.to_string();
    let expected = format!("locked by process {} on ", std::process::id());
    assert!(
        text.starts_with(&expected) && text.contains("(`_stream/lock`)"),
        "{text}"
    );
    drop(held);
    let folder = StreamFolder::open(&storage_of_files, &spec, "p/s", now())
        .await
        .unwrap();
    // The claims of whoever had the lock before are free at once.
    let url = folder.partition(0).unwrap();
    folder
        .claim::<PartitionProgress>(&url, None, &owner("b", "1"))
        .await
        .unwrap()
        .unwrap();
    let mut claims = Claims::new(owner("a", "1"), Duration::from_mins(2));
    assert_eq!(
        claims
            .look(&folder, 1, &BTreeSet::new(), Duration::ZERO)
            .await
            .unwrap(),
        [0]
    );
    let (mut held, _) = claims.claim(&folder, 0).await.unwrap().unwrap();
    let state = Bytes::from(vec![7; 100_000]);
    held.commit(&folder, progress(1), state.clone(), true)
        .await
        .unwrap();
    let (claim, line) = folder.read_line(&url).await.unwrap().unwrap();
    assert_eq!((&claim, line), (held.claim(), progress(1)));
    let (found, _) = folder
        .read::<PartitionProgress>(&url)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.claim.epoch, found.claim.sequence, found.state),
        (2, 1, state)
    );
}

#[tokio::test]
async fn who_was_claimed_from_writes_nothing() {
    let objects = Arc::default();
    let folder = open(&over(&objects)).await;
    let url = folder.partition(3).unwrap();
    let (mut zombie, _) = folder
        .claim::<PartitionProgress>(&url, None, &owner("a", "1"))
        .await
        .unwrap()
        .unwrap();
    zombie
        .commit(&folder, progress(10), Bytes::from_static(b"ten"), true)
        .await
        .unwrap();
    let seen = zombie.claim().clone();
    // Seen before its last write: no longer so.
    zombie
        .commit(&folder, progress(20), Bytes::from_static(b"twenty"), true)
        .await
        .unwrap();
    let claimed = folder
        .claim::<PartitionProgress>(&url, Some(&seen), &owner("b", "1"))
        .await
        .unwrap();
    assert!(claimed.is_none());
    let seen = zombie.claim().clone();
    let (mut held, commit) = folder
        .claim::<PartitionProgress>(&url, Some(&seen), &owner("b", "1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (commit.progress, &commit.state[..]),
        (progress(20), &b"twenty"[..])
    );
    assert_eq!((held.claim().epoch, held.claim().sequence), (2, 0));
    for keep in [true, false] {
        let error = zombie
            .commit(&folder, progress(99), Bytes::new(), keep)
            .await
            .unwrap_err();
        assert!(matches!(error, CommitError::Lost { .. }), "{error}");
    }
    held.commit(&folder, progress(30), Bytes::new(), false)
        .await
        .unwrap();
    let error = zombie
        .commit(&folder, progress(99), Bytes::new(), true)
        .await
        .unwrap_err();
    assert!(matches!(error, CommitError::Lost { .. }), "{error}");
    let (claim, found) = folder
        .read_line::<PartitionProgress>(&url)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((claim.owner, found), (None, progress(30)));
}

/// At whatever call an answer is lost: either nothing was done and it can be done again, or it is known that it was done.
#[tokio::test]
async fn a_lost_answer_is_never_taken_for_another_s_write() {
    for at in 0..10 {
        for fault in [Fault::Dropped(at), Fault::Outage(at), Fault::Failed(at)] {
            let objects = Arc::default();
            open(&over(&objects)).await;
            let calls = Calls::new(fault);
            let storage = Faulty::storage(&objects, &calls);
            let folder = loop {
                match StreamFolder::open(&storage, &spec("memory:///out/"), "plant/pumps", now())
                    .await
                {
                    Ok(folder) => break folder,
                    Err(error) => assert!(
                        matches!(&error, FolderError::Storage(error) if error.is_temporary())
                    ),
                }
            };
            let url = folder.partition(0).unwrap();
            let me = owner("a", "1");
            let mut claims = Claims::new(me, Duration::from_mins(2));
            let mut held = loop {
                // A claim whose answer was lost is seen as this process's own, which it can claim again.
                let Ok(free) = claims
                    .look(&folder, 1, &BTreeSet::new(), Duration::ZERO)
                    .await
                else {
                    continue;
                };
                assert_eq!(free, [0], "{fault:?}");
                match claims.claim(&folder, 0).await {
                    Ok(claimed) => break claimed.unwrap().0,
                    Err(error) => assert!(
                        matches!(&error, FolderError::Storage(error) if error.is_temporary())
                    ),
                }
            };
            for offset in 1..4 {
                // Tried again it has come further.
                let mut tries = 0;
                while let Err(error) = held
                    .commit(
                        &folder,
                        progress(offset * 10 + tries),
                        vec![7; 10].into(),
                        true,
                    )
                    .await
                {
                    assert!(
                        matches!(error, CommitError::Folder(_)),
                        "{fault:?}: {error}"
                    );
                    // Its own write is recognised at once.
                    assert!(!matches!(fault, Fault::Dropped(_)), "{fault:?}");
                    tries += 1;
                }
                let found = folder.read::<PartitionProgress>(&url).await;
                if let Ok(found) = found {
                    assert_eq!(
                        found.unwrap().0.progress,
                        progress(offset * 10 + tries),
                        "{fault:?}"
                    );
                }
            }
            assert!(calls.is_struck());
            let (last, _) = open(&over(&objects))
                .await
                .read::<PartitionProgress>(&url)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(last.progress.next_offset.unwrap() / 10, 3);
        }
    }
}

#[tokio::test]
async fn claims_follow_what_is_in_storage() {
    let objects = Arc::default();
    let folder = open(&over(&objects)).await;
    let seconds = Duration::from_secs;
    let lease = seconds(120);
    let mut a = Claims::new(owner("a", "1"), lease);
    let none = BTreeSet::new();
    assert_eq!(
        a.look(&folder, 4, &none, seconds(0)).await.unwrap(),
        [0, 1, 2, 3]
    );
    let mut of_a = Vec::new();
    for number in 0..4 {
        of_a.push(a.claim(&folder, number).await.unwrap().unwrap().0);
    }
    // Another object in the folder is no partition.
    let other = folder.location().join("_stream/partitions/7").unwrap();
    folder.storage().put(&other, &b"x"[..]).await.unwrap();
    // Another pod takes one a round, until it has half.
    let mut b = Claims::new(owner("b", "1"), lease);
    let mut held = BTreeSet::new();
    for (expected, at) in [(&[3][..], 0), (&[2], 10), (&[], 20)] {
        let free = b.look(&folder, 4, &held, seconds(at)).await.unwrap();
        assert_eq!(free, expected);
        for number in free {
            assert!(b.claim(&folder, number).await.unwrap().is_some());
            held.insert(number);
        }
    }
    // The first one works on, so that what it has left alone is its own to claim again: the other one has its share.
    for at in [30, 60, 119, 120] {
        of_a[0]
            .commit(&folder, progress(at), Bytes::new(), true)
            .await
            .unwrap();
        assert_eq!(
            b.look(&folder, 4, &held, seconds(at.unsigned_abs()))
                .await
                .unwrap(),
            Vec::<i32>::new(),
            "{at}"
        );
    }
    // Given back, it is free at once.
    of_a[0]
        .commit(&folder, progress(121), Bytes::new(), false)
        .await
        .unwrap();
    assert_eq!(
        b.look(&folder, 4, &held, seconds(121)).await.unwrap(),
        [0, 1]
    );
    assert!(b.claim(&folder, 0).await.unwrap().is_some());
    // A new start of the first pod waits for nothing of its own.
    let mut again = Claims::new(owner("a", "2"), lease);
    assert_eq!(
        again.look(&folder, 4, &none, seconds(0)).await.unwrap(),
        [1]
    );
    // Two partitions more.
    assert_eq!(
        again.look(&folder, 6, &none, seconds(1)).await.unwrap(),
        [1, 4, 5]
    );
}

#[tokio::test]
async fn one_process_publishes() {
    let objects = Arc::default();
    let folder = open(&over(&objects)).await;
    let seconds = Duration::from_secs;
    let (mut a, mut b) = (
        Claims::new(owner("a", "1"), seconds(120)),
        Claims::new(owner("b", "1"), seconds(120)),
    );
    assert!(a.look_at_publisher(&folder, seconds(0)).await.unwrap().0);
    assert!(b.look_at_publisher(&folder, seconds(0)).await.unwrap().0);
    let (mut held, _) = a.claim_publisher(&folder).await.unwrap().unwrap();
    assert!(b.claim_publisher(&folder).await.unwrap().is_none());
    let done = PublisherProgress {
        complete_through: Some(now()),
        ..PublisherProgress::default()
    };
    held.commit(&folder, done.clone(), Bytes::new(), true)
        .await
        .unwrap();
    for (at, expected) in [(10, false), (129, false), (130, true)] {
        let (is_free, progress) = b.look_at_publisher(&folder, seconds(at)).await.unwrap();
        assert_eq!((is_free, progress), (expected, done.clone()), "{at}");
    }
    assert!(b.claim_publisher(&folder).await.unwrap().is_some());
    let lost = held.commit(&folder, done, Bytes::new(), true).await;
    assert!(matches!(lost, Err(CommitError::Lost { .. })));
}

#[tokio::test]
async fn a_long_line_is_read_and_a_longer_one_refused() {
    let folder = open(&over(&Arc::default())).await;
    let url = folder.partition(0).unwrap();
    let parts = |count: u64| PartitionProgress {
        parts: (0..count)
            .map(|number| PartEntry {
                segment: now(),
                name: part_name(0, 1, number),
                rows: 65_536,
            })
            .collect(),
        ..PartitionProgress::default()
    };
    let (mut held, _) = folder
        .claim::<PartitionProgress>(&url, None, &owner("a", "1"))
        .await
        .unwrap()
        .unwrap();
    held.commit(&folder, parts(8000), Bytes::from_static(b"state"), true)
        .await
        .unwrap();
    let (_, found) = folder
        .read_line::<PartitionProgress>(&url)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found, parts(8000));
    let error = held
        .commit(&folder, parts(20_000), Bytes::new(), true)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("wait for other partitions"),
        "{error}"
    );
}

#[test]
fn what_is_published_is_forgotten() {
    let time = |hour: i8| {
        jiff::civil::date(2026, 11, 28)
            .at(hour, 0, 0, 0)
            .in_tz("UTC")
            .unwrap()
            .timestamp()
    };
    let part = |hour| PartEntry {
        segment: time(hour),
        name: part_name(7, 12, 123),
        rows: 1,
    };
    let gap = |from, to| fleetscore_crds::contract::Gap {
        partition: 7,
        from_offset: 0,
        to_offset: 1,
        start: time(from),
        end: time(to),
    };
    let mut progress = PartitionProgress {
        parts: vec![part(8), part(9), part(10)],
        gaps: vec![gap(7, 9), gap(8, 10)],
        segments: [8, 9, 10]
            .map(|hour| (time(hour), crate::Counts::default()))
            .into(),
        ..PartitionProgress::default()
    };
    progress.forget(time(9));
    assert_eq!(progress.parts, [part(9), part(10)]);
    assert_eq!(progress.parts[0].name, "00007-12-000123.parquet");
    assert_eq!(progress.gaps, [gap(8, 10)]);
    assert_eq!(
        progress.segments.keys().copied().collect::<Vec<_>>(),
        [time(9), time(10)]
    );
}

#[tokio::test]
async fn dead_letters_are_lines_by_the_day_of_their_arrival() {
    let storage = over(&Arc::default());
    let root = ObjectUrl::parse("memory:///dead/").unwrap();
    let arrival =
        |text: &str| i64::try_from(text.parse::<Timestamp>().unwrap().as_nanosecond()).unwrap();
    let long = "é".repeat(40_000);
    let binary = vec![0xfe; 50_000];
    let records = [
        (5, "2026-11-28T23:59:59Z", &b"{\"v\": \"x\"}"[..]),
        (6, "2026-11-29T00:00:00Z", &[0xff, 0x00]),
        (8, "2026-11-29T00:00:01Z", long.as_bytes()),
        (9, "2026-11-29T00:00:02Z", &binary),
    ];
    let mut letters = DeadLetters::new(7, 5);
    for (offset, time, body) in records {
        let record = Record {
            partition: 7,
            offset,
            arrival: arrival(time),
            body: Some(body),
            ..Record::default()
        };
        let refusal = Refusal {
            reason: Reason::BadNumber,
            field: Some("v".to_owned()),
            value: Some("x".to_owned()),
        };
        letters.add(
            &record,
            &[Refused::from(&refusal), Refused::by_time("Late", now())],
        );
    }
    assert!(letters.bytes() > 100_000);
    letters.store(&storage, &root).await.unwrap();
    let listed: Vec<_> = storage.list(&root).try_collect().await.unwrap();
    let names: Vec<_> = listed
        .iter()
        .map(|info| info.url.relative_to(&root).unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "date=2026-11-28/00007-5.jsonl.gz",
            "date=2026-11-29/00007-5.jsonl.gz"
        ]
    );
    let mut lines = Vec::new();
    for info in &listed {
        let packed = storage.get(&info.url, u64::MAX).await.unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_string(&mut text)
            .unwrap();
        lines.extend(
            text.lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()),
        );
    }
    assert_eq!(
        lines[0],
        serde_json::json!({
            "offset": 5, "arrival": "2026-11-28T23:59:59Z", "partition": 7, "text": "{\"v\": \"x\"}",
            "refused": [
                {"reason": "BadNumber", "field": "v", "value": "x"},
                {"reason": "Late", "value": "2026-11-28T09:12:13Z"},
            ],
        })
    );
    assert_eq!(lines[1]["base64"], "/wA=");
    assert_eq!(lines[2]["text"].as_str().unwrap().len(), 65_536);
    assert_eq!(lines[2]["bytes"], 80_000);
    assert_eq!(lines[3]["base64"].as_str().unwrap().len(), 65_536);
    assert_eq!(lines[3]["bytes"], 50_000);
}
