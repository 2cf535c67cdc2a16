use fleetscore_crds::ScoringScheduleStatus;
use jiff::{SignedDuration, Timestamp};

use super::{MissedReason, Outcome, Results, ScheduleDecision, ScheduleSnapshot};
use crate::controller::{Story, name_conflict, ready};
use crate::words::whole_second;

/// A clock that is so far behind the last settled tick has stepped back.
const STEPPED_BACK: SignedDuration = SignedDuration::from_mins(1);

/// How the schedule is.
struct Standing {
    ready: bool,
    stalled: bool,
    reason: String,
    message: String,
}

/// Sets `Ready`, `Reconciling` and `Stalled`.
pub fn set_all(
    status: &mut ScoringScheduleStatus,
    schedule: &ScheduleSnapshot,
    decision: &ScheduleDecision,
    results: &Results,
    now: Timestamp,
) {
    let found = standing(status, schedule, decision, results, now);
    status.observed_generation = Some(schedule.generation);
    let (ready, stalled) = (found.ready, found.stalled);
    let story = Story {
        reason: &found.reason,
        message: &found.message,
        generation: schedule.generation,
        now,
    };
    story.set(
        &mut status.conditions,
        &[
            ("Ready", ready),
            ("Reconciling", !ready && !stalled),
            ("Stalled", stalled),
        ],
    );
}

fn standing(
    status: &ScoringScheduleStatus,
    schedule: &ScheduleSnapshot,
    decision: &ScheduleDecision,
    results: &Results,
    now: Timestamp,
) -> Standing {
    if let Some(invalid) = &decision.invalid {
        return bad(true, invalid.reason, &invalid.message);
    }
    if let Some(Err(too_large)) = &decision.range {
        return bad(true, too_large.reason, &too_large.message);
    }
    if let Some(refusal) = &results.refusal {
        return bad(refusal.invalid, &refusal.reason, &refusal.message);
    }
    if let Some(message) = conflict(status, results) {
        return bad(true, &MissedReason::NameConflict.word(), &message);
    }
    let until = status.settled.as_ref().map(|record| record.until);
    if let Some(until) = until.filter(|until| until.duration_since(now) > STEPPED_BACK) {
        let message = format!(
            "the clock says {}, but ticks up to {until} are settled: nothing starts before that; has the clock been wrong?",
            whole_second(now)
        );
        return bad(false, "ClockSteppedBack", &message);
    }
    let (reason, message) = if schedule.spec.suspend {
        ("Suspended", "")
    } else if status.next_schedule_time.is_none() {
        ("NeverTicks", "no tick is ever to come; see fleetscore plan")
    } else {
        ("Scheduled", "")
    };
    Standing {
        ready: true,
        stalled: false,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn bad(stalled: bool, reason: &str, message: &str) -> Standing {
    Standing {
        ready: false,
        stalled,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

/// A run's name was taken, now or at the last tick.
fn conflict(status: &ScoringScheduleStatus, results: &Results) -> Option<String> {
    let mut now = results.runs.iter();
    if let Some((name, _)) = now.find(|(_, outcome)| **outcome == Outcome::Conflict) {
        return Some(name_conflict("ScoringRun", name, "schedule"));
    }
    let missed = status.last_missed.as_ref()?;
    let is_last = missed.reason == MissedReason::NameConflict.word()
        && status
            .last_schedule_time
            .is_none_or(|last| last < missed.time);
    let before = ready(&status.conditions);
    before
        .filter(|found| is_last && found.reason == MissedReason::NameConflict.word())
        .map(|found| found.message.clone())
}
