use super::process::{Process, clock, feed, records};
use super::*;
use crate::folder::{PartitionProgress, StreamFolder};
use jiff::Timestamp;

/// Processes come and go while events come, one of them cut off from storage for good: the rows are those of one that was never disturbed.
#[test]
fn processes_share_the_partitions_and_take_over_from_each_other() {
    for cut in [20, 57, 91] {
        let (sent_hub, sent) = history(3, 4);
        let all = records(&sent_hub, 4);
        let (right, _) = expected(&sent);
        let objects = Arc::new(InMemory::new());
        in_virtual_time(async {
            let (hub, clock) = (MemoryHub::new(4), clock());
            let fed = tokio::spawn(feed(hub.clone(), all, Arc::clone(&clock)));
            let minutes = |minutes: u64| tokio::time::sleep(Duration::from_mins(minutes));
            // It is cut off from storage after so many calls, and works on.
            let zombie = Process::at_work(&hub, &objects, Fault::KilledBefore(cut), "a", &clock);
            minutes(2).await;
            let second = Process::at_work(&hub, &objects, Fault::Never, "b", &clock);
            let third = Process::at_work(&hub, &objects, Fault::Never, "c", &clock);
            minutes(7).await;
            let seen = [&second, &third].map(|process| process.watch.state().seen.len());
            assert_eq!(seen, [2, 2], "each has its share");
            third.end().await;
            minutes(16).await;
            fed.await.unwrap();
            assert_eq!(second.watch.state().seen.len(), 4);
            second.end().await;
            zombie.stop.cancel();
            zombie.done.abort();
        });
        assert!(in_virtual_time(run(&sent_hub, &objects, NEVER, "d", 9)).is_done);
        let (rows, _, segments) = in_virtual_time(published(&objects));
        assert_eq!(rows, right, "cut off after {cut} calls");
        assert!(segments >= 4);
    }
}

/// A process that is told to end while it publishes gives its partitions back before that is done.
#[test]
fn partitions_are_given_back_while_a_segment_is_published() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, _) = history(3, 4);
        let options = options("a", Until::Stopped, AFTER);
        let (spec, now) = (
            options.spec.clone(),
            Timestamp::from_nanosecond(AFTER.into()),
        );
        let pause = Duration::from_mins(10);
        let slow = Faulty::slow(&objects, "out/date=2026-11-28", pause);
        let process = Process::begin(hub, &slow, options);
        let has_closed = || {
            let seen = process.watch.state().seen;
            seen.len() == 4
                && seen
                    .values()
                    .all(|one| one.progress.closed_through.is_some())
        };
        while !has_closed() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
        process.stop.cancel();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!process.done.is_finished(), "it still publishes");
        let storage = Faulty::storage(&objects, &Calls::new(Fault::Never));
        let folder = StreamFolder::open(&storage, &spec, "plant/pumps", now.unwrap())
            .await
            .unwrap();
        for number in 0..4 {
            let url = folder.partition(number).unwrap();
            let (claim, _) = folder
                .read_line::<PartitionProgress>(&url)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(claim.owner, None, "partition {number}");
        }
        process.done.await.unwrap().unwrap();
        assert!(segment(&objects, "0900").await.is_some());
        assert!(
            segment(&objects, "0905").await.is_none(),
            "no other one is begun"
        );
    });
}

/// Requests cost money: while nothing can be published, the partitions' progress is not read.
#[test]
fn a_process_asks_storage_for_little_while_no_segment_is_complete() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let hub = MemoryHub::new(8);
        let mut options = options("a", Until::Stopped, NINE);
        // One segment for all of the time that is looked at.
        options.spec.output.segment_seconds = 86_400;
        let calls = Calls::new(Fault::Never);
        let storage = Faulty::storage(&objects, &calls);
        let process = Process::begin(hub, &storage, options);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let before = calls.count();
        tokio::time::sleep(Duration::from_mins(10)).await;
        let asked = calls.count() - before;
        // Checkpoints of eight partitions and the publisher's sign every five seconds, claims every ten.
        let needed = (8 + 1) * 120 + 60;
        assert!(
            asked <= needed + needed / 10,
            "{asked}, needed are {needed}"
        );
        process.end().await;
    });
}
