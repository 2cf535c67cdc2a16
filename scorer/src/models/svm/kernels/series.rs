//! exp(-(x-y)^2) as a polynomial in x and one in y, near every pair of places on the line.
//!
//! The line is cut into pieces of width 0.375. For x in one piece and y in another, `distance` pieces away, both counted from
//! -1 to 1 within their piece, exp(-(x-y)^2) is a sum of g T(x) T(y) over pairs of Chebyshev polynomials T below degree 12. The
//! term of degree k of such a series for a width of 2h is at most 2 (h/2)^k/k! times the k-th derivative, here 1.3e-15 at
//! k = 12 and ever smaller: the whole is within [`ERROR`]. A test compares it with exp. Pieces further apart than [`REACH`]
//! have exp(-(x-y)^2) < 3e-18.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Terms of a polynomial.
pub(super) const TERMS: usize = 12;
/// Width of a piece, in units of 1 / sqrt(gamma).
pub(super) const PIECE: f64 = 0.375;
/// Pieces further apart than this do not see each other.
pub(super) const REACH: usize = 17;
/// How far the series may be from exp(-(x-y)^2).
pub(super) const ERROR: f64 = 2e-14;

/// For the Chebyshev polynomial of each degree in y, the polynomial in x: coefficients of 1, x, x^2, ...
pub(super) type Matrix = [[f64; TERMS]; TERMS];

/// One matrix for each distance, the piece of x less the piece of y, from -[`REACH`] to [`REACH`].
pub(super) static SERIES: LazyLock<Vec<Matrix>> = LazyLock::new(|| {
    let reach = i32::try_from(REACH).unwrap_or(i32::MAX);
    (-reach..=reach).map(matrix).collect()
});

/// The Chebyshev polynomial of this degree at node `node` of the 12.
fn chebyshev(degree: usize, node: usize) -> f64 {
    (degree as f64 * PI * (node as f64 + 0.5) / TERMS as f64).cos()
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let mut product = [[0.0; TERMS]; TERMS];
    for (row, factors) in product.iter_mut().zip(a) {
        for (factor, b) in factors.iter().zip(b) {
            for (sum, value) in row.iter_mut().zip(b) {
                *sum += factor * value;
            }
        }
    }
    product
}

fn transpose(a: &Matrix) -> Matrix {
    std::array::from_fn(|row| std::array::from_fn(|column| a[column][row]))
}

/// The matrix for one distance: interpolation at the Chebyshev nodes of both pieces.
fn matrix(distance: i32) -> Matrix {
    let values: Matrix = std::array::from_fn(|y| {
        std::array::from_fn(|x| {
            let between = f64::from(distance) + (chebyshev(1, x) - chebyshev(1, y)) / 2.0;
            (-(PIECE * between) * (PIECE * between)).exp()
        })
    });
    // From values at the nodes to coefficients of the Chebyshev polynomials.
    let analysis: Matrix = std::array::from_fn(|degree| {
        let factor = if degree == 0 { 1.0 } else { 2.0 } / TERMS as f64;
        std::array::from_fn(|node| factor * chebyshev(degree, node))
    });
    let in_y = multiply(&analysis, &values);
    let in_both = multiply(&in_y, &transpose(&analysis));
    multiply(&in_both, &monomials())
}

/// The coefficients of 1, x, x^2, ... of each Chebyshev polynomial: the next is 2x the last less the one before.
fn monomials() -> Matrix {
    let mut polynomials = [[0.0; TERMS]; TERMS];
    polynomials[0][0] = 1.0;
    polynomials[1][1] = 1.0;
    for degree in 2..TERMS {
        for power in 0..TERMS {
            let shifted = if power == 0 {
                0.0
            } else {
                polynomials[degree - 1][power - 1]
            };
            polynomials[degree][power] = 2.0 * shifted - polynomials[degree - 2][power];
        }
    }
    polynomials
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(matrix: &Matrix, x: f64, y: f64) -> f64 {
        let angle = y.acos();
        let terms = matrix.iter().enumerate().map(|(degree, polynomial)| {
            let in_x = polynomial
                .iter()
                .rev()
                .fold(0.0, |sum, factor| sum * x + factor);
            in_x * (degree as f64 * angle).cos()
        });
        terms.sum()
    }

    /// At three times as many places as the series has terms, the ends among them.
    #[test]
    fn series_is_as_close_as_it_says() {
        let reach = i32::try_from(REACH).unwrap();
        let places = || (0..=36).map(|place| f64::from(place) / 18.0 - 1.0);
        for (matrix, distance) in SERIES.iter().zip(-reach..) {
            for (x, y) in places().flat_map(|x| places().map(move |y| (x, y))) {
                let between = PIECE * (f64::from(distance) + (x - y) / 2.0);
                let right = (-between * between).exp();
                let series = value(matrix, x, y);
                assert!(
                    (series - right).abs() <= ERROR,
                    "{distance} {x} {y}: {series}, not {right}"
                );
            }
        }
        let between = PIECE * f64::from(reach);
        assert!((-between * between).exp() < 3e-18);
    }
}
