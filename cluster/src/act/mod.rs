//! What people do to runs, schedules and streams: what is written, and what is waited for.

mod backfill;
mod git;
mod redact;
mod retry;
mod suspend;
mod trigger;
mod wait;

pub use backfill::{Backfilling, backfill};
pub use git::{Git, git};
pub use redact::{REDACTED, redact, redact_object};
pub use retry::{Retry, RetryRefusal, retry};
pub use suspend::{Suspension, suspension};
pub use trigger::{Triggered, trigger_value, triggered};
pub use wait::{Goal, Pace, Waited, wait};
