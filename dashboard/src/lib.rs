//! A dashboard in the browser: runs, schedules, sensors and models, from what runs left in storage and what goes on in a cluster.
//!
//! [`History`](history::History) reads and keeps what runs left; [`Live`](live::Live) follows a cluster's objects; [`views`] makes of it what a page shows, as values that are the page's
//! JSON, too; [`pages`] makes HTML of a view, with [`charts`]; [`server`] answers requests and tells of changes, to each person what is in their [`Sight`](sight::Sight). It never writes.

pub mod charts;
pub mod history;
pub mod links;
pub mod live;
pub mod pages;
pub mod server;
pub mod sight;
pub mod slug;
pub mod views;
