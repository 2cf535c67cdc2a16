use fleetscore_crds::{ScheduleWindow, ScheduleWindowKind, Window};
use jiff::{SignedDuration, Timestamp};

use crate::Timetable;

/// The window that the run of `tick` scores: from the previous tick to this one, both moved back by the offset.
///
/// None where the kind is `None`, and where there is no previous tick or the offset leads out of the range of [`Timestamp`].
pub fn window(timetable: &Timetable, tick: Timestamp, spec: &ScheduleWindow) -> Option<Window> {
    match spec.kind {
        ScheduleWindowKind::None => None,
        ScheduleWindowKind::PreviousInterval => {
            let offset = SignedDuration::from_secs(i64::from(spec.offset_seconds));
            Some(Window {
                start: timetable.previous(tick)?.checked_sub(offset).ok()?,
                end: tick.checked_sub(offset).ok()?,
            })
        }
    }
}
