/// A kernel K(a, b) of libsvm; a and b are scaled readings of d numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// exp(-gamma |a - b|^2)
    Rbf {
        /// Inverse squared width, at least 0.
        gamma: f64,
    },
    /// a . b
    Linear,
    /// (gamma a . b + coef0) ^ degree
    Polynomial {
        /// Factor of the dot product, at least 0.
        gamma: f64,
        /// Constant added to it.
        coef0: f64,
        /// The exponent.
        degree: u32,
    },
    /// tanh(gamma a . b + coef0)
    Sigmoid {
        /// Factor of the dot product, at least 0.
        gamma: f64,
        /// Constant added to it.
        coef0: f64,
    },
}

impl Kernel {
    /// K(a, b) with libsvm's operations in libsvm's order.
    pub fn evaluate(&self, a: &[f64], b: &[f64]) -> f64 {
        match *self {
            Self::Rbf { gamma } => (-gamma * squared_distance(a, b)).exp(),
            Self::Linear => dot(a, b),
            Self::Polynomial {
                gamma,
                coef0,
                degree,
            } => power(gamma * dot(a, b) + coef0, degree),
            Self::Sigmoid { gamma, coef0 } => (gamma * dot(a, b) + coef0).tanh(),
        }
    }

    /// The kernel's name in libsvm's files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rbf { .. } => "rbf",
            Self::Linear => "linear",
            Self::Polynomial { .. } => "polynomial",
            Self::Sigmoid { .. } => "sigmoid",
        }
    }

    /// gamma, coef0 and degree; 0 where the kernel has none.
    pub(crate) fn parameters(&self) -> (f64, f64, u32) {
        match *self {
            Self::Rbf { gamma } => (gamma, 0.0, 0),
            Self::Linear => (0.0, 0.0, 0),
            Self::Polynomial {
                gamma,
                coef0,
                degree,
            } => (gamma, coef0, degree),
            Self::Sigmoid { gamma, coef0 } => (gamma, coef0, 0),
        }
    }
}

/// |a - b|^2
fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        let difference = x - y;
        sum += difference * difference;
    }
    sum
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, y) in a.iter().zip(b) {
        sum += x * y;
    }
    sum
}

/// `base ^ exponent` by libsvm's repeated squaring; `f64::powi` promises no order of rounding.
fn power(base: f64, mut exponent: u32) -> f64 {
    let mut square = base;
    let mut result = 1.0;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result *= square;
        }
        square *= square;
        exponent /= 2;
    }
    result
}
