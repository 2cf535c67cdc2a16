use fleetscore_scorer::models::{Kernel, OneClassSvm, Scaler};
use linfa::DatasetBase;
use linfa::dataset::Pr;
use linfa::traits::Fit;
use linfa_svm::{ExitReason, Svm};
use ndarray::Array2;
use serde::Deserialize;

use super::scaler::{apply, fit_scaler};
use super::{Gamma, ScalerKind, SensorError};

/// Fewer readings than this say nothing about what is usual.
pub(super) const MIN_ROWS: usize = 10;

/// How a model is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What every reading goes through first.
    pub scaler: ScalerKind,
    /// About this share of the readings is outside of the boundary; in (0, 1].
    pub nu: f64,
    /// The width of the kernel.
    pub gamma: Gamma,
    /// When the solver stops, as scikit-learn's `tol`.
    pub tolerance: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scaler: ScalerKind::Standard,
            nu: 0.01,
            gamma: Gamma::Scale,
            tolerance: 1e-8,
        }
    }
}

/// Fits a scaler and a one-class SVM with RBF kernel to `rows`: row-major, `features` finite numbers each.
///
/// The decision function agrees with scikit-learn's `make_pipeline(scaler, OneClassSVM(nu=nu, gamma=gamma))`. Time and memory
/// grow with the square of the number of rows.
pub fn fit(
    mut rows: Vec<f64>,
    features: usize,
    settings: &Settings,
) -> Result<OneClassSvm, SensorError> {
    let count = rows.len() / features.max(1);
    if count < MIN_ROWS {
        return Err(SensorError::TooFewReadings {
            rows: count as u64,
            need: MIN_ROWS as u64,
        });
    }
    refuse_constant(&rows, features)?;
    let scaler = fit_scaler(settings.scaler, &rows, features);
    apply(&scaler, &mut rows, features);
    let gamma = settings.gamma.resolve(&rows, features);
    let inputs =
        Array2::from_shape_vec((count, features), rows).map_err(|error| not_solved(&error))?;
    let solution = solve(&inputs, gamma, settings)?;
    model(&inputs, scaler, gamma, &solution)
}

fn refuse_constant(rows: &[f64], features: usize) -> Result<(), SensorError> {
    let first = &rows[..features];
    if rows.chunks_exact(features).any(|row| row != first) {
        return Ok(());
    }
    let value = first
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    Err(SensorError::Constant {
        rows: (rows.len() / features) as u64,
        value,
    })
}

/// The dual solution: one coefficient a row, most of them 0, and the offset.
struct Solution {
    alpha: Vec<f64>,
    rho: f64,
}

/// The part of linfa's result that has no accessor.
#[derive(Deserialize)]
struct Outcome {
    exit_reason: ExitReason,
    iterations: usize,
}

fn solve(inputs: &Array2<f64>, gamma: f64, settings: &Settings) -> Result<Solution, SensorError> {
    let dataset = DatasetBase::from(inputs.clone());
    let svm: Svm<f64, bool> = Svm::<f64, Pr>::params()
        .eps(settings.tolerance)
        .nu_weight(settings.nu)
        // linfa's Gaussian(e) is exp(-|x - y|^2 / e).
        .gaussian_kernel(1.0 / gamma)
        .fit(&dataset)
        .map_err(|error| not_solved(&error))?;
    let outcome: Outcome = serde_json::to_value(&svm)
        .and_then(serde_json::from_value)
        .map_err(|error| not_solved(&error))?;
    if outcome.exit_reason == ExitReason::ReachedIterations {
        let message = format!(
            "no convergence in {} steps; try a larger tolerance or another gamma",
            outcome.iterations
        );
        return Err(SensorError::NotSolved { message });
    }
    if !svm.rho.is_finite() || svm.alpha.iter().any(|alpha| !alpha.is_finite()) {
        let message = "with this nu every reading is outside of the boundary; choose a smaller one"
            .to_owned();
        return Err(SensorError::NotSolved { message });
    }
    Ok(Solution {
        alpha: svm.alpha,
        rho: svm.rho,
    })
}

/// Keeps the rows with a coefficient above 0, as libsvm does.
fn model(
    inputs: &Array2<f64>,
    scaler: Scaler,
    gamma: f64,
    solution: &Solution,
) -> Result<OneClassSvm, SensorError> {
    let support = inputs
        .outer_iter()
        .zip(&solution.alpha)
        .filter(|(_, alpha)| **alpha > 0.0);
    let (vectors, coefficients): (Vec<_>, Vec<f64>) =
        support.map(|(row, alpha)| (row.to_vec(), *alpha)).unzip();
    let kernel = Kernel::Rbf { gamma };
    OneClassSvm::new(
        scaler,
        kernel,
        inputs.ncols(),
        vectors.concat(),
        coefficients,
        solution.rho,
    )
    .map_err(|error| not_solved(&error))
}

fn not_solved(error: &dyn std::fmt::Display) -> SensorError {
    SensorError::NotSolved {
        message: error.to_string(),
    }
}
