//! ONNX graphs: one-class SVMs as skl2onnx writes them, and small networks of dense layers, and trees.

mod chain;
mod classes;
mod count;
mod graph;
mod network;
mod operator;
mod proto;
mod read;
mod scaler;
mod svm;
mod tensor;
mod trees;
mod write;

pub use read::{read, recognise};
pub use write::write_onnx;

use crate::models::ModelError;

fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: "ONNX",
        problem: problem.into(),
    }
}
