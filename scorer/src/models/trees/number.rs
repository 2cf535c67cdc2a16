use super::split::floor;

/// What trees compare: single precision in scikit-learn's trees, double in those of histograms.
pub trait Number: Copy + PartialOrd + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// More than any threshold that is compared.
    const INFINITY: Self;

    /// A number of a reading, rounded to even; beyond the range infinite.
    fn of(number: f64) -> Self;

    /// The largest number that is at most `threshold`: the same numbers are at most either.
    fn floor(threshold: f64) -> Self;

    /// The same number in double precision.
    fn double(self) -> f64;
}

impl Number for f32 {
    const INFINITY: Self = Self::INFINITY;

    #[allow(clippy::cast_possible_truncation)]
    fn of(number: f64) -> Self {
        number as Self
    }

    fn floor(threshold: f64) -> Self {
        floor(threshold)
    }

    fn double(self) -> f64 {
        self.into()
    }
}

impl Number for f64 {
    const INFINITY: Self = Self::INFINITY;

    fn of(number: f64) -> Self {
        number
    }

    fn floor(threshold: f64) -> Self {
        threshold
    }

    fn double(self) -> f64 {
        self
    }
}
