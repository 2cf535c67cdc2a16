//! Kernels in the file.

use super::common::malformed;
use super::{LINEAR, POLYNOMIAL, RBF, SIGMOID};
use crate::models::{Kernel, ModelError};

/// The number of a kernel in files.
pub fn code(kernel: &Kernel) -> u8 {
    match kernel {
        Kernel::Rbf { .. } => RBF,
        Kernel::Linear => LINEAR,
        Kernel::Polynomial { .. } => POLYNOMIAL,
        Kernel::Sigmoid { .. } => SIGMOID,
    }
}

/// The kernel with a number in files, of gamma, coef0 and degree.
pub fn read(code: u8, (gamma, coef0, degree): (f64, f64, u32)) -> Result<Kernel, ModelError> {
    match code {
        RBF => Ok(Kernel::Rbf { gamma }),
        LINEAR => Ok(Kernel::Linear),
        POLYNOMIAL => Ok(Kernel::Polynomial {
            gamma,
            coef0,
            degree,
        }),
        SIGMOID => Ok(Kernel::Sigmoid { gamma, coef0 }),
        other => Err(malformed(format!("unknown kernel {other}"))),
    }
}
