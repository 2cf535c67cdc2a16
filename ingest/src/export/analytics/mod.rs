//! A stream as a job of Azure Stream Analytics. Its texts are not run here: the engine is Azure's alone.

mod field;
mod query;
mod terraform;

use super::stream::Stream;

/// What refusals call the engine.
const ENGINE: &str = "Stream Analytics";

/// What always differs.
const DIFFERENCES: [&str; 8] = [
    "this text has never been run by those who wrote the program that made it: try it on a copy of the hub first",
    "late is judged by arrival first, and then by the newest reading, each by the tolerance; a silent hub closes by the clock, whatever idleSeconds says",
    "what is refused (no time or key, early, late, bad numbers) is gone",
    "the output is written once, which is a preview of Azure's; a restart may write part of an hour again",
    "there is no marker of a complete hour, and files are not sorted by sensor: let runs wait by a schedule's offset",
    "times that are numbers are not read; times have milliseconds",
    "a number as a key may lose zeros at its end; keys of any length are kept",
    "has(x) is false where x is bad, not unknown",
];

/// The job, its input and its output.
pub(super) fn terraform(stream: &mut Stream<'_>) -> String {
    stream.refuse_everywhere(ENGINE);
    let query = query::query(stream);
    let resources = terraform::resources(stream, &query);
    let title = format!(
        "The stream {}/{} for Azure Stream Analytics, made by `fleetscore export`.",
        stream.namespace, stream.name
    );
    format!("{}\n{resources}", stream.header("#", &title, &DIFFERENCES))
}
