use fleetscore_scorer::models::Scaler;

use super::ScalerKind;

/// Fits a scaler as scikit-learn does, to `rows`: row-major, `features` numbers each, finite, at least one row.
pub(super) fn fit_scaler(kind: ScalerKind, rows: &[f64], features: usize) -> Scaler {
    let columns = (0..features).map(|feature| {
        rows.iter()
            .skip(feature)
            .step_by(features)
            .copied()
            .collect::<Vec<f64>>()
    });
    match kind {
        ScalerKind::None => Scaler::None,
        ScalerKind::Standard => {
            let (center, scale) = columns.map(|column| standard(&column)).unzip();
            Scaler::Standard {
                center: Some(center),
                scale: Some(scale),
            }
        }
        ScalerKind::Robust => {
            let (center, scale) = columns.map(robust).unzip();
            Scaler::Standard {
                center: Some(center),
                scale: Some(scale),
            }
        }
        ScalerKind::MinMax => {
            let (scale, min) = columns.map(|column| min_max(&column)).unzip();
            Scaler::MinMax {
                scale,
                min,
                clip: None,
            }
        }
    }
}

/// Applies `scaler` to `rows` in place.
pub(super) fn apply(scaler: &Scaler, rows: &mut [f64], features: usize) {
    let mut result = vec![0.0; features];
    for row in rows.chunks_exact_mut(features) {
        scaler.apply(row, &mut result);
        row.copy_from_slice(&result);
    }
}

/// Mean and population standard deviation; 1 where the spread is rounding error (scikit-learn's `_is_constant_feature`).
fn standard(column: &[f64]) -> (f64, f64) {
    let count = column.len() as f64;
    let mean = column.iter().sum::<f64>() / count;
    let squares = column
        .iter()
        .map(|number| (number - mean) * (number - mean))
        .sum::<f64>();
    let rest = column.iter().map(|number| number - mean).sum::<f64>();
    let variance = (squares - rest * rest / count) / count;
    let bound = count * f64::EPSILON * variance + (count * mean * f64::EPSILON).powi(2);
    (
        mean,
        if variance <= bound {
            1.0
        } else {
            variance.sqrt()
        },
    )
}

/// Median and distance between the quartiles, interpolated linearly as numpy does.
fn robust(mut column: Vec<f64>) -> (f64, f64) {
    column.sort_unstable_by(f64::total_cmp);
    let spread = quantile(&column, 0.75) - quantile(&column, 0.25);
    (quantile(&column, 0.5), nonzero(spread))
}

fn min_max(column: &[f64]) -> (f64, f64) {
    let low = column.iter().copied().fold(f64::INFINITY, f64::min);
    let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scale = 1.0 / nonzero(high - low);
    (scale, -low * scale)
}

/// The number that `share` of the sorted, non-empty `column` is below.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positions lie within the column
fn quantile(column: &[f64], share: f64) -> f64 {
    let position = share * (column.len() - 1) as f64;
    let below = column[position.floor() as usize];
    let above = column[position.ceil() as usize];
    below + (above - below) * position.fract()
}

/// 1 where a spread is rounding error (scikit-learn's `_handle_zeros_in_scale`).
fn nonzero(spread: f64) -> f64 {
    if spread < 10.0 * f64::EPSILON {
        1.0
    } else {
        spread
    }
}
