use std::collections::{BTreeMap, BTreeSet};

use fleetscore_crds::{MissedTick, ScoringScheduleStatus};
use jiff::Timestamp;

use super::{
    Judgement, MissedReason, Outcome, Results, ScheduleDecision, ScheduleSnapshot, TickVerdict,
    tick_run,
};

/// Adds up what has become of the ticks.
pub struct Tally<'a> {
    schedule: &'a str,
    results: &'a Results,
    /// Ticks up to here are settled.
    pub settled: Timestamp,
    /// Ticks that wait, ascending.
    pub waiting: Vec<Timestamp>,
    /// Ticks that get no run.
    pub missed: Missed,
}

/// Ticks that get no run, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// How many, and the last of them.
    pub reasons: BTreeMap<MissedReason, (u64, Timestamp)>,
}

impl Missed {
    /// Counts `count` ticks, of which `last` is the last.
    pub fn note(&mut self, last: Timestamp, count: u64, reason: MissedReason) {
        if count > 0 {
            let entry = self.reasons.entry(reason).or_insert((0, last));
            *entry = (entry.0.saturating_add(count), entry.1.max(last));
        }
    }

    /// Adds the counts to those of the status.
    pub fn add_to(&self, status: &mut ScoringScheduleStatus) {
        for (reason, (count, last)) in &self.reasons {
            status.missed_runs = status.missed_runs.saturating_add(*count);
            let sum = status.missed_reasons.entry(reason.word()).or_default();
            *sum = sum.saturating_add(*count);
            if status
                .last_missed
                .as_ref()
                .is_none_or(|old| old.time <= *last)
            {
                status.last_missed = Some(MissedTick {
                    time: *last,
                    reason: reason.word(),
                });
            }
        }
    }
}

impl<'a> Tally<'a> {
    /// Begins where the decision does.
    pub fn new(
        schedule: &'a ScheduleSnapshot,
        decision: &ScheduleDecision,
        results: &'a Results,
    ) -> Self {
        Self {
            schedule: &schedule.name,
            results,
            settled: decision.settled,
            waiting: Vec::new(),
            missed: Missed::default(),
        }
    }

    /// Ticks that had waited. One that could not be created waits on.
    pub fn waited(&mut self, judgements: &[Judgement]) {
        for judgement in judgements {
            if !self.is_done(judgement) {
                self.waiting.push(judgement.tick);
            }
        }
    }

    /// Ticks that have become due. From one that could not be created on, nothing is settled.
    pub fn due(&mut self, judgements: &[Judgement]) {
        for judgement in judgements {
            match &judgement.verdict {
                TickVerdict::Waits => self.waiting.push(judgement.tick),
                _ if self.is_done(judgement) => {}
                _ => return,
            }
            self.settled = judgement.until;
        }
    }

    /// Ticks of the backfill. Gives the last that has had its run, and the names of the runs that are there since this pass.
    pub fn backfilled(
        &mut self,
        judgements: &[Judgement],
        before: Option<Timestamp>,
    ) -> (Option<Timestamp>, BTreeSet<String>) {
        let (mut until, mut fresh) = (before, BTreeSet::new());
        for judgement in judgements {
            if !self.is_done(judgement) {
                break;
            }
            until = Some(judgement.tick);
            let name = tick_run(self.schedule, judgement.tick);
            if judgement.verdict == TickVerdict::Create
                && self.results.of(&name) != Outcome::Conflict
            {
                fresh.insert(name);
            }
        }
        (until, fresh)
    }

    /// Whether the tick is done with: it has its run, or a reason for having none.
    fn is_done(&mut self, judgement: &Judgement) -> bool {
        match judgement.verdict {
            TickVerdict::Exists => true,
            TickVerdict::Waits => false,
            TickVerdict::Missed(count, reason) => {
                self.missed.note(judgement.tick, count, reason);
                true
            }
            TickVerdict::Create => {
                match self.results.of(&tick_run(self.schedule, judgement.tick)) {
                    Outcome::Created | Outcome::Present => true,
                    Outcome::Conflict => {
                        self.missed
                            .note(judgement.tick, 1, MissedReason::NameConflict);
                        true
                    }
                    Outcome::Refused => false,
                }
            }
        }
    }
}
