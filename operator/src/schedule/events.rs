//! What is told as events: runs that were created, ticks that got none, and a new reason why the schedule is not ready.

use fleetscore_crds::{ConditionStatus, ScoringScheduleStatus};
use kube::runtime::events::{Event, EventType};

use super::decide::{MissedReason, ScheduleDecision};
use super::outcome::{Outcome, Results};
use super::status::Settlement;
use crate::controller::{event, ready};

/// So many new runs are told one by one; more at once in a single event.
const SINGLE: usize = 3;

/// What to tell of a pass.
pub fn events(
    old: &ScoringScheduleStatus,
    decision: &ScheduleDecision,
    results: &Results,
    settlement: &Settlement,
) -> Vec<Event> {
    let new = &settlement.status;
    let mut events = created(decision, results);
    events.extend(decision.replaced.iter().map(|run| {
        let note = format!("{} was deleted: a newer run takes its place", run.name);
        event(EventType::Normal, "RunReplaced", &note)
    }));
    for (reason, (count, last)) in &settlement.missed.reasons {
        let note = match count {
            1 => format!("no run for the tick {last}: {}", why(*reason)),
            count => format!("no run for {count} ticks up to {last}: {}", why(*reason)),
        };
        events.push(event(EventType::Warning, &reason.word(), &note));
    }
    let complete = |status: &ScoringScheduleStatus| {
        let backfill = status.backfill.as_ref();
        backfill.is_some_and(|backfill| backfill.done == backfill.total)
    };
    if complete(new) && !complete(old) {
        let total = new.backfill.map_or(0, |backfill| backfill.total);
        let note = format!("all {total} ticks of the range have had their run");
        events.push(event(EventType::Normal, "BackfillComplete", &note));
    }
    let mut missed = settlement.missed.reasons.keys();
    if let Some((reason, message)) = trouble(new)
        && trouble(old).map(|(reason, _)| reason) != Some(reason)
        && !missed.any(|missed| missed.word() == reason)
    {
        events.push(event(EventType::Warning, reason, message));
    }
    events
}

fn created(decision: &ScheduleDecision, results: &Results) -> Vec<Event> {
    let created = decision
        .creations
        .iter()
        .filter(|creation| results.of(&creation.name) == Outcome::Created);
    let created: Vec<_> = created.collect();
    let [first, .., last] = created.as_slice() else {
        return created.into_iter().map(told).collect();
    };
    if created.len() <= SINGLE {
        return created.into_iter().map(told).collect();
    }
    let note = format!(
        "{} runs, from {} to {}",
        created.len(),
        first.name,
        last.name
    );
    vec![event(EventType::Normal, "RunsCreated", &note)]
}

fn told(creation: &super::decide::Creation) -> Event {
    let note = format!(
        "{} ({}, tick {})",
        creation.name,
        creation.cause.word(),
        creation.tick
    );
    event(EventType::Normal, "RunCreated", &note)
}

fn why(reason: MissedReason) -> &'static str {
    match reason {
        MissedReason::Missed => "it was missed, and spec.missedRuns leaves it out",
        MissedReason::DeadlineExceeded => "it could not start within spec.startingDeadlineSeconds",
        MissedReason::EarlierRunActive => {
            "an earlier run is still going, and spec.concurrencyPolicy is Forbid"
        }
        MissedReason::Replaced => {
            "a later tick takes its place, since spec.concurrencyPolicy is Replace"
        }
        MissedReason::Suspended => "the schedule was suspended before it could start",
        MissedReason::ScheduleChanged => {
            "spec.schedule or spec.timeZone was changed before it could start"
        }
        MissedReason::NameConflict => "a ScoringRun of its name belongs to somebody else",
        MissedReason::QueueFull => "too many ticks are waiting",
    }
}

/// The reason and message of a schedule that is not ready.
fn trouble(status: &ScoringScheduleStatus) -> Option<(&str, &str)> {
    let ready = ready(&status.conditions)?;
    (ready.status != ConditionStatus::True)
        .then_some((ready.reason.as_str(), ready.message.as_str()))
}
