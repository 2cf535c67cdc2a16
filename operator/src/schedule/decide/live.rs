use fleetscore_crds::{ConcurrencyPolicy, MissedRunsPolicy};
use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};

use super::base::{judge_dropped, missed};
use super::lane::Lane;
use super::{
    Judgement, MissedReason, ScheduleDecision, TickVerdict, behind, created, earlier, later,
    of_tick, settled_after, waits,
};
use crate::children::Cause;
use crate::schedule::runs::Runs;
use crate::schedule::snapshot::ScheduleSnapshot;

/// A tick that starts so soon was not missed.
const ON_TIME: SignedDuration = SignedDuration::from_mins(1);

/// Decides on the ticks of the schedule itself.
pub struct Live<'a> {
    schedule: &'a ScheduleSnapshot,
    timetable: &'a Timetable,
    runs: &'a Runs<'a>,
    now: Timestamp,
    /// Ticks up to here are due.
    horizon: Timestamp,
}

/// Ticks that have become due and may start.
#[derive(Default)]
struct Candidates {
    /// Missed ones that are to be run all the same, ascending.
    caught_up: Vec<Timestamp>,
    /// The ones after these, which are not.
    left_out: Option<Judgement>,
    /// The latest.
    newest: Option<Timestamp>,
}

impl<'a> Live<'a> {
    /// For this schedule.
    pub fn new(
        schedule: &'a ScheduleSnapshot,
        timetable: &'a Timetable,
        runs: &'a Runs<'a>,
        now: Timestamp,
    ) -> Self {
        Self {
            schedule,
            timetable,
            runs,
            now,
            horizon: earlier(now, schedule.spread()),
        }
    }

    /// Judges the ticks that wait and those that have become due, and says which runs to create.
    pub fn judge(self, waiting: &[Timestamp], decision: &mut ScheduleDecision, budget: &mut usize) {
        let after = settled_after(decision);
        let candidates = self.candidates(after, &mut decision.due);
        let policy = self.schedule.spec.concurrency_policy;
        let mut lane = Lane::new(self.runs, policy, budget);
        let mut waiting = waiting.to_vec();
        let newest = candidates.newest.or_else(|| {
            // Where only the newest counts, that may be one that has waited until the policy was changed.
            let replaces = policy == ConcurrencyPolicy::Replace;
            waiting.pop_if(|_| replaces)
        });
        for tick in waiting {
            decision.waited.push(if self.is_expired(tick) {
                judge_dropped(self.runs, tick, MissedReason::DeadlineExceeded)
            } else if policy == ConcurrencyPolicy::Replace {
                judge_dropped(self.runs, tick, MissedReason::Replaced)
            } else {
                lane.patient(tick)
            });
        }
        let caught_up = candidates.caught_up.into_iter();
        decision
            .due
            .extend(caught_up.map(|tick| lane.patient(tick)));
        decision.due.extend(candidates.left_out);
        match (candidates.newest, newest) {
            (Some(tick), _) if self.replaces_unsettled(policy, tick) => {}
            (Some(tick), _) => decision.due.push(lane.newest(tick)),
            (None, Some(tick)) if self.is_expired(tick) => {
                let dropped = judge_dropped(self.runs, tick, MissedReason::DeadlineExceeded);
                decision.waited.push(dropped);
            }
            (None, Some(tick)) if self.replaces_unsettled(policy, tick) => {
                decision.waited.push(Judgement {
                    tick,
                    until: tick,
                    verdict: TickVerdict::Waits,
                });
            }
            (None, Some(tick)) => decision.waited.push(lane.newest(tick)),
            (None, None) => {}
        }
        decision.replaced = lane.replaced;
        let ticks: Vec<_> = created(&decision.waited)
            .chain(created(&decision.due))
            .collect();
        let creations = ticks
            .into_iter()
            .map(|tick| of_tick(self.schedule, tick, Cause::Tick));
        decision.creations.extend(creations);
        decision.again = self.again(decision);
    }

