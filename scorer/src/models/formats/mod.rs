//! The files that hold models. Every reader takes bytes that nobody vouches for: it runs nothing of them, and neither its
//! memory nor its time grows beyond [`limits`].

mod cursor;
mod joblib;
mod libsvm;
mod limits;
mod native;
mod onnx;
mod pickle;
mod python;
mod sklearn;
mod skops;
mod strangers;

use fleetscore_crds::ModelFormat;

use self::limits::Meter;
use super::{Model, ModelError};

pub use libsvm::write_libsvm;
pub use limits::Allowance;
pub use native::write_native;
pub use onnx::write_onnx;

/// Reads a model from a file's bytes; `Auto` recognises the format from the first of them.
///
/// Errors when the file is of no or another format, damaged, too large, or holds anything but a one-class SVM, bare or at the
/// end of a pipeline with at most one scaler.
pub fn read(bytes: &[u8], format: ModelFormat) -> Result<Model, ModelError> {
    read_within(bytes, format, Allowance::default())
}

/// [`read`], in bounded memory: [`ModelError::TooMuchMemory`] when it would take more than is allowed.
pub fn read_within(
    bytes: &[u8],
    format: ModelFormat,
    allowance: Allowance<'_>,
) -> Result<Model, ModelError> {
    let meter = &mut Meter::new(allowance);
    meter.go_on()?;
    limits::check_bytes("the file", bytes.len(), limits::FILE_BYTES)?;
    let format = match format {
        ModelFormat::Auto => recognise(bytes).ok_or_else(|| unknown(bytes))?,
        named => named,
    };
    match format {
        ModelFormat::Auto => Err(unknown(bytes)),
        ModelFormat::Sklearn => sklearn::read(bytes, meter),
        ModelFormat::Skops => skops::read(bytes, meter),
        ModelFormat::Onnx => onnx::read(bytes, meter),
        ModelFormat::Libsvm => libsvm::read(bytes, meter),
        ModelFormat::Native => native::read(bytes, meter),
    }
}

fn recognise(bytes: &[u8]) -> Option<ModelFormat> {
    if bytes.starts_with(native::MAGIC) {
        Some(ModelFormat::Native)
    } else if pickle::recognise(bytes) || joblib::Compression::recognise(bytes).is_some() {
        Some(ModelFormat::Sklearn)
    } else if bytes.starts_with(b"PK\x03\x04") {
        Some(ModelFormat::Skops)
    } else if bytes.trim_ascii_start().starts_with(b"svm_type") {
        Some(ModelFormat::Libsvm)
    } else if onnx::recognise(bytes) {
        Some(ModelFormat::Onnx)
    } else {
        None
    }
}

fn unknown(bytes: &[u8]) -> ModelError {
    let start = match bytes.get(..bytes.len().min(16)) {
        None | Some([]) => "nothing (it is empty)".to_owned(),
        Some(start) => format!("\"{}\"", start.escape_ascii()),
    };
    let way_out = strangers::recognise(bytes).map(|what| format!(": {what}"));
    ModelError::UnknownFormat {
        start,
        way_out: way_out.unwrap_or_default(),
    }
}
