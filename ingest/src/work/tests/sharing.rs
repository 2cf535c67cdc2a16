use super::process::{Process, clock, feed, records};
use super::*;

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
