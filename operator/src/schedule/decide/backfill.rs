use fleetscore_crds::{BACKFILL_TICKS, BACKFILL_YEARS};
use fleetscore_ticks::Timetable;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Invalid, Judgement, TickVerdict, earlier};
use crate::children::Cause;
use crate::schedule::runs::Runs;
use crate::schedule::snapshot::ScheduleSnapshot;

/// Judges the next ticks of the backfill's range, oldest first, up to the first that cannot have its run yet.
///
/// Ticks that are not settled, or wait, are the schedule's own business until they have been judged there.
pub fn judge(
    schedule: &ScheduleSnapshot,
    timetable: &Timetable,
    runs: &Runs<'_>,
    waiting: &[Timestamp],
    budget: usize,
) -> Vec<Judgement> {
    let (Some(backfill), Some(record)) = (&schedule.spec.backfill, &schedule.status.settled) else {
        return Vec::new();
    };
    let active = runs.active(Cause::Backfill).count();
    let limit = usize::try_from(backfill.max_concurrent).unwrap_or(usize::MAX);
    let mut free = limit.saturating_sub(active).min(budget);
    let mut judgements = Vec::new();
    for tick in timetable.after(start(schedule, backfill.from)) {
        if tick >= backfill.to || tick > record.until || waiting.contains(&tick) {
            break;
        }
        let verdict = if runs.has(tick) {
            TickVerdict::Exists
        } else if free > 0 {
            free -= 1;
            TickVerdict::Create
        } else {
            break;
        };
        judgements.push(Judgement {
            tick,
            until: tick,
            verdict,
        });
    }
    judgements
}

/// How many ticks the range of the backfill holds. One that is too large for anything but a mistake is not backfilled: its runs would
/// never end, and counting its ticks would keep everybody waiting.
pub fn range(schedule: &ScheduleSnapshot, timetable: &Timetable) -> Option<Result<u64, Invalid>> {
    let backfill = schedule.spec.backfill?;
    let too_large = |what: String| {
        Some(Err(Invalid {
            reason: "BackfillTooLarge",
            message: format!(
                "spec.backfill: from {} to {} are {what}; make the range shorter, and backfill one part after the other",
                backfill.from, backfill.to
            ),
        }))
    };
    let year = |time: Timestamp| time.to_zoned(TimeZone::UTC).year();
    let years = year(backfill.to).saturating_sub(year(backfill.from));
    if u32::try_from(years).is_ok_and(|years| years > BACKFILL_YEARS) {
        return too_large(format!("more than {BACKFILL_YEARS} years"));
    }
    match timetable.count(backfill.from, backfill.to) {
        ticks if ticks > BACKFILL_TICKS => {
            too_large(format!("{ticks} ticks, more than {BACKFILL_TICKS}"))
        }
        ticks => Some(Ok(ticks)),
    }
}

/// Ticks up to here have had their run.
fn start(schedule: &ScheduleSnapshot, from: Timestamp) -> Timestamp {
    // A run's name has no room for ticks before 1970.
    let before = earlier(
        from.max(Timestamp::UNIX_EPOCH),
        jiff::SignedDuration::from_nanos(1),
    );
    covered(schedule).unwrap_or(before).max(before)
}

/// Ticks of the range up to here have had their run, as the status says.
pub fn covered(schedule: &ScheduleSnapshot) -> Option<Timestamp> {
    let backfill = schedule.spec.backfill.as_ref()?;
    let status = schedule.status.backfill.as_ref()?;
    status.until.filter(|_| status.from == backfill.from)
}
