//! scikit-learn's `EllipticEnvelope`: how far a reading lies from the centre, in the shape of the usual ones.

use super::check::check_finite;

/// An ellipse around what is usual. The score is -(x - centre)' P (x - centre) - offset; lower is worse, and 0 is normal.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Elliptic {
    /// The d coordinates of the centre (`location_`).
    pub centre: Vec<f64>,
    /// The inverse of the covariances, d rows of d numbers (`precision_`).
    pub precision: Vec<f64>,
    /// Where the border lies (`offset_`), at most 0 of a fitted one.
    pub offset: f64,
}

impl Elliptic {
    /// Checks the parts and puts them together.
    ///
    /// Errors when there are no features, the matrix is not d x d, or a number is not finite.
    pub fn new(centre: Vec<f64>, precision: Vec<f64>, offset: f64) -> Result<Self, String> {
        let features = centre.len();
        if features == 0 || features.checked_mul(features) != Some(precision.len()) {
            return Err(format!(
                "its matrix has {} numbers, and its centre {features} coordinates",
                precision.len()
            ));
        }
        check_finite("the centre", &centre)?;
        check_finite("the matrix", &precision)?;
        check_finite("the offset", &[offset])?;
        Ok(Self {
            centre,
            precision,
            offset,
        })
    }

    /// Numbers of a row that it takes.
    pub fn features(&self) -> usize {
        self.centre.len()
    }

    /// Writes the score of each of n rows, row-major.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64]) {
        assert_eq!(rows.len(), scores.len() * self.features(), "a score a row");
        let mut differences = vec![0.0; self.features()];
        let mut turned = Vec::with_capacity(self.features());
        for (row, score) in rows.chunks_exact(self.features()).zip(scores) {
            for ((difference, x), centre) in differences.iter_mut().zip(row).zip(&self.centre) {
                *difference = x - centre;
            }
            turned.clear();
            let matrix = self.precision.chunks_exact(self.features());
            turned.extend(matrix.map(|weights| dot(&differences, weights)));
            // scipy gives the distance, and scikit-learn squares it again.
            let distance = dot(&differences, &turned).sqrt();
            *score = -(distance * distance) - self.offset;
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        size_of_val(self.centre.as_slice()) + size_of_val(self.precision.as_slice())
    }
}

/// The products of two rows, added up in scipy's order: those at even places, those at odd ones, both, and a last one without partner.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, last), (b, other)) = (a.as_chunks::<2>(), b.as_chunks::<2>());
    let (mut even, mut odd) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        even += a[0] * b[0];
        odd += a[1] * b[1];
    }
    let rest = last.iter().zip(other).map(|(x, y)| x * y);
    rest.fold(even + odd, |sum, term| sum + term)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on fails.

    use super::*;

    #[test]
    fn the_score_is_the_offset_less_the_squared_distance() {
        let elliptic = Elliptic::new(vec![1.0, 2.0], vec![4.0, 0.0, 0.0, 0.5], -16.0).unwrap();
        let mut scores = [0.0; 3];
        elliptic.decisions(&[1.0, 2.0, 3.0, 2.0, 1.0, f64::NAN], &mut scores);
        assert_eq!(scores[..2], [16.0, 0.0]);
        assert!(scores[2].is_nan());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Elliptic::new(vec![], vec![], 0.0).is_err());
        assert!(Elliptic::new(vec![1.0], vec![1.0, 2.0], 0.0).is_err());
        assert!(Elliptic::new(vec![1.0], vec![f64::NAN], 0.0).is_err());
        assert!(Elliptic::new(vec![1.0], vec![1.0], f64::INFINITY).is_err());
    }
}
