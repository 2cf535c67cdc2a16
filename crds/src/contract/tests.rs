use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn stream() -> StreamDocument {
    let columns = StreamColumns {
        time: "Time".to_owned(),
        keys: vec!["device".to_owned(), "tag".to_owned()],
        features: vec!["Value".to_owned()],
    };
    StreamDocument::new(
        "plant/pumps".to_owned(),
        "kafka://b:9092/t".to_owned(),
        "0123456789abcdef".to_owned(),
        time("2026-11-28T09:12:13Z"),
        Some(time("2026-11-28T09:12:13Z")),
        3600,
        columns,
    )
}

fn segment() -> SegmentDocument {
    let mut counts = Counts::default();
    counts.add(Verdict::Accepted);
    counts.add(Verdict::Invalid(Reason::BadTime));
    let file = SegmentFile {
        name: "readings-r0-000-1f3a9c2e.parquet".to_owned(),
        rows: 7,
        bytes: 999,
        first_key: vec!["a".to_owned(), "1".to_owned()],
        last_key: vec!["b".to_owned(), "1".to_owned()],
    };
    let gap = Gap {
        partition: 3,
        from_offset: 5,
        to_offset: 9,
        start: time("2026-11-28T08:00:00Z"),
        end: time("2026-11-28T09:10:00Z"),
    };
    SegmentDocument::new(
        "plant/pumps".to_owned(),
        time("2026-11-28T09:00:00Z"),
        vec![file],
        vec![gap],
        true,
        counts,
    )
}

/// What other programs find there: the names of the fields are part of the API.
#[test]
fn documents_are_what_they_were() {
    let read = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    assert_eq!(
        read(&stream().to_bytes()),
        serde_json::json!({
            "version": 1, "id": "plant/pumps", "source": "kafka://b:9092/t", "spec": "0123456789abcdef",
            "created": "2026-11-28T09:12:13Z", "start": "2026-11-28T09:12:13Z", "segmentSeconds": 3600,
            "columns": {"time": "Time", "keys": ["device", "tag"], "features": ["Value"]},
        })
    );
    assert_eq!(
        read(&segment().to_bytes()),
        serde_json::json!({
            "version": 1, "stream": "plant/pumps", "segment": "2026-11-28T09:00:00Z", "revision": 0,
            "files": [{"name": "readings-r0-000-1f3a9c2e.parquet", "rows": 7, "bytes": 999, "firstKey": ["a", "1"], "lastKey": ["b", "1"]}],
            "gaps": [{"partition": 3, "fromOffset": 5, "toOffset": 9, "start": "2026-11-28T08:00:00Z", "end": "2026-11-28T09:10:00Z"}],
            "partial": true,
            "counts": {
                "accepted": 1, "filtered": 0, "late": 0, "early": 0, "tooOld": 0, "beforeStart": 0, "duplicate": 0, "empty": 0,
                "invalid": {"BadTime": 1},
            },
        })
    );
}

#[test]
fn documents_round_trip() {
    assert_eq!(
        StreamDocument::parse(&stream().to_bytes()).unwrap(),
        stream()
    );
    assert_eq!(
        SegmentDocument::parse(&segment().to_bytes()).unwrap(),
        segment()
    );
}

#[test]
fn what_is_not_known_is_refused() {
    let stream = String::from_utf8(stream().to_bytes()).unwrap();
    let segment = String::from_utf8(segment().to_bytes()).unwrap();
    let of_stream = |text: &str| {
        StreamDocument::parse(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let of_segment = |text: &str| {
        SegmentDocument::parse(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    let later = |text: &str| text.replace("\"version\": 1", "\"version\": 2, \"more\": [1]");
    for (message, part) in [
        (
            of_stream(&later(&stream)),
            "_stream/stream.json is of version 2, and this release reads version 1",
        ),
        (of_segment(&later(&segment)), "_SUCCESS is of version 2"),
        (
            of_stream(&stream.replace("\"id\"", "\"it\"")),
            "unknown field `it`",
        ),
        (
            of_segment(&segment.replace("\"gaps\"", "\"gap\"")),
            "unknown field `gap`",
        ),
        (
            of_segment(&segment.replace("\"accepted\"", "\"excepted\"")),
            "unknown field `excepted`",
        ),
        (
            of_segment(&segment.replace("readings-r0", "../readings-r0")),
            "not the name of a file",
        ),
        (
            of_stream(&stream.replace("3600", "3601")),
            "segmentSeconds 3601",
        ),
        (of_stream(&stream.replace("3600", "0")), "segmentSeconds 0"),
        (of_stream("{}"), "missing field `version`"),
        (of_segment(""), "_SUCCESS is not what a stream writes"),
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_process_tells_of_a_bounded_number_of_partitions() {
    let text = |partitions: usize| format!("{{\"owned\": [{}]}}", vec!["{}"; partitions].join(","));
    let most = ProcessStatus::MOST_PARTITIONS;
    let read: ProcessStatus = serde_json::from_str(&text(most)).unwrap();
    assert_eq!(read.owned.len(), most);
    let error = serde_json::from_str::<ProcessStatus>(&text(most + 1)).unwrap_err();
    assert!(error.to_string().contains("at most 10000"), "{error}");
    assert_eq!(
        serde_json::from_str::<ProcessStatus>("{}").unwrap().owned,
        []
    );
}

#[test]
fn a_segment_s_folder_is_named_by_its_start() {
    for (instant, seconds, folder) in [
        (
            "2026-11-28T09:59:59.999999999Z",
            3600,
            "date=2026-11-28/time=0900/",
        ),
        ("2026-11-28T09:00:00Z", 3600, "date=2026-11-28/time=0900/"),
        ("2026-11-28T09:00:59Z", 60, "date=2026-11-28/time=0900/"),
        ("2026-11-28T23:59:59Z", 86_400, "date=2026-11-28/time=0000/"),
        ("1969-12-31T23:59:59Z", 300, "date=1969-12-31/time=2355/"),
        ("0099-01-02T03:04:05Z", 3600, "date=0099-01-02/time=0300/"),
    ] {
        assert_eq!(
            segment_folder(segment_start(time(instant), seconds)),
            folder
        );
    }
    segment_start(Timestamp::MIN, 86_400);
    assert_eq!(
        segment_folder(segment_start(Timestamp::MAX, 3600)),
        "date=9999-12-30/time=2200/"
    );
}

#[test]
fn a_gap_touches_the_segments_that_it_reaches_into() {
    let gap = segment().gaps.remove(0);
    for (start, end, touches) in [
        ("2026-11-28T07:00:00Z", "2026-11-28T08:00:00Z", false),
        ("2026-11-28T08:00:00Z", "2026-11-28T09:00:00Z", true),
        ("2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z", true),
        ("2026-11-28T09:10:00Z", "2026-11-28T10:10:00Z", false),
    ] {
        assert_eq!(gap.touches(time(start), time(end)), touches, "{start}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..2000_usize) {
        let _ = StreamDocument::parse(&bytes);
        let whole = segment().to_bytes();
        prop_assert!(SegmentDocument::parse(&whole[..cut.min(whole.len() - 2)]).is_err());
    }
}
