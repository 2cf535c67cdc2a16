//! How numbers and series are shown: words for numbers, axes with round ticks, and charts as SVG.
//!
//! The report and the dashboard draw with it, so the same sensor looks the same in both. [`CSS`] holds the colours, light and dark,
//! and the rules of a [`Chart`].

pub mod axis;
mod chart;
mod downsample;
pub mod format;
mod plot;

pub use chart::Chart;
pub use plot::{DRAWN_FEATURES, Feature, Plot, PlotTotals};

/// The colours as variables, and the rules that a [`Chart`] is drawn with.
pub const CSS: &str = concat!(
    include_str!("../../templates/drawing/colors.css"),
    include_str!("../../templates/drawing/chart.css")
);
