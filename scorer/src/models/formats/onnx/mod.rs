//! ONNX-ML graphs as skl2onnx writes them: an optional scaler, `SVMRegressor`, `Sign`. Attributes are single precision.

mod count;
mod graph;
mod proto;
mod read;
mod scaler;
mod write;

pub use read::{read, recognise};
pub use write::write_onnx;
