//! The files that hold models. Every reader takes bytes that nobody vouches for: it runs nothing of them, and neither its
//! memory nor its time grows beyond [`limits`].

mod cursor;
mod joblib;
mod libsvm;
mod lightgbm;
mod limits;
mod mlflow;
mod native;
mod onnx;
mod pickle;
mod python;
mod sklearn;
mod skops;
mod strangers;
mod xgboost;

use fleetscore_crds::{ModelBundle, ModelFormat};

use self::limits::Meter;
use super::{Model, ModelError, Preparation};

pub use libsvm::write_libsvm;
pub use limits::Allowance;
pub use mlflow::MlflowFolder;
pub use native::write_native;
pub use onnx::write_onnx;

/// Reads a model from a file's bytes; `Auto` recognises the format from the first of them.
///
/// Errors when the file is of no or another format, damaged, too large, or holds anything but a model that can be scored.
pub fn read(bytes: &[u8], format: ModelFormat) -> Result<Model, ModelError> {
    read_within(bytes, format, Allowance::default())
}

/// [`read`], in bounded memory: [`ModelError::TooMuchMemory`] when it would take more than is allowed.
pub fn read_within(
    bytes: &[u8],
    format: ModelFormat,
    allowance: Allowance<'_>,
) -> Result<Model, ModelError> {
    read_bundle(bytes, format, None, allowance)
}

/// The same of a file that holds a dict, tuple or list, of which `bundle` names what to take.
///
/// Errors, too, when the file is another, or has no such keys.
pub fn read_bundle(
    bytes: &[u8],
    format: ModelFormat,
    bundle: Option<&ModelBundle>,
    allowance: Allowance<'_>,
) -> Result<Model, ModelError> {
    let meter = &mut Meter::new(allowance);
    let format = recognised(bytes, format, meter)?;
    match format {
        ModelFormat::Auto => Err(unknown(bytes)),
        ModelFormat::Sklearn => sklearn::read(bytes, bundle, meter),
        ModelFormat::Skops => skops::read(bytes, bundle, meter),
        ModelFormat::Mlflow => Err(mlflow::not_alone()),
        _ if bundle.is_some() => Err(ModelError::Unsupported(format!(
            "spec.model.bundle names keys, and a file of the format {format:?} has none: leave it out"
        ))),
        ModelFormat::Onnx => onnx::read(bytes, meter),
        ModelFormat::Libsvm => libsvm::read(bytes, meter),
        ModelFormat::Native => native::read(bytes, meter),
        ModelFormat::Xgboost => xgboost::read(bytes, meter),
        ModelFormat::Lightgbm => lightgbm::read(bytes, meter),
    }
}

/// Reads the fitted transformers, one or a pipeline of them, that a file holds.
///
/// Errors when the file is none of scikit-learn's or skops', damaged, too large, or holds anything else.
pub fn read_preparation(bytes: &[u8], allowance: Allowance<'_>) -> Result<Preparation, ModelError> {
    let meter = &mut Meter::new(allowance);
    match recognised(bytes, ModelFormat::Auto, meter)? {
        ModelFormat::Sklearn => sklearn::read_preparation(bytes, meter),
        ModelFormat::Skops => skops::read_preparation(bytes, meter),
        other => Err(ModelError::Unsupported(format!(
            "a file of the format {other:?} holds no transformer: save the fitted scaler, joblib.dump(scaler, file)"
        ))),
    }
}

fn recognised(
    bytes: &[u8],
    format: ModelFormat,
    meter: &Meter<'_>,
) -> Result<ModelFormat, ModelError> {
    meter.go_on()?;
    limits::check_bytes("the file", bytes.len(), limits::FILE_BYTES)?;
    match format {
        ModelFormat::Auto => recognise(bytes).ok_or_else(|| unknown(bytes)),
        named => Ok(named),
    }
}

fn recognise(bytes: &[u8]) -> Option<ModelFormat> {
    if bytes.starts_with(native::MAGIC) {
        Some(ModelFormat::Native)
    } else if pickle::recognise(bytes) || joblib::Compression::recognise(bytes).is_some() {
        Some(ModelFormat::Sklearn)
    } else if bytes.starts_with(skops::MAGIC) {
        Some(ModelFormat::Skops)
    } else if bytes.trim_ascii_start().starts_with(b"svm_type") {
        Some(ModelFormat::Libsvm)
    } else if lightgbm::recognise(bytes) {
        Some(ModelFormat::Lightgbm)
    } else if xgboost::recognise(bytes) {
        Some(ModelFormat::Xgboost)
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
