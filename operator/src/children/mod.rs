//! The runs that schedules own: what a schedule sees of each, and their names. The one watch of runs, which drives the run controller,
//! fills the index.

mod child;
mod index;
mod names;

pub use child::{Cause, Child, OwningSchedule, State};
pub use index::{Children, Request};
pub use names::{tick_of, tick_run, trigger_id, trigger_run};
