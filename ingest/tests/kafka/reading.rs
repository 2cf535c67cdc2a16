use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use fleetscore_ingest::{Bounds, Place};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::{Broker, Seen, WAIT, poll_until, read};

#[test]
fn reads_what_was_sent_with_all_that_belongs_to_it() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("all", 3, &[]);
    topic.send(0, 1_700_000_000_000, &["a", "b", ""]);
    topic.send(2, 1_700_000_000_500, &["c"]);
    let mut source = topic.open();
    assert_eq!(source.partitions().unwrap(), [0, 1, 2]);
    let bounds = |earliest, end| Bounds { earliest, end };
    assert_eq!(source.bounds(0).unwrap(), bounds(0, 3));
    assert_eq!(source.bounds(1).unwrap(), bounds(0, 0));
    let start = Place::at(0);
    let seen = read(&mut *source, &[(0, start), (1, start), (2, start)]);
    let text = str::to_owned;
    assert_eq!(
        seen.records[&0],
        [(0, text("a")), (1, text("b")), (2, text(""))]
    );
    assert_eq!(seen.records[&2], [(0, text("c"))]);
    assert_eq!(seen.keys, ["key"; 4]);
    let mut headers = seen.headers.clone();
    headers.sort();
    let expected = ["", "a", "b", "c"].map(|value| (text("device"), text(value)));
    assert_eq!(headers, expected);
    let mut arrivals = seen.arrivals.clone();
    arrivals.sort_unstable();
    let expected = [0, 1, 2, 500].map(|after| (1_700_000_000_000 + after, false));
    assert_eq!(arrivals, expected);
    for partition in 0..3 {
        assert!(source.is_drained(partition).unwrap());
    }
}

#[test]
fn goes_on_where_it_is_told_and_hands_out_nothing_twice() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("place", 2, &[]);
    topic.send(0, 1000, &["a", "b", "c", "d"]);
    topic.send(1, 1000, &["x", "y"]);
    let mut source = topic.open();
    let seen = read(&mut *source, &[(0, Place::at(2)), (1, Place::at(2))]);
    assert_eq!(seen.bodies(0), ["c", "d"]);
    assert!(seen.bodies(1).is_empty());

    // The record before is only compared.
    let place = |next, arrival| Place {
        next,
        arrival: Some(arrival),
    };
    let seen = read(&mut *source, &[(0, place(1, 1_000_000_000))]);
    assert_eq!(seen.bodies(0), ["b", "c", "d"]);
    source.assign(0, place(2, 1_000_000_000)).unwrap();
    let mut seen = Seen::default();
    let deadline = Instant::now() + WAIT;
    let error = loop {
        assert!(Instant::now() < deadline);
        if let Err(error) = seen.poll(&mut *source) {
            break error;
        }
    };
    assert_eq!(error.name(), "SourceRecreated");
    assert!(
        error.to_string().contains(
            "arrived at 1970-01-01T00:00:01Z when it was read, and at 1970-01-01T00:00:01.001Z now"
        ),
        "{error}"
    );
    assert!(seen.records.is_empty());

    // The other partition is read on; of the one that was let go nothing comes.
    topic.send(0, 2000, &["e"]);
    topic.send(1, 2000, &["z"]);
    poll_until(&mut *source, &mut seen, |seen| seen.bodies(1) == ["z"]);
    source.release(1);
    topic.send(1, 3000, &["not this"]);
    let seen = read(&mut *source, &[(0, Place::at(4))]);
    assert_eq!(seen.bodies(0), ["e"]);
    assert!(seen.bodies(1).is_empty());
}

#[test]
fn what_breaks_off_loses_nothing() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("break", 1, &[]);
    topic.send(0, 1000, &["a", "b", "c"]);
    let mut source = topic.open();
    source.assign(0, Place::at(0)).unwrap();
    let deadline = Instant::now() + WAIT;
    let mut count = 0;
    while count == 0 {
        assert!(Instant::now() < deadline);
        count = source
            .poll(9, Duration::from_millis(200), &mut |_| {
                ControlFlow::Break(())
            })
            .unwrap();
    }
    assert_eq!(count, 1);
    // Other questions may be asked meanwhile.
    assert!(!source.is_drained(0).unwrap());
    assert_eq!(source.offset_at(0, 1_001_000_000), Ok(1));
    let mut seen = Seen::default();
    poll_until(&mut *source, &mut seen, |seen| seen.ends.contains_key(&0));
    assert_eq!(seen.bodies(0), ["b", "c"]);
}

#[test]
fn what_came_before_a_partition_is_read_anew_is_forgotten() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("forget", 1, &[]);
    topic.send(0, 1000, &["a", "b", "c"]);
    let mut source = topic.open();
    source.assign(0, Place::at(0)).unwrap();
    let deadline = Instant::now() + WAIT;
    let wait = Duration::from_millis(200);
    while source.poll(1, wait, &mut |_| ControlFlow::Continue(())) == Ok(0) {
        assert!(Instant::now() < deadline);
    }
    // The next record comes while an answer is waited for.
    source.bounds(0).unwrap();
    let seen = read(&mut *source, &[(0, Place::at(0))]);
    assert_eq!(seen.bodies(0), ["a", "b", "c"]);
}

