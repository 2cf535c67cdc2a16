//! A stream as statements of Flink SQL 1.20.

mod deployment;
mod field;
mod readings;
mod sink;
mod source;

use super::stream::{Stream, places};
use crate::event::Shape;

pub(super) use deployment::deployment;

/// What refusals call the engine.
const ENGINE: &str = "Flink";

/// What always differs.
const DIFFERENCES: [&str; 7] = [
    "late is judged by the slowest partition, not by the reading's own: more is kept where partitions are apart",
    "a topic that falls silent as a whole keeps its last windows open until it goes on",
    "what is refused (no time or key, early, too old, late, bad numbers) is gone; an event that is no JSON object, also a list of \
     objects, several lines or gzip, is skipped",
    "a time is YYYY-MM-DD, T or a space, HH:MM:SS, a fraction, Z or an offset +HH:MM, or a number since 1970, to the millisecond; \
     other forms are refused",
    "a key that is an object or a list is its JSON; keys of any length are kept; a number as a key in a list may lose zeros at its end",
    "has(x) is false where x is bad, not unknown",
    "each checkpoint ends a file; files are not sorted by sensor",
];

/// What is known of the stream before its parts are written.
struct Plan {
    shape: Shape,
    places: Vec<(usize, super::stream::Place)>,
}

/// All statements.
pub(super) fn sql(stream: &mut Stream<'_>) -> String {
    let body = statements(stream);
    let title = format!(
        "The stream {}/{} for Flink 1.20, made by `fleetscore export`.",
        stream.namespace, stream.name
    );
    format!("{}\n{body}", stream.header("--", &title, &DIFFERENCES))
}

fn statements(stream: &mut Stream<'_>) -> String {
    stream.refuse_everywhere(ENGINE);
    let shape = stream.shape(ENGINE);
    stream.refuse_time_in_list(&shape, ENGINE);
    let plan = Plan {
        places: places(&shape),
        shape,
    };
    let parts = [
        settings(stream),
        source::table(stream, &plan),
        readings::views(stream, &plan),
        sink::table(stream),
        sink::insert(stream),
    ];
    parts.join("\n")
}

fn settings(stream: &Stream<'_>) -> String {
    format!(
        "SET 'table.local-time-zone' = 'UTC';\nSET 'execution.checkpointing.interval' = '{} s';\n",
        stream.spec.checkpoint_seconds
    )
}

/// So many seconds, as an interval.
fn seconds(count: u32) -> String {
    let (days, rest) = (count / 86_400, count % 86_400);
    let digits = days.to_string().len().max(2);
    format!(
        "INTERVAL '{days} {:02}:{:02}:{:02}' DAY({digits}) TO SECOND",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