    /// The ticks after `after` that are due and may start. What becomes of the others goes into `due`.
    fn candidates(&self, after: Timestamp, due: &mut Vec<Judgement>) -> Candidates {
        let mut candidates = Candidates::default();
        let latest = self.timetable.until(self.horizon).next();
        let Some(latest) = latest.filter(|latest| *latest > after) else {
            return candidates;
        };
        let after = self.expire(after, latest, due);
        if after == latest {
            return candidates;
        }
        let spec = &self.schedule.spec;
        let late = self.horizon.duration_since(latest);
        let one_by_one = spec.concurrency_policy != ConcurrencyPolicy::Replace;
        match spec.missed_runs.policy {
            MissedRunsPolicy::All if one_by_one => {
                self.catch_up(after, latest, late <= ON_TIME, &mut candidates);
            }
            MissedRunsPolicy::Skip if late > self.schedule.deadline().unwrap_or(ON_TIME) => {
                due.push(self.missed(after, latest, MissedReason::Missed));
            }
            policy => {
                let reason = if policy == MissedRunsPolicy::All {
                    MissedReason::Replaced
                } else {
                    MissedReason::Missed
                };
                due.extend(self.missed_before(after, latest, reason));
                candidates.newest = Some(latest);
            }
        }
        candidates
    }

    /// Gives up the ticks whose deadline has passed. Returns the last of them, or `after`.
    fn expire(&self, after: Timestamp, latest: Timestamp, due: &mut Vec<Judgement>) -> Timestamp {
        let Some(deadline) = self.schedule.deadline() else {
            return after;
        };
        if self.is_expired(latest) {
            due.push(self.missed(after, latest, MissedReason::DeadlineExceeded));
            return latest;
        }
        let expired = self.timetable.previous(earlier(self.horizon, deadline));
        match expired.filter(|expired| *expired > after) {
            Some(expired) => {
                due.push(self.missed(after, expired, MissedReason::DeadlineExceeded));
                expired
            }
            None => after,
        }
    }

    /// The oldest missed ticks, as many as are allowed; the latest is not missed where it is on time.
    fn catch_up(
        &self,
        after: Timestamp,
        latest: Timestamp,
        on_time: bool,
        candidates: &mut Candidates,
    ) {
        let max = usize::try_from(self.schedule.spec.missed_runs.max).unwrap_or(usize::MAX);
        let missed = self.timetable.after(after);
        let missed = missed.take_while(|tick| *tick < latest || (*tick == latest && !on_time));
        candidates.caught_up = missed.take(max).collect();
        let last = candidates.caught_up.last().copied().unwrap_or(after);
        candidates.left_out = if on_time {
            candidates.newest = Some(latest);
            self.missed_before(last, latest, MissedReason::Missed)
        } else {
            (last < latest).then(|| self.missed(last, latest, MissedReason::Missed))
        };
    }

    fn missed(&self, after: Timestamp, until: Timestamp, reason: MissedReason) -> Judgement {
        missed(self.timetable, self.runs, (after, until), reason)
    }

    /// The ticks between two, if there are some.
    fn missed_before(
        &self,
        after: Timestamp,
        tick: Timestamp,
        reason: MissedReason,
    ) -> Option<Judgement> {
        let last = self.timetable.previous(tick)?;
        (last > after).then(|| self.missed(after, last, reason))
    }

    fn is_expired(&self, tick: Timestamp) -> bool {
        let late = self.horizon.duration_since(tick);
        self.schedule
            .deadline()
            .is_some_and(|deadline| late > deadline)
    }

    /// Whether a run that would be replaced belongs to a tick that the status does not know yet. It is written down first: should
    /// the operator end before that, nothing would tell that the tick has had its run.
    fn replaces_unsettled(&self, policy: ConcurrencyPolicy, newest: Timestamp) -> bool {
        let record = self.schedule.status.settled.as_ref();
        let unknown = |tick| record.is_none_or(|record| tick > record.until);
        let active = self.runs.active(Cause::Tick);
        let mut earlier = active
            .filter_map(|child| child.tick)
            .filter(|tick| *tick < newest);
        policy == ConcurrencyPolicy::Replace
            && earlier.any(|tick| unknown(tick) || waits(self.schedule, tick))
    }

    /// When the next tick is due, or the next one that waits expires.
    fn again(&self, decision: &ScheduleDecision) -> Option<Timestamp> {
        let settled = settled_after(decision).max(self.horizon);
        let next = self.timetable.next(settled);
        let due = next.map(|tick| later(tick, self.schedule.spread()));
        let waiting = decision
            .waited
            .iter()
            .chain(&decision.due)
            .find(|judgement| judgement.verdict == TickVerdict::Waits);
        let expires = waiting.and_then(|judgement| {
            let due = later(judgement.tick, self.schedule.spread());
            Some(behind(later(due, self.schedule.deadline()?)))
        });
        [due, expires]
            .into_iter()
            .flatten()
            .min()
            .map(|time| time.max(self.now))
    }
}
