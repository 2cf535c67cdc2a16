//! When a schedule ticks, in which time zone, and which window the run of a tick scores.
//!
//! A [`Timetable`] is a cron expression in a time zone; it is read and kept as Debian's cron does. Everything here is a
//! function of its arguments: no clock is read, nothing is stored, and of files only those of the time zone database
//! ([`zones`]).

mod abbreviation;
mod advice;
mod calendar;
mod error;
mod field;
mod grammar;
mod item;
mod offset;
mod other_crons;
mod spread;
mod stretch;
mod timetable;
mod window;
mod windows_zones;
mod zones;

pub use error::{CronProblem, TimetableError};
pub use field::Field;
pub use spread::spread;
pub use timetable::Timetable;
pub use window::window;
pub use zones::{TZDIR_VARIABLE, ZoneDatabase, ZoneError, ZoneSource, time_zone, zone_note, zones};
