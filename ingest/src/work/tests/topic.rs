use super::process::{Process, clock};
use super::*;

/// What the hub deleted before it was read is a gap of the segments that may lack it.
#[test]
fn events_that_were_deleted_before_they_were_read_are_a_gap() {
    let (hub, objects) = (MemoryHub::new(1), Arc::new(InMemory::new()));
    read_every_minute(&hub, 0..4);
    in_virtual_time(async {
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock());
        tokio::time::sleep(Duration::from_secs(20)).await;
        process.end().await;
    });
    read_every_minute(&hub, 4..20);
    hub.truncate(0, 8);
    assert!(in_virtual_time(run(&hub, &objects, NEVER, "b", 1)).is_done);
    in_virtual_time(async {
        let gaps = segment(&objects, "0905").await.unwrap().gaps;
        assert_eq!((gaps[0].from_offset, gaps[0].to_offset), (4, 8));
        assert_eq!(segment(&objects, "0915").await.unwrap().gaps, []);
    });
}

/// Another topic of the same name is not read on from an offset of the first.
#[test]
fn a_topic_that_was_made_anew_stops_the_partition() {
    let (hub, objects) = (MemoryHub::new(1), Arc::new(InMemory::new()));
    read_every_minute(&hub, 0..4);
    in_virtual_time(async {
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock());
        tokio::time::sleep(Duration::from_secs(20)).await;
        process.end().await;
        hub.recreate();
        hub.append(0, reading("x", NINE, NINE));
        let process = Process::at_work(&hub, &objects, Fault::Never, "b", &clock());
        tokio::time::sleep(Duration::from_mins(2)).await;
        let stall = process.watch.state().seen[&0].stall.clone().unwrap();
        assert!(stall.message.contains("made anew"), "{stall:?}");
        process.end().await;
        let kept = objects
            .get(&Path::from("out/_stream/partitions/00000"))
            .await
            .unwrap();
        let kept = String::from_utf8_lossy(&kept.bytes().await.unwrap()).into_owned();
        assert!(kept.contains("\"nextOffset\":4"), "{kept}");
    });
}

/// A path that is wrong does not eat the hub: the partition stops, and goes on once that is mended.
#[test]
fn events_that_mostly_cannot_be_used_stop_the_partition() {
    let (hub, objects) = (MemoryHub::new(1), Arc::new(InMemory::new()));
    for second in 0..3000 {
        let time = NINE + second * SECOND / 10;
        hub.append(0, MemoryRecord::new(time, "{\"time\": 1}"));
    }
    in_virtual_time(async {
        let storage = Faulty::storage(&objects, &Calls::new(Fault::Never));
        let (options, stop) = (options("a", Until::Latest, AFTER), CancellationToken::new());
        let hub = Arc::new(hub.clone());
        let ended = Box::pin(work(hub, &storage, options, Watch::default(), stop)).await;
        let error = ended.unwrap_err().to_string();
        for part in [
            "of the last 1000 events",
            "FieldMissing",
            "limits.maxInvalid",
        ] {
            assert!(error.contains(part), "{error}");
        }
    });
}

/// A partition that is added later is read from its beginning, and publishing waits for it from then on.
#[test]
fn partitions_that_are_added_are_read() {
    let objects = Arc::new(InMemory::new());
    in_virtual_time(async {
        let (hub, clock) = (MemoryHub::new(1), clock());
        hub.append(0, reading("a", NINE + SECOND, NINE + SECOND));
        let process = Process::at_work(&hub, &objects, Fault::Never, "a", &clock);
        tokio::time::sleep(Duration::from_mins(8)).await;
        assert!(segment(&objects, "0900").await.is_some());
        hub.add_partitions(1);
        let now = clock.now();
        hub.append(1, reading("b", NINE + SECOND, now));
        hub.append(1, reading("b", now, now));
        tokio::time::sleep(Duration::from_mins(12)).await;
        process.end().await;
        let found = segment(&objects, "0905").await.unwrap();
        assert_eq!(found.counts.accepted, 1);
    });
    let (rows, ..) = in_virtual_time(published(&objects));
    // What is published takes nothing more.
    assert_eq!(rows.len(), 2, "{rows:?}");
}
