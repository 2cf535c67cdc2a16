//! Trained models decide as scikit-learn's do: fixtures from `scripts/fixtures/make_training.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use fleetscore_cli::train::{Gamma, ScalerKind, Settings, fit};
use fleetscore_scorer::models::Kernel;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    scaler: ScalerKind,
    nu: f64,
    gamma: Gamma,
    features: usize,
    rows: Vec<f64>,
    probes: Vec<f64>,
    decisions: Vec<f64>,
    exact: Vec<f64>,
    sum_alpha: f64,
    rho: f64,
    gamma_value: f64,
}

fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/training");
    let mut cases: Vec<(String, Case)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let case = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                case,
            )
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(cases.len(), 24);
    cases
}

#[test]
fn decisions_equal_scikit_learn() {
    for (name, case) in cases() {
        let settings = Settings {
            scaler: case.scaler,
            nu: case.nu,
            gamma: case.gamma,
            ..Settings::default()
        };
        let model = fit(case.rows.clone(), case.features, &settings).unwrap();
        let Kernel::Rbf { gamma } = model.kernel else {
            panic!("{:?}", model.kernel)
        };
        assert!(
            (gamma - case.gamma_value).abs() <= 1e-12 * case.gamma_value,
            "{name}: gamma {gamma}"
        );
        let sum: f64 = model.coefficients.iter().sum();
        assert!(
            (sum - case.sum_alpha).abs() <= 1e-9 * case.sum_alpha,
            "{name}: sum of alpha {sum}"
        );
        assert!(
            (model.rho - case.rho).abs() <= 1e-6 * case.sum_alpha,
            "{name}: rho {} {}",
            model.rho,
            case.rho
        );
        let mut decisions = vec![0.0; case.decisions.len()];
        model.decisions(&case.probes, &mut decisions);
        for (index, decision) in decisions.into_iter().enumerate() {
            let (theirs, exact) = (case.decisions[index], case.exact[index]);
            let limit = 1e-6 * case.sum_alpha;
            assert!(
                (decision - exact).abs() <= 0.1 * limit,
                "{name}: probe {index}: {decision} instead of {exact}"
            );
            // libsvm's single precision may be further off than we allow ourselves.
            let rounding = (exact - theirs).abs();
            assert!(
                (decision - theirs).abs() <= limit.max(1.1 * rounding),
                "{name}: probe {index}: {decision}, {theirs}"
            );
            if theirs.abs() > limit.max(2.0 * rounding) {
                assert_eq!(
                    decision > 0.0,
                    theirs > 0.0,
                    "{name}: label of probe {index}"
                );
            }
        }
    }
}
