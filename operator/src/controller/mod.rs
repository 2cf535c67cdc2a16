//! What the controllers have in common: how objects are watched, how a pass over one is driven, and how what came of it is written.
//!
//! A controller is a [`Reconciler`]: it says how a pass goes. [`watch`] gives it its objects, [`operate`] drives its passes. Within a
//! pass [`Tools`] writes the status and the events, [`Story`] sets conditions, [`refusal_of`] tells a refusal from an outage, and
//! [`look_again`] says when the next pass is due.

mod again;
mod backoff;
mod conditions;
mod error;
mod event;
mod operate;
mod pass;
mod reconciler;
mod refusal;
mod seen;
mod shared;
mod tools;
mod unreadable;
mod watch;

pub use again::{AFTER_REFUSAL, after, look_again};
pub use conditions::{Story, ready};
pub use error::PassError;
pub use event::event;
pub use operate::{BEAT, operate};
pub use pass::{PASS, error_policy, reconcile};
pub use reconciler::Reconciler;
pub use refusal::{Refusal, name_conflict, refusal_of};
pub use seen::Seen;
pub use shared::Shared;
pub use tools::Tools;
pub use unreadable::UNREADABLE;
pub use watch::{Cache, Filled, all_filled, scoped, watch};
