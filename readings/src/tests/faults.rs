//! What is wrong with a CSV text is said, and never read as something else.

use fleetscore_crds::{OnInvalidReading, Window};

use crate::testing::{Outcome, keyed, object, outcome, request};
use crate::{Malformed, ReadRequest, ReadingsError, Unfinished};
use fleetscore_crds::FailureReason;

fn wanted() -> ReadRequest {
    keyed(
        request("TS", &["Value"]),
        &[("device", "Device")],
        &[&["1"], &["2"]],
    )
}

fn read(text: &str, wanted: &ReadRequest) -> Result<Outcome, ReadingsError> {
    outcome(&object("a.csv", text.as_bytes().to_vec()), wanted)
}

/// The message of a text that cannot be read.
fn message(text: &str) -> String {
    let error = read(text, &wanted()).unwrap_err();
    assert_eq!(error.reason(), FailureReason::ReadingsUnreadable, "{error}");
    error.to_string()
}

/// A request for the readings from 00:00:02 on, up to 00:00:05.
fn windowed() -> ReadRequest {
    let [start, end] =
        ["2018-08-28T00:00:02Z", "2018-08-28T00:00:05Z"].map(|text| text.parse().unwrap());
    ReadRequest {
        window: Some(Window { start, end }),
        ..wanted()
    }
}

fn skipping(mut wanted: ReadRequest) -> ReadRequest {
    wanted.on_invalid = OnInvalidReading::Skip;
    wanted
}

fn row(second: u32, device: u32, value: &str) -> String {
    format!("2018-08-28T00:00:{second:02}Z,{device},{value}")
}

#[test]
fn an_open_quote_names_its_line_however_long_the_rest_is() {
    for rows in [3, 20_000] {
        let mut text = String::from("TS,Device,Value,Note\n");
        text += "2018-08-28T00:00:00Z,1,1,\"fine\"\n2018-08-28T00:00:01Z,1,2,\"open\n";
        for _ in 0..rows {
            text += "2018-08-28T00:00:02Z,1,3,ok\n";
        }
        let message = message(&text);
        assert!(message.contains("line 3"), "{rows}: {message}");
        assert!(message.contains("quote"), "{rows}: {message}");
    }
}

#[test]
fn an_open_quote_that_another_one_closes_is_found_out() {
    let head = "TS,Device,Value,Note\n";
    for (rows, named) in [
        // The next quote has text behind it.
        (
            "2018-08-28T00:00:00Z,1,1,\"open\n2018-08-28T00:00:01Z,1,2,\"next\"\n",
            "line 2 closes in line 3",
        ),
        // The next quote ends its field, and the number of fields is right.
        (
            "2018-08-28T00:00:00Z,1,1,\"open\n2018-08-28T00:00:01Z,1,2,ok\n2018-08-28T00:00:02Z,1,3,5\"\n",
            "opens in line 2 holds what looks like the row of line 3",
        ),
        (
            "2018-08-28T00:00:00Z,1,1,\"open\n2018-08-28T00:00:01Z,1,2,5\"\n",
            "opens in line 2 holds what looks like the row of line 3",
        ),
    ] {
        let message = message(&format!("{head}{rows}"));
        assert!(message.contains(named), "{message}");
    }
    let fine = "2018-08-28T00:00:00Z,1,1,\"two\nlines, of text\n\"\n2018-08-28T00:00:01Z,1,2,\"say \"\"so\"\"\"\n";
    let all = read(&format!("{head}{fine}"), &wanted()).unwrap();
    assert_eq!(all.features(0), [1.0, 2.0]);
}

#[test]
fn text_after_a_closing_quote_names_the_line() {
    for (bad, line) in [
        ("TS,Device,Value\n1,1,1\n2,\"1\"x,2\n", "line 3"),
        ("TS,Device,Value\n2,\"1\" ,2\n", "line 2"),
        ("TS,\"Device\"x,Value\n", "line 1"),
        ("TS,\"Device,Value\n1,1,1\n", "line 1"),
    ] {
        let message = message(bad);
        assert!(
            message.contains(line) && message.contains("quote"),
            "{bad:?}: {message}"
        );
    }
}

