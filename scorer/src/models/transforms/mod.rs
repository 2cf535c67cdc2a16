//! What readings go through before an estimator, step by step, with scikit-learn's operations in its order.

mod branches;
mod columns;
mod components;
mod function;
mod normalizer;
mod nystroem;
mod passage;
mod polynomial;
mod sampler;

pub use branches::Branches;
pub use columns::Columns;
pub use components::Components;
pub use function::Function;
pub use normalizer::{Norm, Normalizer};
pub use nystroem::Nystroem;
pub use passage::Passage;
pub use polynomial::Polynomial;
pub use sampler::Sampler;

use super::{ModelError, Scaler};

/// Numbers of a row at most, at any step.
pub const MOST_COLUMNS: usize = 10_000;

/// One step: a row of numbers becomes a row of as many or other numbers. Each is checked when it is made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Transform {
    /// Some of the columns, in any order.
    Columns(Columns),
    /// A scaler; [`Transform::scale`] makes it.
    Scale(Scaler),
    /// Products of columns: `PolynomialFeatures`.
    Polynomial(Polynomial),
    /// Principal components: `PCA`.
    Components(Components),
    /// Each row divided by its size: `Normalizer`.
    Normalize(Normalizer),
    /// A function of each number: `FunctionTransformer`.
    Function(Function),
    /// Chains side by side, each for some of the columns: `ColumnTransformer`.
    Branches(Branches),
    /// Kernel values with some readings: `Nystroem`.
    Nystroem(Nystroem),
    /// Cosines of weighted sums: `RBFSampler`.
    Sampler(Sampler),
}

impl Transform {
    /// The step of a scaler.
    ///
    /// Errors when its vectors have different lengths, or its numbers make no scaler.
    pub fn scale(scaler: Scaler) -> Result<Self, ModelError> {
        let features = scaler.features().unwrap_or_default();
        let shape = scaler.check_shape(features);
        shape
            .and_then(|()| scaler.check_numbers())
            .map_err(ModelError::unfit)?;
        Ok(Self::Scale(scaler))
    }

    /// Whether each column stays where it is, so that its name is still its own.
    pub(super) fn keeps_columns(&self) -> bool {
        match self {
            Self::Columns(columns) => columns.keeps_all(),
            Self::Scale(_) | Self::Normalize(_) | Self::Function(_) => true,
            Self::Polynomial(_)
            | Self::Components(_)
            | Self::Branches(_)
            | Self::Nystroem(_)
            | Self::Sampler(_) => false,
        }
    }

    /// Whether it is a scaler, or holds one.
    pub(super) fn scales(&self) -> bool {
        match self {
            Self::Scale(scaler) => *scaler != Scaler::None,
            Self::Branches(branches) => branches.scales(),
            _ => false,
        }
    }

    /// Numbers of a row that goes in; nothing where it takes any.
    pub fn inputs(&self) -> Option<usize> {
        match self {
            Self::Columns(columns) => Some(columns.inputs()),
            Self::Scale(scaler) => scaler.features(),
            Self::Polynomial(polynomial) => Some(polynomial.inputs()),
            Self::Components(components) => Some(components.inputs()),
            Self::Normalize(_) | Self::Function(_) => None,
            Self::Branches(branches) => Some(branches.inputs()),
            Self::Nystroem(nystroem) => Some(nystroem.inputs()),
            Self::Sampler(sampler) => Some(sampler.inputs()),
        }
    }

    /// Numbers of a row that comes out of one of `inputs`.
    pub fn outputs(&self, inputs: usize) -> usize {
        match self {
            Self::Columns(columns) => columns.outputs(),
            Self::Polynomial(polynomial) => polynomial.outputs(),
            Self::Components(components) => components.outputs(),
            Self::Branches(branches) => branches.outputs(),
            Self::Nystroem(nystroem) => nystroem.outputs(),
            Self::Sampler(sampler) => sampler.outputs(),
            Self::Scale(_) | Self::Normalize(_) | Self::Function(_) => inputs,
        }
    }

    /// What it does, in few words: its name, and the most important of its parameters.
    pub fn described(&self) -> String {
        match self {
            Self::Columns(columns) => columns.described(),
            Self::Scale(scaler) => scaler.described(),
            Self::Polynomial(polynomial) => format!(
                "PolynomialFeatures, {} columns to {}",
                polynomial.inputs(),
                polynomial.outputs()
            ),
            Self::Components(components) => components.described(),
            Self::Normalize(normalizer) => normalizer.described(),
            Self::Function(function) => format!("FunctionTransformer, {}", function.name()),
            Self::Branches(branches) => branches.described(),
            Self::Nystroem(nystroem) => nystroem.described(),
            Self::Sampler(sampler) => sampler.described(),
        }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.bytes(),
            Self::Scale(scaler) => scaler.bytes(),
            Self::Polynomial(polynomial) => polynomial.bytes(),
            Self::Components(components) => components.bytes(),
            Self::Normalize(_) | Self::Function(_) => 0,
            Self::Branches(branches) => branches.bytes(),
            Self::Nystroem(nystroem) => nystroem.bytes(),
            Self::Sampler(sampler) => sampler.bytes(),
        }
    }

    /// Appends to `out` the row that `row` becomes.
    fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        match self {
            Self::Columns(columns) => columns.append(row, out),
            Self::Scale(scaler) => {
                let start = out.len();
                out.extend_from_slice(row);
                if let Some(scaled) = out.get_mut(start..) {
                    scaler.apply(row, scaled);
                }
            }
            Self::Polynomial(polynomial) => polynomial.append(row, out),
            Self::Components(components) => components.append(row, out),
            Self::Normalize(normalizer) => normalizer.append(row, out),
            Self::Function(function) => out.extend(row.iter().map(|x| function.of(*x))),
            Self::Branches(branches) => branches.append(row, out),
            Self::Nystroem(nystroem) => nystroem.append(row, out),
            Self::Sampler(sampler) => sampler.append(row, out),
        }
    }
}

/// The number of columns that steps take, where they say; else it is that of what comes behind them.
pub fn inputs(steps: &[Transform]) -> Option<usize> {
    // A step that takes any number of columns leaves as many.
    steps.iter().find_map(Transform::inputs)
}

/// The number of columns that steps leave of `inputs`.
///
/// Errors when one takes another number than the one before it leaves, or there are more than [`MOST_COLUMNS`].
pub fn outputs(steps: &[Transform], inputs: usize) -> Result<usize, ModelError> {
    if inputs == 0 {
        return Err(ModelError::unfit("the first step takes no features"));
    }
    let mut width = inputs;
    for step in steps {
        check_width(width)?;
        match step.inputs() {
            Some(inputs) if inputs != width => {
                return Err(ModelError::unfit(format!(
                    "a step takes {inputs} features, and what comes before it leaves {width}"
                )));
            }
            _ => width = step.outputs(width),
        }
        check_width(width)?;
    }
    Ok(width)
}

fn check_width(width: usize) -> Result<(), ModelError> {
    if width > MOST_COLUMNS {
        return Err(ModelError::TooLarge {
            what: "the number of columns at a step before the estimator".into(),
            limit: format!("{MOST_COLUMNS} columns"),
        });
    }
    Ok(())
}