#[test]
fn arrival_is_the_hubs_time_where_the_topic_says_so() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("append", 1, &[("message.timestamp.type", "LogAppendTime")]);
    topic.send(0, 1000, &["a"]);
    let seen = read(&mut *topic.open(), &[(0, Place::at(0))]);
    let (arrival, has_hub_time) = seen.arrivals[0];
    assert!(has_hub_time);
    assert!(arrival > 1_700_000_000_000, "{arrival}");
}

#[test]
fn finds_the_offset_of_a_time() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("time", 2, &[]);
    topic.send(0, 5000, &["a", "b", "c"]);
    let mut source = topic.open();
    for (nanos, offset) in [
        (0, 0),
        (5_000_999_999, 0),
        (5_001_000_000, 1),
        (5_002_000_000, 2),
        (5_002_999_999, 2),
        (5_003_000_000, 3),
        (i64::MAX, 3),
    ] {
        assert_eq!(source.offset_at(0, nanos), Ok(offset), "{nanos}");
    }
    assert_eq!(source.offset_at(1, 5_000_000_000), Ok(0));
}

#[test]
fn cancelled_transactions_are_not_seen_nor_waited_for() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("transactions", 1, &[]);
    topic.send_in_transaction(0, &["a"], true);
    topic.send_in_transaction(0, &["not this", "nor this"], false);
    topic.send(0, 1000, &["b"]);
    topic.send_in_transaction(0, &["nor that"], false);
    let mut source = topic.open();
    let mut seen = read(&mut *source, &[(0, Place::at(0))]);
    assert_eq!(seen.bodies(0), ["a", "b"]);
    let last = seen.records[&0].last().unwrap().0;
    let end = source.bounds(0).unwrap().end;
    assert_eq!(end, last + 3, "behind b there are a record and a mark");
    let deadline = Instant::now() + WAIT;
    while !source.is_drained(0).unwrap() {
        assert!(Instant::now() < deadline);
        seen.poll(&mut *source).unwrap();
    }
    assert_eq!(seen.bodies(0), ["a", "b"]);
    topic.send(0, 1000, &["c"]);
    assert!(!source.is_drained(0).unwrap());
    poll_until(&mut *source, &mut seen, |seen| {
        seen.bodies(0) == ["a", "b", "c"]
    });
}

#[test]
fn tells_what_was_deleted_before_it_was_read() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("deleted", 2, &[]);
    topic.send(0, 1000, &["a", "b", "c", "d"]);
    topic.truncate(0, 3);
    let mut source = topic.open();
    let error = source.assign(0, Place::at(1)).unwrap_err();
    assert_eq!((error.name(), error.partition()), ("OffsetGone", Some(0)));
    assert!(
        error.to_string().contains(&format!(
            "partition 0 of topic {} at {}: the records from offset 1 to 3 were deleted",
            topic.name, broker.plain
        )),
        "{error}"
    );
    assert_eq!(read(&mut *source, &[(0, Place::at(3))]).bodies(0), ["d"]);
    let error = source.assign(0, Place::at(5)).unwrap_err();
    assert_eq!(error.name(), "SourceRecreated");

    // All of it, while it is read.
    topic.send(1, 1000, &["a", "b"]);
    let mut seen = read(&mut *source, &[(1, Place::at(0))]);
    topic.delete();
    let deadline = Instant::now() + WAIT;
    let error = loop {
        assert!(Instant::now() < deadline);
        if let Err(error) = seen.poll(&mut *source) {
            break error;
        }
    };
    assert_eq!(error.name(), "SourceNotFound", "{error}");
}

#[test]
fn a_topic_made_anew_is_noticed_while_it_is_read() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("anew", 1, &[]);
    topic.send(0, 1000, &["a", "b"]);
    let mut source = topic.open();
    let mut seen = read(&mut *source, &[(0, Place::at(0))]);
    topic.delete();
    let deadline = Instant::now() + WAIT;
    // Deleting is over when the name is free.
    while topic.open().partitions().is_ok() {
        assert!(Instant::now() < deadline);
    }
    topic.create(1, &[]);
    let error = loop {
        assert!(Instant::now() < deadline, "{seen:?}");
        match seen.poll(&mut *source) {
            Err(error) if !error.can_retry() => break error,
            _ => {}
        }
    };
    assert_eq!(error.name(), "SourceRecreated", "{error}");
    assert_eq!(seen.bodies(0), ["a", "b"]);
}

#[test]
fn tells_the_hub_how_far_it_read() {
    let Some(broker) = Broker::or_skip() else {
        return;
    };
    let topic = broker.create("commit", 1, &[]);
    topic.send(0, 1000, &["a", "b", "c"]);
    let mut source = topic.open();
    let mut seen = read(&mut *source, &[(0, Place::at(0))]);
    source.commit(0, 2);
    let client: BaseConsumer = broker
        .config()
        .set("group.id", "fleetscore")
        .create()
        .unwrap();
    let deadline = Instant::now() + WAIT;
    loop {
        assert!(Instant::now() < deadline);
        seen.poll(&mut *source).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(&topic.name, 0);
        let found = client.committed_offsets(list, WAIT).unwrap();
        if found.elements()[0].offset() == Offset::Offset(2) {
            break;
        }
    }
}
