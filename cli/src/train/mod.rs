//! `fleetscore train`: one one-class SVM a sensor, for a whole fleet in parallel.
//!
//! What is fitted equals scikit-learn's `make_pipeline(StandardScaler(), OneClassSVM(nu=nu, gamma=gamma))`: the history is read
//! once ([`data`]), each sensor's readings are scaled ([`scaler`]) and fitted with linfa-svm ([`fit`]), and the model is
//! written in Fleetscore's native format. A sensor that cannot be trained is reported with its reason; the others are trained.

mod args;
mod data;
mod document;
mod error;
mod fit;
mod fleet;
mod gamma;
mod job;
mod model_path;
mod scaler;
mod summary;

pub use args::TrainArgs;
pub use document::{DataSpec, ScalerKind, Training, TrainingKind, TrainingModel, TrainingSpec};
pub use error::{Error, SensorError};
pub use fit::{Settings, fit};
pub use gamma::Gamma;
pub use summary::{FailedSensor, Summary};

use std::time::Instant;

use indicatif::ProgressBar;

/// Trains the fleet that `args` name. `progress` counts sensors; hand in a hidden bar for none.
///
/// Succeeds even if sensors failed: the summary says which and why.
pub fn run(args: &TrainArgs, progress: &ProgressBar) -> Result<Summary, Error> {
    let started = Instant::now();
    let job = args.job()?;
    progress.set_message("reading");
    let histories = data::read(&job)?;
    progress.set_message("training");
    progress.set_length(histories.len() as u64);
    let mut summary = fleet::train(&job, histories, progress);
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}
