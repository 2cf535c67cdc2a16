//! Every path that this processor has against the reference, on random models and on hostile ones.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::form::Form;
use crate::models::path::Path;
use crate::models::{Kernel, Meaning, OneClassSvm, Scaler};

/// What a score may be off by, as a share of the sum of |alpha|, beside the rounding of the reference's own sum.
const TOLERANCE: f64 = 1e-12;
const LABEL: Meaning = Meaning::Anomaly { at_zero: true };

fn model(
    kernel: Kernel,
    features: usize,
    vectors: Vec<f64>,
    alphas: Vec<f64>,
    rho: f64,
) -> OneClassSvm {
    OneClassSvm::new(Scaler::None, kernel, features, vectors, alphas, rho).unwrap()
}

/// The same model with the score of the row as offset, so that this row's score is nothing but rounding.
fn with_row_on_boundary(model: &OneClassSvm, row: &[f64]) -> OneClassSvm {
    let rho = model.decision(row) + model.rho;
    let mut on_boundary = model.clone();
    if rho.is_finite() {
        on_boundary.rho = rho;
    }
    on_boundary
}

fn scores(model: &OneClassSvm, path: Path, rows: &[f64]) -> Vec<f64> {
    let mut scores = vec![7.5; rows.len() / model.features];
    model.decisions_by(path, rows, &mut scores);
    scores
}

/// Labels equal on every path; scores of RBF within the tolerance.
fn check(model: &OneClassSvm, rows: &[f64]) -> Result<(), TestCaseError> {
    let alphas: f64 = model.coefficients.iter().map(|alpha| alpha.abs()).sum();
    let own_rounding = f64::EPSILON * model.coefficients.len() as f64;
    let bounded = matches!(model.kernel, Kernel::Rbf { .. });
    for path in Path::available() {
        for (row, score) in rows
            .chunks_exact(model.features)
            .zip(scores(model, path, rows))
        {
            let right = model.decision(row);
            prop_assert_eq!(
                LABEL.is_anomaly(score),
                LABEL.is_anomaly(right),
                "{:?}: {} is not {}",
                path,
                score,
                right
            );
            let off = (score - right).abs();
            // On numbers that end up as infinity or NaN the labels are all that counts.
            prop_assert!(
                !bounded
                    || !right.is_finite()
                    || off <= (TOLERANCE + own_rounding) * alphas + f64::MIN_POSITIVE,
                "{path:?}: {score} is not {right}, {} of the sum",
                off / alphas
            );
        }
    }
    Ok(())
}

/// Numbers as they are in real models, at hostile offsets and scales, and such that are equal often.
fn numbers(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![
        8 => -3.0..3.0,
        2 => prop::sample::select(vec![0.0, 1.0, -1.0, 0.5, 2.0]),
    ];
    let offset = prop_oneof![6 => Just(0.0), 1 => Just(1e9), 1 => Just(-1e15), 1 => Just(1e160), 1 => Just(1e-300)];
    let scale = prop_oneof![6 => Just(1.0), 1 => Just(1e-6), 1 => Just(1e6), 1 => Just(1e-310), 1 => Just(1e300)];
    let numbers = prop::collection::vec(number, count);
    (numbers, offset, scale).prop_map(|(mut numbers, offset, scale)| {
        for number in &mut numbers {
            *number = *number * scale + offset;
        }
        numbers
    })
}

fn alphas(count: usize) -> impl Strategy<Value = Vec<f64>> {
    let alpha = prop_oneof![6 => 0.01..1.0, 1 => Just(1.0), 1 => -1.0..0.0];
    let scale = prop_oneof![8 => Just(1.0), 1 => Just(1e-300), 1 => Just(1e299), 1 => Just(1e307)];
    (prop::collection::vec(alpha, count), scale).prop_map(|(mut alphas, scale)| {
        alphas.iter_mut().for_each(|alpha| *alpha *= scale);
        alphas
    })
}

fn gamma() -> impl Strategy<Value = f64> {
    let hostile = vec![0.0, 5e-324, 1e-300, 1e-12, 1e6, 1e12, 1e300];
    prop_oneof![6 => 1e-3..10.0, 3 => prop::sample::select(hostile)]
}

fn kernel() -> impl Strategy<Value = Kernel> {
    let coef0 = || prop_oneof![3 => -2.0..2.0, 1 => Just(0.0), 1 => Just(1e200)];
    let degree = prop_oneof![8 => 0_u32..6, 1 => Just(1000)];
    prop_oneof![
        4 => gamma().prop_map(|gamma| Kernel::Rbf { gamma }),
        1 => Just(Kernel::Linear),
        2 => (gamma(), coef0(), degree).prop_map(|(gamma, coef0, degree)| Kernel::Polynomial { gamma, coef0, degree }),
        2 => (gamma(), coef0()).prop_map(|(gamma, coef0)| Kernel::Sigmoid { gamma, coef0 }),
    ]
}

