//! The ledgers of a run summed up: `report.json`, `report.html` and the summary in the terminal.
//!
//! A [`Fold`] takes the shards' ledgers one by one, in any order, and ends in a [`Report`]. The report
//! is what `report.json` holds; [`html::render`] makes a page of it, with a [`Plot`] for some sensors,
//! and [`text::summary`] a table for the terminal.

pub mod advice;
mod document;
mod fold;
pub mod html;
mod models;
mod ranking;
mod reasons;
mod shards;
pub mod text;
mod top;

pub use crate::drawing::{DRAWN_FEATURES, Feature, Plot, PlotTotals};
pub use advice::{Advice, failure as advice};
pub use document::{
    AnomalousSensor, Example, FailureGroup, LeftTotals, MissingShards, ModelGroup, Quality,
    REPORT_BYTES, REPORT_VERSION, Report, ReportError, RunInfo, Seconds, SensorTotals, ShardTiming,
    ShardTotals, Timing, WarningGroup,
};
pub use fold::Fold;
