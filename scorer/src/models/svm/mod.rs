//! One-class SVMs: support vectors, a kernel, and the decision function that they make.
//!
//! [`OneClassSvm::decisions`] is the decision function, fast; [`OneClassSvm::decision`] computes it in libsvm's own operations.

mod decision;
mod kernel;
mod kernels;
mod one_class;

pub use kernel::Kernel;
pub use one_class::OneClassSvm;
