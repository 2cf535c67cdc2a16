use fleetscore_crds::ModelFormat;

use super::common::{clip, flags, length, scaler_code, text};
use super::{MAGIC, THRESHOLD, VERSION, families, kernel, write_forest};
use crate::models::{Estimator, Model, ModelError};

/// Writes a model in the native format, which holds all of it. `origin.format` is not kept: it is `Native` when read.
///
/// Errors when more than a scaler comes before the estimator.
pub fn write_native(model: &Model) -> Result<Vec<u8>, ModelError> {
    let mut bytes = match &model.estimator {
        Estimator::IsolationForest(forest) => write_forest::bytes(model, forest)?,
        Estimator::OneClassSvm(_) => svm(model)?,
        Estimator::LightGbm(_) => {
            return Err(ModelError::Unwritable {
                format: ModelFormat::Native,
                problem: "LightGBM has files of its own: use booster_.save_model('model.txt')"
                    .into(),
            });
        }
        Estimator::Network(_) => {
            return Err(ModelError::Unwritable {
                format: ModelFormat::Native,
                problem: "it holds no network: use the ONNX file as it is".into(),
            });
        }
        Estimator::XgBoost(_) => {
            return Err(ModelError::Unwritable {
                format: ModelFormat::Native,
                problem: "XGBoost has files of its own: use save_model('model.ubj')".into(),
            });
        }
        _ => families::bytes(model)?,
    };
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}

fn svm(model: &Model) -> Result<Vec<u8>, ModelError> {
    let svm = model.only_svm(ModelFormat::Native)?;
    let text = text(model);
    let (gamma, coef0, degree) = svm.kernel.parameters();
    let (low, high) = clip(&svm.scaler);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend([kernel::code(&svm.kernel), scaler_code(&svm.scaler)]);
    let threshold = svm.threshold.map_or(0, |_| THRESHOLD);
    for number in [
        flags(model, &svm.scaler) | threshold,
        length(svm.coefficients.len()),
        length(svm.features),
        degree,
        length(text.len()),
    ] {
        bytes.extend(number.to_le_bytes());
    }
    let scaler = svm.scaler.vectors();
    let vectors = scaler.iter().flat_map(|(_, values)| values.iter());
    for number in [gamma, coef0, svm.rho, low, high]
        .iter()
        .chain(&svm.threshold)
        .chain(vectors)
        .chain(&svm.coefficients)
        .chain(&svm.support_vectors)
    {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(text);
    Ok(bytes)
}
