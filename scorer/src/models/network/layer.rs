use super::{Activation, Trees};
use crate::models::check::check_finite;

/// One step of a network. A row becomes a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// Weighted sums of the columns.
    Dense(Dense),
    /// Decision trees whose leaves are added up.
    Trees(Trees),
    /// An operation of each column with a number of its own.
    Columns(Operation, Vec<f64>),
    /// A function of each number, or of all together.
    Activate(Activation),
    /// The share of the second of two classes becomes both shares.
    BothShares,
    /// Numbers divided by the sum of their sizes: the norm L1.
    Normalise,
}

/// Weighted sums of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    outputs: usize,
    /// A weight a sum, column by column.
    weights: Vec<f64>,
    /// What each sum starts from.
    start: Vec<f64>,
}

/// An operation of a column x with a number c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// x + c
    Add,
    /// x - c
    Subtract,
    /// c - x
    SubtractFrom,
    /// x c
    Multiply,
    /// x / c
    Divide,
}

impl Operation {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Subtract => "Sub",
            Self::SubtractFrom => "Sub from",
            Self::Multiply => "Mul",
            Self::Divide => "Div",
        }
    }
}

impl Dense {
    /// From the weights of all sums for the first column, then for the next one, and what the sums start from.
    ///
    /// Errors when the lengths do not fit, or a number is not finite.
    pub fn new(weights: Vec<f64>, start: Vec<f64>) -> Result<Self, String> {
        let outputs = start.len();
        if outputs == 0 || weights.is_empty() || !weights.len().is_multiple_of(outputs) {
            return Err(format!(
                "{} weights make no matrix of {outputs} sums",
                weights.len()
            ));
        }
        check_finite("weights", &weights)?;
        check_finite("biases", &start)?;
        Ok(Self {
            outputs,
            weights,
            start,
        })
    }

    /// Its weights, and what its sums start from, as [`Dense::new`] takes them.
    pub fn numbers(&self) -> (&[f64], &[f64]) {
        (&self.weights, &self.start)
    }

    /// Columns that it takes.
    pub fn inputs(&self) -> usize {
        self.weights.len() / self.outputs
    }

    /// Sums that it leaves.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes the sums of rows, which lie one after the other.
    fn apply(&self, rows: &[f64], sums: &mut Vec<f64>) {
        let inputs = self.inputs();
        sums.clear();
        for _ in rows.chunks_exact(inputs) {
            sums.extend_from_slice(&self.start);
        }
        for (column, weights) in self.weights.chunks_exact(self.outputs).enumerate() {
            let numbers = rows.iter().skip(column).step_by(inputs);
            for (x, sums) in numbers.zip(sums.chunks_exact_mut(self.outputs)) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += x * weight;
                }
            }
        }
    }
}

impl Layer {
    /// Columns that it takes; nothing where it takes any.
    pub fn inputs(&self) -> Option<usize> {
        match self {
            Self::Dense(dense) => Some(dense.inputs()),
            Self::Columns(_, numbers) => Some(numbers.len()),
            Self::BothShares => Some(1),
            Self::Trees(_) | Self::Activate(_) | Self::Normalise => None,
        }
    }

    /// Columns that it leaves of `inputs`.
    ///
    /// Errors when it takes another number of them, or a number of its own is none to work with.
    pub fn outputs(&self, inputs: usize) -> Result<usize, String> {
        let takes = |wanted: usize| {
            if wanted == inputs {
                return Ok(());
            }
            Err(format!(
                "it takes {wanted} columns, and what comes before it leaves {inputs}"
            ))
        };
        match self {
            Self::Dense(dense) => takes(dense.inputs()).map(|()| dense.outputs()),
            Self::Trees(trees) if trees.columns() > inputs => Err(format!(
                "its trees look at {} columns, and what comes before it leaves {inputs}",
                trees.columns()
            )),
            Self::Trees(trees) => Ok(trees.outputs()),
            Self::Columns(operation, numbers) => {
                takes(numbers.len())?;
                check_finite(operation.name(), numbers)?;
                if *operation == Operation::Divide && numbers.contains(&0.0) {
                    return Err("it divides by 0".into());
                }
                Ok(inputs)
            }
            Self::Activate(activation) => activation.check().map(|()| inputs),
            Self::BothShares => takes(1).map(|()| 2),
            Self::Normalise => Ok(inputs),
        }
    }

    /// What it does, in few words.
    pub fn described(&self) -> String {
        match self {
            Self::Dense(dense) => format!("dense, {} to {}", dense.inputs(), dense.outputs()),
            Self::Trees(trees) => format!("{} trees, {} nodes", trees.count(), trees.nodes()),
            Self::Columns(operation, _) => operation.name().to_owned(),
            Self::Activate(activation) => activation.name().to_owned(),
            Self::BothShares => "both shares".to_owned(),
            Self::Normalise => "norm L1".to_owned(),
        }
    }

    /// Numbers of its own.
    pub(super) fn weights(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.weights.len() + dense.start.len(),
            Self::Columns(_, numbers) => numbers.len(),
            _ => 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Trees(trees) => trees.bytes(),
            _ => self.weights() * size_of::<f64>(),
        }
    }

    /// Turns `count` rows, which lie one after the other in `now`, into what it makes of them; `next` is room for that.
    pub(super) fn apply(&self, count: usize, now: &mut Vec<f64>, next: &mut Vec<f64>) {
        let width = (now.len() / count.max(1)).max(1);
        match self {
            Self::Dense(dense) => {
                dense.apply(now, next);
                std::mem::swap(now, next);
            }
            Self::Trees(trees) => {
                trees.apply(count, now, next);
                std::mem::swap(now, next);
            }
            Self::Columns(operation, numbers) => {
                for row in now.chunks_exact_mut(width) {
                    operation.apply(row, numbers);
                }
            }
            Self::Activate(activation) => {
                now.chunks_exact_mut(width)
                    .for_each(|row| activation.apply(row));
            }
            Self::BothShares => {
                next.clear();
                next.extend(now.iter().flat_map(|share| [1.0 - share, *share]));
                std::mem::swap(now, next);
            }
            Self::Normalise => now.chunks_exact_mut(width).for_each(normalise),
        }
    }
}

impl Operation {
    fn apply(self, row: &mut [f64], numbers: &[f64]) {
        let pairs = row.iter_mut().zip(numbers);
        match self {
            Self::Add => pairs.for_each(|(x, c)| *x += c),
            Self::Subtract => pairs.for_each(|(x, c)| *x -= c),
            Self::SubtractFrom => pairs.for_each(|(x, c)| *x = c - *x),
            Self::Multiply => pairs.for_each(|(x, c)| *x *= c),
            Self::Divide => pairs.for_each(|(x, c)| *x /= c),
        }
    }
}

/// Divides numbers by the sum of their sizes.
fn normalise(row: &mut [f64]) {
    let sum: f64 = row.iter().map(|x| x.abs()).sum();
    row.iter_mut().for_each(|x| *x /= sum);
}