/// A model and rows for it: new ones and, at times, the support vectors themselves.
fn case(
    vectors: impl Strategy<Value = usize>,
    features: impl Strategy<Value = usize>,
    rows: impl Strategy<Value = usize>,
) -> impl Strategy<Value = (OneClassSvm, Vec<f64>)> {
    let sizes = (vectors, features, rows);
    sizes.prop_flat_map(|(n, d, rows)| {
        let numbers = (numbers(n * d), numbers(rows * d), any::<bool>());
        (kernel(), numbers, alphas(n), Just(d)).prop_map(
            |(kernel, (vectors, mut rows, own), alphas, d)| {
                if own {
                    let len = rows.len().min(vectors.len());
                    rows[..len].copy_from_slice(&vectors[..len]);
                }
                (model(kernel, d, vectors, alphas, 0.1), rows)
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn small_models((model, rows) in case(1_usize..20, 1_usize..7, 0_usize..34)) {
        check(&model, &rows)?;
        for row in rows.chunks_exact(model.features) {
            check(&with_row_on_boundary(&model, row), row)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn wide_models((model, rows) in case(1_usize..40, 7_usize..257, 1_usize..20)) {
        check(&model, &rows)?;
        let first = &rows[..model.features];
        check(&with_row_on_boundary(&model, first), &rows)?;
    }

    #[test]
    fn large_models((model, rows) in case(200_usize..10_000, 1_usize..3, 1_usize..20)) {
        check(&model, &rows)?;
        let first = &rows[..model.features];
        check(&with_row_on_boundary(&model, first), &rows)?;
    }

    /// One feature and many support vectors, on whose curve rows lie everywhere: between, beside and far off.
    #[test]
    fn curves(
        gamma in 1e-3..100.0,
        offset in prop::sample::select(vec![0.0, 1e3, -1e9]),
        vectors in prop::collection::vec(-3.0..3.0, 256..3000),
        rows in prop::collection::vec(-40.0..40.0, 1..200),
    ) {
        let unit = f64::sqrt(1.0 / gamma);
        let place = |place: f64| place * unit + offset;
        let vectors: Vec<f64> = vectors.into_iter().map(place).collect();
        let rows: Vec<f64> = rows.into_iter().map(place).collect();
        let alphas = vec![0.5; vectors.len()];
        let model = model(Kernel::Rbf { gamma }, 1, vectors, alphas, 0.1);
        check(&model, &rows)?;
        check(&with_row_on_boundary(&model, &rows[..1]), &rows)?;
    }
}

/// Numbers that look random and are always the same.
fn made(count: usize) -> Vec<f64> {
    let mut state = 1_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    std::iter::repeat_with(step).take(count).collect()
}

fn made_model(vectors: usize, features: usize) -> OneClassSvm {
    let gamma = 1.0 / features as f64;
    let alphas = made(vectors).into_iter().map(|alpha| alpha + 1.5).collect();
    model(
        Kernel::Rbf { gamma },
        features,
        made(vectors * features),
        alphas,
        0.1,
    )
}

/// Whatever the rows around it, a row has the same score to the last digit.
#[test]
fn a_score_is_that_of_the_row_alone() {
    for (vectors, features) in [(9, 1), (90, 1), (300, 1), (9, 3), (33, 3), (9, 5), (30, 33)] {
        let (model, rows) = (made_model(vectors, features), made(67 * features));
        for path in Path::available() {
            let together = scores(&model, path, &rows);
            for count in 0..67 {
                let some = scores(&model, path, &rows[..count * features]);
                assert_eq!(some, together[..count], "{path:?}");
            }
            for (row, score) in rows.chunks_exact(features).zip(&together) {
                assert_eq!(scores(&model, path, row), [*score], "{path:?}");
            }
        }
    }
}

/// Each form is taken by the models that it is for, so that the other tests see them all.
#[test]
fn forms_are_chosen() {
    let rbf = |vectors, features| Form::of(&made_model(vectors, features));
    assert!(matches!(rbf(9, 1), Form::Differences { .. }));
    assert!(matches!(rbf(100, 1), Form::Products { .. }));
    assert!(matches!(rbf(1000, 1), Form::Curve(_)));
    assert!(matches!(rbf(9, 3), Form::Differences { .. }));
    assert!(matches!(rbf(9, 4), Form::Products { .. }));
    assert!(matches!(rbf(100, 32), Form::Products { .. }));
    let mut sharp = made_model(1000, 1);
    sharp.kernel = Kernel::Rbf { gamma: 1e9 };
    assert!(matches!(Form::of(&sharp), Form::Differences { .. }));
    let mut wide = made_model(100, 32);
    wide.kernel = Kernel::Rbf { gamma: 1e9 };
    assert!(matches!(Form::of(&wide), Form::Differences { .. }));
    wide.kernel = Kernel::Rbf { gamma: 0.0 };
    assert!(matches!(Form::of(&wide), Form::Reference));
}

/// Pieces narrower than the distance of one number to the next, so that rounding moves their start.
#[test]
fn a_curve_far_from_0_is_whole() {
    let offset = 1e9_f64;
    for gamma in [1e13, 3e14, 1e15, 1e17] {
        let model = model(
            Kernel::Rbf { gamma },
            1,
            vec![offset; 500],
            vec![1.0; 500],
            0.1,
        );
        assert!(matches!(Form::of(&model), Form::Curve(_)));
        let mut below: Vec<f64> = vec![offset];
        let mut above = vec![offset];
        for _ in 0..50 {
            below.push(below[below.len() - 1].next_down());
            above.push(above[above.len() - 1].next_up());
        }
        check(&model, &below).unwrap();
        check(&model, &above).unwrap();
    }
}

#[test]
fn what_is_not_a_number_gives_no_number() {
    for features in [1, 3, 5] {
        for vectors in [9, 90, 300] {
            let model = made_model(vectors, features);
            let mut rows = made(features * 9);
            rows[0] = f64::NAN;
            for path in Path::available() {
                let scores = scores(&model, path, &rows);
                assert!(scores[0].is_nan());
                assert!(scores[1..].iter().all(|score| score.is_finite()));
            }
            rows[0] = f64::INFINITY;
            check(&model, &rows).unwrap();
        }
    }
}
