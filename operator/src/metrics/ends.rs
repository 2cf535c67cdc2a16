//! How the runs ended, by namespace and schedule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use fleetscore_crds::Phase;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// The ends that runs have.
const PHASES: [Phase; 3] = [Phase::Succeeded, Phase::PartiallySucceeded, Phase::Failed];

/// A namespace and a schedule in it; an empty name stands for the runs that no schedule created.
pub type Line = (String, String);

/// The ends that this process has written. What ended before it began is not counted again.
#[derive(Debug, Default)]
pub struct RunEnds {
    counts: Mutex<BTreeMap<Line, BTreeMap<&'static str, u64>>>,
    ended: Family<EndLabel, Counter>,
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
        *counts
            .entry(line)
            .or_default()
            .entry(word(phase))
            .or_default() += 1;
    }

    /// What is told now: all ends of what is `known`, zeros too, since nobody sees a count grow that begins with 1. Schedules that are
    /// not known are forgotten.
    pub fn set(&self, known: &BTreeSet<Line>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.retain(|line, _| line.1.is_empty() || known.contains(line));
        for line in known {
            counts.entry(line.clone()).or_default();
        }
        self.ended.clear();
        for ((namespace, schedule), ends) in counts.iter() {
            for phase in PHASES.map(word) {
                let label = EndLabel {
                    namespace: namespace.clone(),
                    schedule: schedule.clone(),
                    phase,
                };
                let count = ends.get(phase).copied().unwrap_or_default();
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
