use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};

use super::backfill::covered;
use super::{ScheduleDecision, later, waits};
use crate::children::{Child, State};
use crate::children::{trigger_id, trigger_run};
use crate::schedule::snapshot::ScheduleSnapshot;

/// An ended run is kept for so long. A pass takes a minute at most, so a run that one pass is about to create for its tick cannot
/// have been created, ended and deleted by another since the first looked.
pub const KEPT: SignedDuration = SignedDuration::from_mins(2);

/// Ended runs that are more than `history` keeps. The newest are those that ended last.
pub fn surplus(
    schedule: &ScheduleSnapshot,
    timetable: &Timetable,
    children: &[Child],
    now: Timestamp,
    decision: &mut ScheduleDecision,
) {
    let history = schedule.spec.history;
    for (state, kept) in [
        (State::Succeeded, history.succeeded),
        (State::Failed, history.failed),
    ] {
        let ended = children
            .iter()
            .filter(|child| child.state == state && !child.deleting);
        let mut ended: Vec<_> = ended.collect();
        ended.sort_by(|one, other| (other.time, &other.name).cmp(&(one.time, &one.name)));
        let surplus = ended.split_off(ended.len().min(kept as usize));
        for child in surplus {
            if !is_settled(schedule, timetable, child) {
                continue;
            }
            let until = later(child.time, KEPT);
            if until <= now {
                decision.surplus.push(child.clone());
            } else {
                decision.again = Some(decision.again.map_or(until, |again| again.min(until)));
            }
        }
    }
}

/// Whether the stored status knows that what made the run is done with. Else, without the run, it would be made again.
pub fn is_settled(schedule: &ScheduleSnapshot, timetable: &Timetable, child: &Child) -> bool {
    let status = &schedule.status;
    let Some(tick) = child.tick else {
        return !is_open_trigger(schedule, child);
    };
    let settled = status
        .settled
        .as_ref()
        .is_some_and(|record| tick <= record.until);
    let to_backfill = schedule.spec.backfill.as_ref().is_some_and(|backfill| {
        // A tick of the schedule as it read before is none of the range any more: nothing would ever cover it.
        (backfill.from..backfill.to).contains(&tick)
            && timetable.is_tick(tick)
            && covered(schedule).is_none_or(|covered| tick > covered)
    });
    settled && !waits(schedule, tick) && !to_backfill
}

/// Whether it is the run of the annotation's value, and the status does not say so yet.
fn is_open_trigger(schedule: &ScheduleSnapshot, child: &Child) -> bool {
    let Some(value) = &schedule.trigger else {
        return false;
    };
    let id = trigger_id(&schedule.uid, value);
    let handled = schedule.status.last_trigger.as_ref();
    child.name == trigger_run(&schedule.name, &id) && handled.is_none_or(|last| last.id != id)
}
