//! Models: reading them from any supported file, and what they say of readings.
//!
//! A file becomes a [`Model`] by [`read`], whatever its format; [`formats`] knows the formats, nothing else does. A [`Model`]
//! is a chain of [`Transform`]s and an [`Estimator`] behind them, checked once by [`Model::new`]. [`Model::score`] makes
//! [`Verdicts`] of readings: everything behind it takes those, and nothing else knows which score is an anomaly.

mod check;
mod error;
mod estimator;
pub mod formats;
mod labels;
pub mod linear;
mod meaning;
mod measure;
mod model;
mod names;
pub mod network;
mod output;
mod path;
mod scaler;
mod shares;
mod shown;
pub mod svm;
pub mod transforms;
pub mod trees;
mod verdicts;

pub use error::ModelError;
pub use estimator::Estimator;
pub use formats::{
    Allowance, MlflowFolder, read, read_bundle, read_preparation, read_within, write_libsvm,
    write_native, write_onnx,
};
pub use labels::Labels;
pub use linear::Linear;
pub use meaning::{Kind, Meaning};
pub use measure::Measure;
pub use model::{Model, Origin, Parts, Preparation};
pub use names::Names;
pub use network::Network;
pub use scaler::Scaler;
pub use shown::shown;
pub use svm::{Kernel, OneClassSvm};
pub use transforms::Transform;
pub use trees::{Boosted, Forest, IsolationForest};
pub use verdicts::Verdicts;
