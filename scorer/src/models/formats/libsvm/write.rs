use std::fmt::Write;

use fleetscore_crds::ModelFormat;

use crate::models::{Kernel, Model, ModelError, OneClassSvm, Scaler};

/// Writes a model as libsvm's text; every number is the shortest text that reads back as the same number.
///
/// Errors when the model has a scaler: the format has none, and folding it into the support vectors would round.
pub fn write_libsvm(model: &Model) -> Result<String, ModelError> {
    let svm = model.only_svm(ModelFormat::Libsvm)?;
    svm.check_border_at_zero(ModelFormat::Libsvm)?;
    if svm.scaler != Scaler::None {
        return Err(ModelError::Unwritable {
            format: ModelFormat::Libsvm,
            problem: "it has no place for the scaler; write the native format".into(),
        });
    }
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_header(&mut text, svm);
    for (coefficient, vector) in svm
        .coefficients
        .iter()
        .zip(svm.support_vectors.chunks_exact(svm.features))
    {
        let _ = write!(text, "{coefficient:?}");
        for (index, value) in (1..).zip(vector) {
            let _ = write!(text, " {index}:{value:?}");
        }
        text.push('\n');
    }
    Ok(text)
}

fn write_header(text: &mut String, svm: &OneClassSvm) -> std::fmt::Result {
    writeln!(
        text,
        "svm_type one_class\nkernel_type {}",
        svm.kernel.name()
    )?;
    let (gamma, coef0, degree) = svm.kernel.parameters();
    if matches!(svm.kernel, Kernel::Polynomial { .. }) {
        writeln!(text, "degree {degree}")?;
    }
    if svm.kernel != Kernel::Linear {
        writeln!(text, "gamma {gamma:?}")?;
    }
    if matches!(
        svm.kernel,
        Kernel::Polynomial { .. } | Kernel::Sigmoid { .. }
    ) {
        writeln!(text, "coef0 {coef0:?}")?;
    }
    writeln!(
        text,
        "nr_class 2\ntotal_sv {}\nrho {:?}\nSV",
        svm.coefficients.len(),
        svm.rho
    )
}
