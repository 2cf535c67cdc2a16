//! What classifiers make of the numbers of their classes.

/// The position of the largest number, the first of as large ones.
pub fn first_largest(numbers: &[f64]) -> usize {
    let mut largest = (0, f64::NEG_INFINITY);
    for (at, number) in numbers.iter().enumerate() {
        if *number > largest.1 {
            largest = (at, *number);
        }
    }
    largest.0
}

/// A class as it lies in verdicts.
pub fn position(class: usize) -> u16 {
    // No classifier has more classes, see `Labels::check`.
    u16::try_from(class).unwrap_or(u16::MAX)
}

/// 1 / (1 + e^-x), of a positive x and of a negative one by the form that loses no digits.
pub fn logistic(x: f64) -> f64 {
    if x < 0.0 {
        let grown = x.exp();
        grown / (1.0 + grown)
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

/// Makes shares of numbers that are their logarithms but for a common summand.
pub fn softmax(numbers: &mut [f64]) {
    let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for number in numbers.iter_mut() {
        *number = (*number - largest).exp();
        sum += *number;
    }
    numbers.iter_mut().for_each(|number| *number /= sum);
}

/// Divides numbers by their sum.
pub fn normalise(numbers: &mut [f64]) {
    let sum: f64 = numbers.iter().sum();
    numbers.iter_mut().for_each(|number| *number /= sum);
}

/// A row of what is no number has no score.
pub fn no_score_of_nan(rows: &[f64], features: usize, scores: &mut [f64]) {
    for (row, score) in rows.chunks_exact(features).zip(scores) {
        if row.iter().any(|number| number.is_nan()) {
            *score = f64::NAN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_is_taken() {
        assert_eq!(first_largest(&[0.25, 0.5, 0.5]), 1);
        assert_eq!(first_largest(&[0.5, 0.5]), 0);
        assert_eq!(first_largest(&[-3.0, f64::NAN, -2.0]), 2);
        assert_eq!(first_largest(&[f64::NAN]), 0);
    }

    #[test]
    fn shares_add_up_to_1() {
        let mut numbers = [800.0, 801.0, -900.0];
        softmax(&mut numbers);
        assert!((numbers.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((numbers[1] - logistic(1.0)).abs() < 1e-15);
        assert_eq!(
            (logistic(0.0), logistic(-800.0), logistic(800.0)),
            (0.5, 0.0, 1.0)
        );
    }
}
