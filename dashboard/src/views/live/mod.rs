//! What goes on in a cluster, in the words of pages. Numbers are those of `kubectl fleetscore`, whose views these are made of.

mod nodes;
mod now;
mod run;
mod scaling;
mod schedule;

pub use nodes::Nodes;
pub use now::{LiveLine, Now, SINCE, Told};
pub use run::{LiveRun, PodsLine, StepRow, Text};
pub use scaling::{Scaling, scaling};
pub use schedule::{LiveSchedule, ScheduleRow};

use fleetscore_crds::Phase;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;

use super::Mood;

/// A phase in words.
fn phase_words(phase: Option<Phase>) -> &'static str {
    match phase {
        None => "Unreadable",
        Some(Phase::Pending) => "Pending",
        Some(Phase::Planning) => "Planning",
        Some(Phase::WaitingForReadings) => "Waits for readings",
        Some(Phase::WaitingForNodes) => "Waits for nodes",
        Some(Phase::Scoring) => "Scoring",
        Some(Phase::Collecting) => "Collecting",
        Some(Phase::Suspended) => "Suspended",
        Some(Phase::Succeeded) => "Succeeded",
        Some(Phase::PartiallySucceeded) => "Partially succeeded",
        Some(Phase::Failed) => "Failed",
    }
}

fn phase_mood(phase: Option<Phase>) -> Mood {
    match phase {
        Some(Phase::Succeeded) => Mood::Good,
        None | Some(Phase::Failed) => Mood::Bad,
        Some(Phase::PartiallySucceeded | Phase::WaitingForNodes | Phase::WaitingForReadings) => {
            Mood::Fair
        }
        Some(_) => Mood::Plain,
    }
}

/// When something will be, or how long it is overdue.
pub fn until(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.duration_since(now).as_secs_f64();
    if seconds < 0.0 {
        format!("{} overdue", format::duration(-seconds))
    } else {
        format!("in {}", format::duration(seconds))
    }
}

/// A number of seconds as text; a dash without one.
fn took(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "–".into(), |seconds| format::duration(seconds as f64))
}

/// The command of a notice as a person types it.
fn command(words: &str) -> String {
    format::harmless(&format!("kubectl fleetscore {words}"))
}
