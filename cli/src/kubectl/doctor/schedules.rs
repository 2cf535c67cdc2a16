//! Schedules that stand still, tick no more, or come to nothing.

use fleetscore_cluster::Schedule;
use fleetscore_cluster::view::{ScheduleLine, ScheduleState};
use fleetscore_ticks::Timetable;
use jiff::{SignedDuration, Timestamp};

use super::Objects;
use super::check::{Check, Findings};
use crate::kubectl::words::{age, counted, time};

const CATEGORY: &str = "schedules";
/// A tick may be so late.
const LATE: SignedDuration = SignedDuration::from_mins(5);
/// A run may take so long beyond the tick after its own, as the alert `FleetscoreScheduleStale` allows it.
const STALE: SignedDuration = SignedDuration::from_mins(30);

/// Checks all of them.
pub fn check(objects: &Objects, now: Timestamp, findings: &mut Findings) {
    let found: Vec<_> = objects
        .schedules
        .iter()
        .filter_map(|schedule| of(schedule, now))
        .collect();
    if found.is_empty() && !objects.schedules.is_empty() {
        let number = counted(objects.schedules.len() as u64, "schedule");
        findings.add(Check::ok(
            CATEGORY,
            format!("{number}: none stands still or is stale"),
        ));
    }
    for check in found {
        findings.add(check);
    }
}

fn of(schedule: &Schedule, now: Timestamp) -> Option<Check> {
    let line = ScheduleLine::of(schedule, &[], now);
    let name = format!("{}/{}", line.namespace, line.name);
    let see = format!(
        "kubectl fleetscore status schedule/{} -n {}",
        line.name, line.namespace
    );
    match line.state {
        ScheduleState::Stalled | ScheduleState::Unreadable => {
            let told = line.message.unwrap_or_default();
            Some(Check::fail(
                CATEGORY,
                format!("{name} stands still: {told}"),
                see,
            ))
        }
        ScheduleState::Active => {
            if let Some(next) = line.next.filter(|next| now.duration_since(*next) > LATE) {
                let late = age(next, now);
                return Some(Check::fail(
                    CATEGORY,
                    format!("{name}: its tick is {late} overdue"),
                    "is the operator there? Its checks are above",
                ));
            }
            let since = stale(schedule, now)?;
            Some(Check::warn(
                CATEGORY,
                format!("{name}: no run has ended well since {}", time(since)),
                see,
            ))
        }
        _ => None,
    }
}

/// Since when a schedule has come to nothing, where that is longer ago than two of its ticks.
fn stale(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let spec = schedule.spec.as_ref().ok()?;
    let status = schedule.status.as_ref().ok()?;
    let since = status.last_successful_time.max(schedule.created())?;
    let timetable = Timetable::parse(&spec.schedule, &spec.time_zone).ok()?;
    // The run of the next tick has until the tick after it.
    let end = timetable.after(since).nth(1)?;
    (now > end.checked_add(STALE).ok()?).then_some(since)
}
