//! The state of one partition between its log and its parts: from readings to complete rows. It is a function of the readings, of their order,
//! and of the instants at which the partition was found idle; it has no clock, files or threads of its own.
//!
//! # What becomes of a reading
//!
//! The first of these that holds, for a reading of time `t` that arrived at `a`:
//!
//! 1. `t` is more than `early` after `a`: early.
//! 2. `t` is more than `max_age` before `a`: too old.
//! 3. All windows of `t` begin before `start`: before the start.
//! 4. All windows of `t` are closed: late.
//! 5. From here on it moves the watermark, which is the newest time less `tolerance` and never falls. The filter leaves it out: filtered.
//! 6. A value is missing or no number: invalid.
//! 7. Duplicates are left out, and a reading of its sensor and time came before: duplicate.
//! 8. It is accepted: added to the pane of `t`.
//!
//! # What exactly once means
//!
//! Each reading is in one count. A window `[s, s + size)` closes when the watermark reaches its end; at that instant it becomes one row for
//! each sensor that has an accepted reading in it, and never another one. So a row holds each accepted reading of its window that came before
//! the window closed, once.
//!
//! Where windows overlap, a time is in several of them, and they close one after the other. A reading that comes when some are closed and some
//! are open is accepted, and is in those that are open, for it is added to its pane, of which the closed ones have already been made. It is
//! late only if all are closed. What is certain is therefore about each window, not about how many windows a reading is in: between `size / hop`
//! of them in time, and one just before it is too late.
//!
//! Without windows a reading is a row of its segment at once, and its segment plays the part of the window: late is what comes after it has
//! closed.
//!
//! Rows that are taken are no longer in the state. They are stored exactly once if what names their part and the state after them are one
//! commit: after a crash both are as they were before, and the same log gives the same rows again.

mod column;
mod feature;
mod load;
mod pane;
mod partials;
mod partition;
mod rows;
mod rules;
mod seen;
mod sensors;
mod state;
mod tally;
mod waiting;

pub use feature::FeaturePartials;
pub use partials::Partials;
pub use partition::{Partition, TooManySensors};
pub use rows::{Keys, Rows};
pub use rules::{Output, Rules, RulesError};
pub use state::{Snapshot, StateError};
pub use tally::Tally;
