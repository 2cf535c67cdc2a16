//! What a model file may cost. A real model is thousands of times smaller.

use crate::models::ModelError;

/// Bytes of a file.
pub const FILE_BYTES: usize = 256 << 20;
/// Bytes that a compressed file may become.
pub const DECOMPRESSED_BYTES: usize = 512 << 20;
/// Numbers of one array.
pub const ARRAY_NUMBERS: usize = 32 << 20;
/// Operations of a pickle, and nodes of a skops schema or an ONNX graph.
pub const STEPS: usize = 1_000_000;

/// Errors when `bytes` exceeds `limit`.
pub fn check_bytes(what: &str, bytes: usize, limit: usize) -> Result<(), ModelError> {
    if bytes > limit {
        let limit = format!("{} MiB", limit >> 20);
        return Err(ModelError::TooLarge {
            what: what.to_owned(),
            limit,
        });
    }
    Ok(())
}

/// Errors when an array would hold more than [`ARRAY_NUMBERS`].
pub fn check_numbers(what: &str, numbers: Option<usize>) -> Result<usize, ModelError> {
    match numbers {
        Some(numbers) if numbers <= ARRAY_NUMBERS => Ok(numbers),
        _ => Err(ModelError::TooLarge {
            what: what.to_owned(),
            limit: format!("{ARRAY_NUMBERS} numbers"),
        }),
    }
}
