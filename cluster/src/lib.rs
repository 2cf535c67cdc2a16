//! What a cluster's objects say about runs, schedules and streams.
//!
//! [`Cluster`] reads objects, and writes what [`act`] comes to, with the rights of whoever is logged in. The views are pure functions of objects and
//! a time: what they come to is drawn elsewhere, as text, JSON or pages. All text in objects and views is that of others: whoever
//! draws it writes out what would not be seen.

pub mod act;
mod change;
mod connect;
mod error;
mod find;
mod log;
mod object;
mod pod;
mod request;
mod review;
pub mod view;
mod watch;

pub use change::{MANAGER, Raw};
pub use connect::{Cluster, Login};
pub use error::ClusterError;
pub use find::{Found, Kinds, Target, find};
pub use object::{Object, Run, Schedule, Stream};
pub use pod::Pod;
pub use request::{Listing, Scope, Seen, Selector};
pub use review::Person;
pub use watch::{Change, Followed};
