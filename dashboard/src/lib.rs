//! A dashboard in the browser: runs, schedules, sensors and models, from what runs left in storage.
//!
//! [`History`](history::History) reads and keeps what runs left; [`views`] makes of it what a page shows, as values that are the page's
//! JSON, too; [`pages`] makes HTML of a view, with [`charts`]; [`server`] answers requests and tells of changes. It never writes.

pub mod charts;
pub mod history;
pub mod links;
pub mod pages;
pub mod server;
pub mod slug;
pub mod views;
