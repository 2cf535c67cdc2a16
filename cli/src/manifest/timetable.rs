//! A schedule's text, and time zones: what the API's rules cannot see, and where in the text a mistake is.

use fleetscore_crds::Kind;
use fleetscore_ticks::{Timetable, TimetableError, ZoneError, time_zone, zone_note};
use serde_json::Value;

use super::node::Index;
use super::{Loaded, Place, Problem};

/// The names of UTC, which need no database.
const UTC: [&str; 2] = ["Etc/UTC", "UTC"];

/// Where a run's readings have their time zone.
const OF_RUN: &str = "spec.input.columns.timeZone";
/// Where a schedule has its own.
const OF_SCHEDULE: &str = "spec.timeZone";
/// Where the readings of a schedule's runs have theirs.
const OF_TEMPLATE: &str = "spec.runTemplate.spec.input.columns.timeZone";

/// Where the events of a stream have theirs.
const OF_STREAM: &str = "spec.event.columns.timeZone";

/// Adds what is wrong with the schedule's text and with time zones to `problems`, in place of what the rules say of them.
pub fn check(kind: Kind, object: &Value, index: &Index, problems: &mut Vec<Problem>) {
    let zones = match kind {
        Kind::ScoringRun => &[OF_RUN][..],
        Kind::ScoringSchedule => &[OF_SCHEDULE, OF_TEMPLATE][..],
        Kind::ReadingStream => &[OF_STREAM][..],
    };
    if kind == Kind::ScoringSchedule
        && let Some(text) = text_at(object, "spec.schedule")
        && let Err(error) = Timetable::parse(text, UTC[0])
    {
        replace(problems, index, "spec.schedule", error.message());
    }
    for field in zones {
        let name = text_at(object, field).filter(|name| !UTC.contains(name));
        match name.and_then(|name| time_zone(name).err()) {
            None => {}
            Some(error @ ZoneError::Unknown { .. }) => {
                replace(problems, index, field, error.to_string());
            }
            Some(error) => problems.push(Problem {
                place: Place::Unknown,
                field: String::new(),
                message: TimetableError::Zone(error).message(),
            }),
        }
    }
}

fn text_at<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    let pointer = format!("/{}", field.replace('.', "/"));
    object.pointer(&pointer)?.as_str()
}

fn replace(problems: &mut Vec<Problem>, index: &Index, field: &str, message: String) {
    problems.retain(|problem| problem.field != field);
    problems.push(Problem {
        place: index.nearest(field),
        field: field.to_owned(),
        message,
    });
}

/// What is allowed and may not mean what it seems to say.
pub fn notes(loaded: &Loaded) -> Vec<String> {
    let zones = match loaded {
        Loaded::Run(run) => vec![(OF_RUN, &run.spec.input.columns.time_zone)],
        Loaded::Schedule(schedule) => {
            let spec = &schedule.spec;
            let readings = &spec.run_template.spec.input.columns.time_zone;
            vec![(OF_SCHEDULE, &spec.time_zone), (OF_TEMPLATE, readings)]
        }
        Loaded::Stream(stream) => vec![(OF_STREAM, &stream.spec.event.columns.time_zone)],
    };
    let notes = zones.into_iter().filter_map(|(field, name)| {
        let note = zone_note(name)?;
        Some(format!("{field}: {note}"))
    });
    notes.collect()
}