#[test]
fn lines_that_end_in_carriage_returns_alone_are_refused() {
    let rows = "1,1,1\r".repeat(300_000);
    for bad in [
        "TS,Device,Value\r1,1,1\r".to_owned(),
        "TS,Device,Value\r1,1,1\r\n".to_owned(),
        "\r\rTS,Device,Value\r1,1,1".to_owned(),
        format!("TS,Device,Value\r{rows}"),
    ] {
        let message = message(&bad);
        assert!(message.contains("carriage returns (CR) alone"), "{message}");
    }
    let message = message("TS,Device,Value\n1,1,1\r2,1,2\r\n");
    assert!(
        message.contains("line 2: 5 fields") && message.contains("carriage return"),
        "{message}"
    );
    // A conversion that was made twice.
    let all = read(
        "TS,Device,Value\r\r\n1,1,1\r\r\n\r\r\n2,1,2\r\r\n",
        &wanted(),
    )
    .unwrap();
    assert_eq!(all.features(0), [1.0, 2.0]);
}

#[test]
fn a_wrong_number_of_fields_names_the_line_and_the_way_out() {
    let message = message("TS,Device,Value\n1,1,1\n2,1\n3,1,3\n");
    assert!(
        message.contains("line 3: 2 fields, but the header has 3"),
        "{message}"
    );
    assert!(message.contains("onInvalidReading: Skip"), "{message}");
    let text = "TS,Device,Value\n1,1,1\n2,1\n2,1,2,3\n3,1,oops\n4,1,4\n";
    let all = read(text, &skipping(wanted())).unwrap();
    assert_eq!((all.features(0), all.stats.malformed), (&[1.0, 4.0][..], 2));
    let first = Malformed {
        line: 3,
        found: 2,
        expected: 3,
    };
    assert_eq!(all.stats.first_malformed, Some(first));
    assert_eq!(all.stats.first_skipped[&0].row, 5);
}

#[test]
fn empty_fields_beyond_the_header_do_not_count() {
    for text in [
        "TS,Device,Value\n1,1,1,\n2,1,2\n3,1,3,, \n",
        "TS,Device,Value,\n1,1,1,\n2,1,2\n3,1,3,x\n",
        "TS,Device,Value\n\"1\",1,1,\n2,1,2\n3,1,3,,\n",
    ] {
        assert_eq!(
            read(text, &wanted()).unwrap().features(0),
            [1.0, 2.0, 3.0],
            "{text}"
        );
    }
    let message = message("TS,Device,Value\n1,1,20,5\n");
    assert!(message.contains("line 2: 4 fields"), "{message}");
}

#[test]
fn bytes_of_value_zero_are_named_where_they_hide_a_row() {
    for (bad, line) in [
        ("Device,TS,Value\n1,1,1\n\0\0\x001,2,2\n", "line 3"),
        ("Device,TS,Value\n\"1\",1,1\n1\0,2,2\n", "line 3"),
        ("Device,TS,Value\n1,1,1\n\0\0\0\0\0\0", "line 3"),
        ("Dev\0ice,TS,Value\n1,1,1\n", "first line"),
    ] {
        let message = message(bad);
        assert!(
            message.contains(line) && message.contains("value zero"),
            "{bad:?}: {message}"
        );
    }
}

/// The last line and what becomes of it: with the header on line 1 and two whole rows, it is line 4.
fn ends(last: &str, wanted: &ReadRequest) -> Result<Outcome, ReadingsError> {
    let text = format!(
        "TS,Device,Value\n{}\n{}\n{last}",
        row(2, 1, "1"),
        row(3, 2, "2")
    );
    read(&text, wanted)
}

fn unfinished(sensor: Option<u32>, taken: bool) -> Unfinished {
    let line = 4;
    Unfinished {
        line,
        sensor,
        taken,
    }
}

#[test]
fn a_last_line_that_is_cut_off_is_named() {
    for last in [
        "2018-08-28T00:00:04Z,1",
        "2018-08-28T00",
        "2018-08-28T00:00:04Z",
        "2",
    ] {
        let error = ends(last, &wanted()).unwrap_err();
        assert!(
            matches!(error, ReadingsError::Unfinished { line: 4, .. }),
            "{last}: {error}"
        );
        let message = error.to_string();
        assert!(
            message.contains("ends within line 4") && message.contains("still being written?"),
            "{message}"
        );
        let skipped = ends(last, &skipping(wanted())).unwrap();
        assert_eq!(
            (skipped.features(0), skipped.features(1)),
            (&[1.0][..], &[2.0][..])
        );
    }
    for last in [row(4, 1, ""), row(4, 1, "-")] {
        let all = ends(&last, &wanted()).unwrap();
        let message = all.failed[&0].to_string();
        assert!(
            message.contains("row 4") && message.contains("still being written?"),
            "{message}"
        );
        assert_eq!(all.features(1), [2.0], "another sensor goes on");
    }
}

