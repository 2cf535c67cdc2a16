//! Models: reading them from any supported file, and what they say of readings.
//!
//! A file becomes a [`Model`] by [`read`], whatever its format; [`formats`] knows the formats, nothing else does. A [`Model`]
//! is a chain of [`Transform`]s and an [`Estimator`] behind them, checked once by [`Model::new`]. [`Model::score`] makes
//! [`Verdicts`] of readings: everything behind it takes those, and nothing else knows which score is an anomaly.

mod centres;
mod check;
mod elliptic;
mod error;
mod estimator;
pub mod formats;
mod labels;
pub mod linear;
mod meaning;
mod measure;
mod mixture;
mod model;
mod names;
pub mod network;
mod output;
mod path;
mod perceptron;
mod reconstruction;
mod scaler;
mod shares;
mod shown;
pub mod svm;
pub mod transforms;
pub mod trees;
mod vectors;
mod verdicts;

pub use centres::Centres;
pub use elliptic::Elliptic;
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
pub use mixture::Mixture;
pub use model::{Model, NamedList, Origin, Parts, Preparation};
pub use names::Names;
pub use network::Network;
pub use perceptron::Perceptron;
pub use reconstruction::Reconstruction;
pub use scaler::Scaler;
pub use shown::shown;
pub use svm::{Kernel, OneClassSvm};
pub use transforms::Transform;
pub use trees::{Boosted, Forest, IsolationForest};
pub use vectors::Vectors;
pub use verdicts::Verdicts;
