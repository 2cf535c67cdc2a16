use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::advice::Notice;
use super::run::RunLine;
use super::schedule::ScheduleLine;
use super::stream::StreamLine;
use crate::{Run, Schedule, Stream};

/// The objects of a namespace, or of all.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Runs.
    pub runs: Vec<Run>,
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// Streams.
    pub streams: Vec<Stream>,
    /// Whether there are more objects than were read.
    pub more: bool,
}

/// All that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Version of this form: 1.
    pub version: u32,
    /// The schedules, by namespace and name.
    pub schedules: Vec<ScheduleLine>,
    /// The streams, by namespace and name.
    pub streams: Vec<StreamLine>,
    /// Runs that go on, the newest first.
    pub running: Vec<RunLine>,
    /// Runs that have ended since the asked time, the newest first, but for each schedule's last one.
    pub ended: Vec<RunLine>,
    /// What a person should look at.
    pub notices: Vec<Notice>,
    /// Whether there are more objects than were read.
    pub more: bool,
}

/// The overview of `objects` at `now`, with what ended and was missed since `since`.
pub fn overview(objects: &Objects, since: Timestamp, now: Timestamp) -> Overview {
    let mut runs: Vec<&Run> = objects.runs.iter().collect();
    runs.sort_by_key(|run| {
        let place = (run.namespace().to_owned(), run.name().to_owned());
        (std::cmp::Reverse(run.created()), place)
    });
    let mut children: BTreeMap<(&str, &str), Vec<&Run>> = BTreeMap::new();
    for run in &runs {
        if let Some(schedule) = run.schedule() {
            let key = (run.namespace(), schedule);
            children.entry(key).or_default().push(run);
        }
    }
    let mut schedules: Vec<_> = objects
        .schedules
        .iter()
        .map(|schedule| {
            let runs = children.get(&(schedule.namespace(), schedule.name()));
            ScheduleLine::of(schedule, runs.map_or(&[], Vec::as_slice), now)
        })
        .collect();
    schedules
        .sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    let mut streams: Vec<_> = objects.streams.iter().map(StreamLine::of).collect();
    streams.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    let lines = runs.iter().map(|run| RunLine::of(run, now));
    let (ended, running): (Vec<_>, Vec<_>) = lines.partition(RunLine::has_ended);
    let shown: Vec<_> = ended
        .into_iter()
        .filter(|run| run.ended.is_none_or(|ended| ended >= since))
        .filter(|run| !is_last_of_a_schedule(&schedules, run))
        .collect();
    let mut notices: Vec<_> = schedules
        .iter()
        .flat_map(|schedule| {
            let last = schedule.last_run.as_ref().and_then(RunLine::notice);
            last.into_iter().chain(schedule.notices(since))
        })
        .collect();
    notices.extend(streams.iter().filter_map(StreamLine::notice));
    notices.extend(running.iter().filter_map(RunLine::notice));
    notices.extend(shown.iter().filter_map(RunLine::notice));
    Overview {
        version: VERSION,
        schedules,
        streams,
        running,
        ended: shown,
        notices,
        more: objects.more,
    }
}

/// Whether the run is shown in its schedule's line.
fn is_last_of_a_schedule(schedules: &[ScheduleLine], run: &RunLine) -> bool {
    schedules.iter().any(|schedule| {
        let last = schedule.last_run.as_ref();
        schedule.namespace == run.namespace && last.is_some_and(|last| last.name == run.name)
    })
}
