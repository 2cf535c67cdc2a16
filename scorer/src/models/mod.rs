//! One-class SVMs: reading them from any supported file, and their decision function.
//!
//! A file becomes a [`Model`] by [`read`], whatever its format; [`formats`] knows the formats, nothing else does. A [`Model`]
//! is a [`Scaler`] and a [`Kernel`] with their numbers, checked once by [`Model::new`]. [`Model::decisions`] is its decision
//! function, fast; [`Model::decision`] computes it in libsvm's own operations.

mod decision;
mod error;
pub mod formats;
mod kernel;
mod kernels;
mod model;
mod scaler;

pub use decision::is_anomaly;
pub use error::ModelError;
pub use formats::{read, write_libsvm, write_native, write_onnx};
pub use kernel::Kernel;
pub use model::{Model, Origin};
pub use scaler::Scaler;
