//! A sensor's predictions: the readings that were scored, with their score and prediction.
//!
//! Columns, in this order: the time, the keys, the features, the label where there is one, and what the model says, by its kind:
//!
//! - a detector: `Score` and `Prediction` (1 anomaly, 0 normal);
//! - a residual: `Expected`, then the same;
//! - a classifier: `Score`, `Prediction` (the label) and `Anomaly` (1, 0);
//! - a regressor: `Prediction`, the value.
//!
//! The bytes depend only on the rows, not on the pieces that they are appended in, so a retry writes the same object.
//!
//! [`PredictionWriter`] writes them; [`Thinning`] keeps of them what a plot shows, and [`read_plot`] reads that back.

mod constant;
mod csv;
mod error;
mod json;
mod layout;
mod packed;
mod parquet;
mod plot;
mod read_back;
#[cfg(test)]
mod tests;
mod time;
mod writer;

pub use error::PredictionError;
pub use layout::{ANOMALY, EXPECTED, PREDICTION, PredictionLayout, SCORE, computed};
pub use plot::{PlotSeries, Thinning};
pub use read_back::{PlotRequest, read_plot};
pub use writer::{PredictionWriter, format_of};
