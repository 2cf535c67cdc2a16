//! Streams.

use fleetscore_cluster::view::{StreamLine, StreamState, StreamView};
use fleetscore_crds::ReadingCounts;
use jiff::Timestamp;

use super::{conditions, fact, namespace, notices, table};
use crate::kubectl::screen::{Cell, Page, Tone};
use crate::kubectl::table::Table;
use crate::kubectl::words::{age, counted, duration, or_dash, time};

pub(super) fn streams(lines: &[StreamLine], everywhere: bool, now: Timestamp) -> Table {
    let mut table = table(everywhere)
        .column("STREAM", 0)
        .column("STATE", 0)
        .column("REASON", 3)
        .column("COMPLETE THROUGH", 1)
        .column("LAG", 1)
        .column("PARTITIONS", 2)
        .column("PODS", 3);
    for line in lines {
        let cells = [
            line.name.as_str().into(),
            stream_state(line.state),
            or_dash(line.reason.as_deref()).into(),
            or_dash(
                line.complete_through
                    .map(|through| format!("{} ({} ago)", time(through), age(through, now))),
            )
            .into(),
            lag(line).into(),
            partitions(line).into(),
            pods_of(line).into(),
        ];
        table.row(namespace(&line.namespace, everywhere).chain(cells));
    }
    table
}

fn stream_state(state: StreamState) -> Cell {
    let (word, tone) = match state {
        StreamState::Ready => ("ready", Tone::Good),
        StreamState::Reconciling => ("on its way", Tone::Plain),
        StreamState::NotReady => ("not ready", Tone::Bad),
        StreamState::Stalled => ("stalled", Tone::Bad),
        StreamState::Suspended => ("suspended", Tone::Warn),
        StreamState::Unreadable => ("unreadable", Tone::Bad),
        StreamState::New => ("not yet seen", Tone::Plain),
    };
    Cell::new(word, tone)
}

fn lag(line: &StreamLine) -> String {
    or_dash(line.lag.map(|lag| match lag.events {
        0 => "none".to_owned(),
        events => format!("{}, {}", counted(events, "event"), duration(lag.seconds)),
    }))
}

fn partitions(line: &StreamLine) -> String {
    or_dash(line.partitions.map(|counts| {
        let stalled = match counts.stalled {
            0 => String::new(),
            stalled => format!(", {stalled} stalled"),
        };
        format!("{}/{}{stalled}", counts.owned, counts.total)
    }))
}

fn pods_of(line: &StreamLine) -> String {
    let wanted = line
        .wanted
        .map_or_else(String::new, |wanted| format!("/{wanted}"));
    format!("{}{wanted}", line.pods)
}

/// Draws one stream.
pub fn stream(view: &StreamView, now: Timestamp, page: &mut Page) {
    let line = &view.stream;
    page.line([
        Cell::new(format!("stream/{}", line.name), Tone::Head),
        "  ".into(),
        stream_state(line.state),
    ]);
    fact("namespace", line.namespace.as_str(), page);
    if let Some(through) = line.complete_through {
        let text = format!("through {} ({} ago)", time(through), age(through, now));
        fact("complete", text, page);
    }
    fact("lag", lag(line), page);
    if let Some(counts) = line.partitions {
        let idle = format!(
            "{} read, {} of them without new events",
            partitions(line),
            counts.idle
        );
        fact("partitions", idle, page);
    }
    fact("pods", pods_of(line), page);
    if let Some(segment) = view.last_segment {
        let gaps = if segment.gaps { ", with gaps" } else { "" };
        let text = format!(
            "{}: {} in {}{gaps}",
            time(segment.start),
            counted(segment.rows, "reading"),
            counted(segment.files.into(), "file"),
        );
        fact("segment", text, page);
    }
    if let Some(counts) = &view.readings {
        fact("readings", readings(counts), page);
    }
    if let Some(output) = &view.output {
        fact("output", output.as_str(), page);
    }
    conditions(&view.conditions, now, page);
    notices(&view.notices, page);
}

/// What became of the readings; what there was none of is left out.
fn readings(counts: &ReadingCounts) -> String {
    let known = [
        (counts.filtered, "filtered"),
        (counts.late, "late"),
        (counts.early, "early"),
        (counts.too_old, "too old"),
        (counts.before_start, "before the start"),
        (counts.duplicate, "duplicate"),
    ];
    let known = known
        .into_iter()
        .map(|(count, word)| (count, word.to_owned()));
    let invalid = counts.invalid.iter();
    let invalid = invalid.map(|(reason, count)| (*count, format!("invalid ({reason})")));
    let parts = known.chain(invalid).filter(|(count, _)| *count > 0);
    let parts = parts.map(|(count, word)| format!(", {count} {word}"));
    format!("{} accepted{}", counts.accepted, parts.collect::<String>())
}
