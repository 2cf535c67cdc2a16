use super::process::{Process, clock};
use super::*;
use crate::work::reader::{nanoseconds, timestamp};

/// A hub that falls silent keeps nothing back: the clock closes what is open.
#[test]
fn a_silent_hub_s_segments_are_published_by_the_clock() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(2), clock());
        hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(
            segment(&objects, "0900").await,
            None,
            "its end is not reached"
        );
        tokio::time::sleep(Duration::from_mins(3)).await;
        let found = segment(&objects, "0900").await.unwrap();
        assert_eq!(found.counts.accepted, 1);
        process.end().await;
    });
}

/// While the hub cannot be asked, nothing is closed by the clock: there may be more.
#[test]
fn nothing_is_closed_by_the_clock_while_the_hub_is_away() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(1), clock());
        hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_secs(30)).await;
        hub.fail(Some(crate::SourceError::SourceUnavailable {
            reason: "away".to_owned(),
        }));
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(segment(&objects, "0900").await, None);
        assert!(process.watch.state().seen[&0].error.is_some());
        hub.append(0, reading("b", NINE + 2 * SECOND, NINE + 3 * SECOND));
        hub.fail(None);
        tokio::time::sleep(Duration::from_mins(3)).await;
        assert_eq!(segment(&objects, "0900").await.unwrap().counts.accepted, 2);
        process.end().await;
    });
}

/// A hub that is throttled answers with no records and no error. That is no silence: it says itself that there is more.
#[test]
fn nothing_is_closed_by_the_clock_while_the_hub_is_throttled() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(2), clock());
        let throttled = FaultyHub::new(&hub, &Calls::new(Fault::Never));
        for partition in 0..2 {
            hub.append(partition, reading("a", NINE + SECOND, NINE + SECOND));
        }
        let process = Process::at_work(&throttled, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_secs(30)).await;
        throttled.throttle(true);
        // One partition has more, the other one has not: the segment waits for the first.
        hub.append(0, reading("b", NINE + 2 * SECOND, clock.now()));
        tokio::time::sleep(Duration::from_mins(20)).await;
        let watermarks = [0, 1].map(|partition| {
            let progress = process.watch.state().seen[&partition].progress.clone();
            nanoseconds(progress.watermark.unwrap())
        });
        assert_eq!(watermarks[0], NINE - 29 * SECOND, "as its reading left it");
        assert!(watermarks[1] > NINE + 15 * MINUTE, "it is silent");
        assert_eq!(segment(&objects, "0900").await, None);
        throttled.throttle(false);
        tokio::time::sleep(Duration::from_mins(3)).await;
        let counts = segment(&objects, "0900").await.unwrap().counts;
        assert_eq!((counts.accepted, counts.late), (3, 0));
        process.end().await;
    });
}

/// To wait for an answer takes long, during which nothing is saved and no claim renewed. So a hub that does not answer is not asked of each
/// partition.
#[test]
fn a_hub_that_does_not_answer_is_seldom_asked() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(8), clock());
        let mute = FaultyHub::new(&hub, &Calls::new(Fault::Never));
        let process = Process::at_work(&mute, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(process.watch.state().seen.len(), 8);
        mute.mute();
        tokio::time::sleep(Duration::from_mins(10)).await;
        let asked = mute.unanswered();
        // Twice a minute by who reads, and each two minutes how many partitions there are.
        assert!((10..=26).contains(&asked), "{asked}");
        process.end().await;
    });
}

/// Read up to its end, a hub that is throttled for a while is read all the same.
#[test]
fn the_end_of_a_throttled_hub_is_reached_when_all_was_read() {
    let (hub, sent) = history(6, 2);
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let throttled = FaultyHub::new(&hub, &Calls::new(Fault::Never));
        throttled.throttle(true);
        let options = options("a", Until::Latest, AFTER);
        let storage = Faulty::storage(&objects, &Calls::new(Fault::Never));
        let process = Process::begin(throttled.clone(), &storage, options);
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert!(!process.done.is_finished());
        throttled.throttle(false);
        process.done.await.unwrap().unwrap();
    });
    let (rows, ..) = in_virtual_time(published(&objects));
    assert_eq!(rows, expected(&sent).0);
}

/// A pod whose clock is ahead closes nothing by it, since it would close what is still to come; once it is set, it does.
#[test]
fn nothing_is_closed_by_a_clock_that_is_not_storage_s() {
    for ahead in [5, -5] {
        let objects = Arc::new(InMemory::new());
        in_virtual_time(async {
            let hub = MemoryHub::new(1);
            let begun = Instant::now();
            let at = NINE + ahead * MINUTE;
            let wrong = Arc::new(VirtualClock { begun, at });
            let right = clock();
            hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
            let storage = Faulty::storage(&objects, &Calls::new(Fault::Never));
            // What the answers of storage say, as seen by a clock.
            let date = "Sat, 28 Nov 2026 09:00:00 GMT";
            storage.note_date(date, timestamp(at));
            let mut options = options("a", Until::Stopped, 0);
            options.clock = Arc::clone(&wrong) as _;
            let process = Process::begin(hub.clone(), &storage, options);
            tokio::time::sleep(Duration::from_mins(4)).await;
            // By the pod's clock the window has been over for long, or has not begun.
            hub.append(0, reading("b", NINE + 3 * SECOND, right.now()));
            tokio::time::sleep(Duration::from_mins(15)).await;
            assert_eq!(segment(&objects, "0900").await, None, "{ahead}");
            storage.note_date(date, timestamp(NINE - 8 * SECOND));
            tokio::time::sleep(Duration::from_mins(6)).await;
            let counts = segment(&objects, "0900").await.unwrap().counts;
            assert_eq!((counts.accepted, counts.late), (2, 0), "{ahead}");
            process.end().await;
        });
    }
}
