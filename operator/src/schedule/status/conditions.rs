use fleetscore_crds::{Condition, ConditionStatus, ScoringScheduleStatus};
use jiff::{SignedDuration, Timestamp};

use super::{Decision, Outcome, Reason, Results, Subject};
use crate::words::{cut, reason_word, whole_second};

/// Bytes of JSON that a condition's message may take.
const MESSAGE_BYTES: usize = 1000;
/// A clock that is so far behind the last settled tick has stepped back.
const STEPPED_BACK: SignedDuration = SignedDuration::from_mins(1);

/// How the schedule is.
struct Story {
    ready: bool,
    stalled: bool,
    reason: String,
    message: String,
}

/// Sets `Ready`, `Reconciling` and `Stalled`.
pub fn set_all(
    status: &mut ScoringScheduleStatus,
    schedule: &Subject,
    decision: &Decision,
    results: &Results,
    now: Timestamp,
) {
    let story = story(status, schedule, decision, results, now);
    let now = whole_second(now);
    status.observed_generation = Some(schedule.generation);
    for (kind, holds) in [
        ("Ready", story.ready),
        ("Reconciling", !story.ready && !story.stalled),
        ("Stalled", story.stalled),
    ] {
        set(status, kind, holds, &story, schedule.generation, now);
    }
}

fn story(
    status: &ScoringScheduleStatus,
    schedule: &Subject,
    decision: &Decision,
    results: &Results,
    now: Timestamp,
) -> Story {
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
        return bad(true, &Reason::NameConflict.word(), &message);
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
    Story {
        ready: true,
        stalled: false,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn bad(stalled: bool, reason: &str, message: &str) -> Story {
    Story {
        ready: false,
        stalled,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

/// A run's name was taken, now or at the last tick.
fn conflict(status: &ScoringScheduleStatus, results: &Results) -> Option<String> {
    let told = |name: &str| {
        format!(
            "a ScoringRun {name} exists that does not belong to this schedule; remove it, or name the schedule otherwise"
        )
    };
    let mut now = results.runs.iter();
    if let Some((name, _)) = now.find(|(_, outcome)| **outcome == Outcome::Conflict) {
        return Some(told(name));
    }
    let missed = status.last_missed.as_ref()?;
    let is_last = missed.reason == Reason::NameConflict.word()
        && status
            .last_schedule_time
            .is_none_or(|last| last < missed.time);
    let before = status
        .conditions
        .iter()
        .find(|found| found.kind == "Ready" && found.reason == Reason::NameConflict.word());
    before
        .filter(|_| is_last)
        .map(|found| found.message.clone())
}

fn set(
    status: &mut ScoringScheduleStatus,
    kind: &str,
    holds: bool,
    story: &Story,
    generation: i64,
    now: Timestamp,
) {
    let value = if holds {
        ConditionStatus::True
    } else {
        ConditionStatus::False
    };
    let old = status
        .conditions
        .iter_mut()
        .find(|found| found.kind == kind);
    let since = old
        .as_ref()
        .filter(|old| old.status == value)
        .map_or(now, |old| old.last_transition_time);
    // The story is told once where it is read, and where it holds.
    let told = holds || kind == "Ready";
    let new = Condition {
        kind: kind.to_owned(),
        status: value,
        observed_generation: Some(generation),
        last_transition_time: since,
        reason: reason_word(&story.reason),
        message: if told {
            cut(&story.message, MESSAGE_BYTES)
        } else {
            String::new()
        },
    };
    match old {
        Some(old) => *old = new,
        None => status.conditions.push(new),
    }
}
