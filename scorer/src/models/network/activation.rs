use crate::models::shares;

/// A function of each number of a row, but for [`Activation::Softmax`], which is of all together. The names are ONNX's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// 0 where x is below that, else x.
    Relu,
    /// alpha x where x is below 0, else x.
    LeakyRelu(f64),
    /// alpha (e^x - 1) where x is below 0, else x.
    Elu(f64),
    /// gamma alpha (e^x - 1) where x is at most 0, else gamma x: alpha, gamma.
    Selu(f64, f64),
    /// ln(1 + e^x)
    Softplus,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e^-x)
    Sigmoid,
    /// At least the first, at most the second.
    Clip(f64, f64),
    /// e^x of each, divided by the sum of all.
    Softmax,
}

impl Activation {
    /// ONNX's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::LeakyRelu(_) => "LeakyRelu",
            Self::Elu(_) => "Elu",
            Self::Selu(..) => "Selu",
            Self::Softplus => "Softplus",
            Self::Tanh => "Tanh",
            Self::Sigmoid => "Sigmoid",
            Self::Clip(..) => "Clip",
            Self::Softmax => "Softmax",
        }
    }

    /// Errors when a number of its own is not one, or its range is empty.
    pub(super) fn check(self) -> Result<(), String> {
        let is_good = match self {
            Self::LeakyRelu(alpha) | Self::Elu(alpha) => alpha.is_finite(),
            Self::Selu(alpha, gamma) => alpha.is_finite() && gamma.is_finite(),
            Self::Clip(low, high) => low <= high,
            _ => true,
        };
        if is_good {
            return Ok(());
        }
        Err(format!(
            "{} has a parameter that is not finite, or an empty range",
            self.name()
        ))
    }

    /// Applies it to a row.
    pub(super) fn apply(self, row: &mut [f64]) {
        let each = |row: &mut [f64], of: &dyn Fn(f64) -> f64| {
            row.iter_mut().for_each(|x| *x = of(*x));
        };
        match self {
            Self::Relu => row.iter_mut().for_each(|x| *x = below(*x, 0.0)),
            Self::LeakyRelu(alpha) => each(row, &|x| if x < 0.0 { alpha * x } else { x }),
            Self::Elu(alpha) => each(row, &|x| if x < 0.0 { alpha * x.exp_m1() } else { x }),
            Self::Selu(alpha, gamma) => each(row, &|x| {
                gamma * if x > 0.0 { x } else { alpha * x.exp_m1() }
            }),
            Self::Softplus => each(row, &|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
            Self::Tanh => each(row, &f64::tanh),
            Self::Sigmoid => each(row, &shares::logistic),
            Self::Clip(low, high) => each(row, &|x| {
                if x > high { high } else { below(x, low) }
            }),
            Self::Softmax => shares::softmax(row),
        }
    }
}

/// The bound where x is below it. What is no number stays none.
fn below(x: f64, bound: f64) -> f64 {
    if x < bound { bound } else { x }
}