#[test]
fn in_a_window_a_last_line_without_line_end_is_left_out_and_counted() {
    for last in [
        row(4, 1, "10.1"),
        row(4, 1, ""),
        "2018-08-28T00:00:04Z,1".to_owned(),
    ] {
        let all = ends(&last, &windowed()).unwrap();
        assert_eq!(all.features(0), [1.0], "{last}");
        // A key that may be cut off, 1 of 12, belongs to nobody.
        let sensor = (!last.ends_with("Z,1")).then_some(0);
        assert_eq!(
            all.stats.unfinished,
            Some(unfinished(sensor, false)),
            "{last}"
        );
        assert_eq!(all.rows[&0].skipped, u64::from(sensor.is_some()), "{last}");
    }
    // It belongs to nobody, or is outside the window: nothing is left out.
    for last in [row(4, 3, "10.1"), row(9, 1, "10.1"), row(0, 1, "")] {
        let all = ends(&last, &windowed()).unwrap();
        assert_eq!(
            (all.features(0), all.stats.unfinished),
            (&[1.0][..], None),
            "{last}"
        );
    }
    // With a line end it is a row like any other.
    let whole = ends(&format!("{}\n", row(4, 1, "10.16")), &windowed()).unwrap();
    assert_eq!(
        (whole.features(0), whole.stats.unfinished),
        (&[1.0, 10.16][..], None)
    );
}

#[test]
fn without_a_window_a_whole_last_line_is_taken_and_named() {
    let all = ends(&row(4, 1, "10.16"), &wanted()).unwrap();
    assert_eq!(all.features(0), [1.0, 10.16]);
    assert_eq!(all.stats.unfinished, Some(unfinished(Some(0), true)));
    let quoted = ends("\"2018-08-28T00:00:04Z\",1,\"10.16\"", &wanted()).unwrap();
    assert_eq!(quoted.features(0), [1.0, 10.16]);
    assert_eq!(quoted.stats.unfinished, Some(unfinished(Some(0), true)));
}

#[test]
fn what_is_wanted_of_a_last_line_is_whole_where_a_comma_follows() {
    let head = "TS,Device,Value,Note\n";
    for last in [
        row(4, 1, "10.16,"),
        row(4, 1, "10.16,ha"),
        row(4, 1, "10.16,\"half a no"),
    ] {
        let all = read(&format!("{head}{last}"), &windowed()).unwrap();
        assert_eq!(
            (all.features(0), all.stats.unfinished),
            (&[10.16][..], None),
            "{last}"
        );
    }
    let error = read(
        &format!("{head}{}", row(4, 1, "10.16,\"half a no")),
        &wanted(),
    )
    .unwrap_err();
    assert!(
        matches!(error, ReadingsError::Unfinished { line: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_header_that_is_cut_off_is_named() {
    let message = message("TS,Device,Val");
    assert!(message.contains("ends within its header"), "{message}");
}

#[test]
fn a_last_line_is_the_last_one_in_every_way_of_reading() {
    let mut text = String::from("TS,Device,Value\n");
    (0..60_000).for_each(|_| text += "2018-08-28T00:00:03Z,1,0.25\n");
    text += "2018-08-28T00:00:04Z,1,0.2";
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
    let pooled = ReadRequest {
        pool: Some(std::sync::Arc::new(pool.unwrap())),
        ..windowed()
    };
    for wanted in [windowed(), pooled] {
        let quoted = text.replacen(",1,", ",\"1\",", 1);
        for text in [&text, &quoted] {
            let all = read(text, &wanted).unwrap();
            assert_eq!(all.features(0).len(), 60_000);
            assert_eq!(all.stats.unfinished.map(|last| last.line), Some(60_002));
        }
    }
}

#[test]
fn a_read_can_be_stopped_where_nothing_is_wanted_and_tells_how_far_it_is() {
    let plain = "2018-08-28T00:00:09Z,1,1\n".repeat(100_000);
    let quoted = "\"2018-08-28T00:00:09Z\",1,1\n".repeat(100_000);
    for rows in [plain, quoted, "\n".repeat(1 << 20)] {
        let source = object("a.csv", format!("TS,Device,Value\n{rows}").into_bytes());
        let (mut calls, mut bytes) = (0, 0);
        let stats = crate::read(&source, &windowed(), &mut |chunk| {
            assert!(chunk.is_empty());
            (calls, bytes) = (calls + 1, bytes + chunk.fetched);
            std::ops::ControlFlow::Continue(())
        });
        assert_eq!(stats.unwrap().bytes, bytes);
        assert_eq!(bytes, source.size());
        assert!(calls > 3, "{calls}");
        let stats = crate::read(&source, &windowed(), &mut |_| {
            std::ops::ControlFlow::Break(())
        });
        let stats = stats.unwrap();
        assert!(stats.stopped && stats.scanned < 50_000, "{stats:?}");
    }
}
