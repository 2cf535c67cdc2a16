//! One-class SVMs: reading them from any supported file, and their decision function.
//!
//! A file becomes a [`Model`] by [`read`], whatever its format; [`formats`] knows the formats, nothing else does. A [`Model`]
//! is a [`Scaler`] and a [`Kernel`] with their numbers, checked once by [`Model::new`]. [`Model::decisions`] is its decision
//! function, fast; [`Model::decision`] computes it in libsvm's own operations.

mod columns;
mod decision;
mod error;
pub mod formats;
mod kernel;
mod kernels;
mod model;
mod scaler;
mod shown;

pub use columns::Columns;
pub use decision::is_anomaly;
pub use error::ModelError;
pub use formats::{Allowance, read, read_within, write_libsvm, write_native, write_onnx};
pub use kernel::Kernel;
pub use model::{Model, Origin, Parts};
pub use scaler::Scaler;
pub use shown::shown;
