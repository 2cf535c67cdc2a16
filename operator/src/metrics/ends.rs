//! How the runs ended, by namespace and schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use fleetscore_crds::Phase;
use jiff::{SignedDuration, Timestamp};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The ends that runs have.
const PHASES: [Phase; 3] = [Phase::Succeeded, Phase::PartiallySucceeded, Phase::Failed];

/// A namespace and a schedule in it; an empty name stands for the runs that no schedule created.
pub type Line = (String, String);

/// A line is told as zero for so long before its ends are: a monitor that asks once a minute sees it grow from there. Nobody sees a
/// count grow that begins with 1.
const HELD: SignedDuration = SignedDuration::from_secs(120);

/// The ends that this process has written. What ended before it began is not counted again.
#[derive(Debug, Default)]
pub struct RunEnds {
    counts: Mutex<BTreeMap<Line, Ends>>,
    ended: Family<EndLabel, Counter>,
}

/// The ends of a line.
#[derive(Debug, Default)]
struct Ends {
    counts: BTreeMap<&'static str, u64>,
    /// When it was first told.
    told: Option<Timestamp>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EndLabel {
    namespace: String,
    schedule: String,
    phase: &'static str,
}

impl RunEnds {
    /// Registers them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "runs_ended",
            "Runs that ended, by namespace, schedule (empty: none) and phase",
            self.ended.clone(),
        );
    }

    /// A run has ended.
    pub fn add(&self, line: Line, phase: Phase) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = counts.entry(line).or_default();
        *ends.counts.entry(word(phase)).or_default() += 1;
    }

    /// What is told at `now`: all ends of what is `known`, zeros too, and of what is told for the first time nothing else. Schedules
    /// that are not known are forgotten.
    pub fn set(&self, known: &BTreeSet<Line>, now: Timestamp) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|line, _| line.1.is_empty() || known.contains(line));
        for line in known {
            counts.entry(line.clone()).or_default();
        }
        self.ended.clear();
        for ((namespace, schedule), ends) in counts.iter_mut() {
            let first = *ends.told.get_or_insert(now);
            let is_held = now.duration_since(first) < HELD;
            for phase in PHASES.map(word) {
                let label = EndLabel {
                    namespace: namespace.clone(),
                    schedule: schedule.clone(),
                    phase,
                };
                let count = ends.counts.get(phase).copied().filter(|_| !is_held);
                let count = count.unwrap_or_default();
                self.ended.get_or_create(&label).inc_by(count);
            }
        }
    }
}

fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Succeeded => "Succeeded",
        Phase::PartiallySucceeded => "PartiallySucceeded",
        _ => "Failed",
    }
}
