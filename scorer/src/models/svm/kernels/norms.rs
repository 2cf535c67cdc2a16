/// |w|^2 of each of the rows of d numbers.
pub(super) fn squares(vectors: &[f64], features: usize) -> impl Iterator<Item = f64> {
    vectors
        .chunks_exact(features)
        .map(|vector| vector.iter().map(|value| value * value).sum())
}

/// The largest of numbers that are 0 or above; NaN if one is.
pub(super) fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |largest, number| {
        if largest.is_nan() || number <= largest {
            largest
        } else {
            number
        }
    })
}
