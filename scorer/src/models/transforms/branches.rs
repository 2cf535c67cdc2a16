use super::{Columns, Transform, outputs};
use crate::models::ModelError;

/// Chains side by side: each takes some of the columns, and what they leave comes out one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Branches {
    inputs: usize,
    outputs: usize,
    chains: Vec<(Columns, Vec<Transform>)>,
}

impl Branches {
    /// From the columns that each chain takes, and its steps.
    ///
    /// Errors when there is no branch, one takes rows of another width than the others, or its steps do not fit its columns.
    pub fn new(branches: Vec<(Columns, Vec<Transform>)>) -> Result<Self, ModelError> {
        let taken = branches.first().map(|(columns, _)| columns.inputs());
        let Some(inputs) = taken else {
            return Err(ModelError::unfit("it takes none of the columns"));
        };
        let mut width = 0;
        for (columns, steps) in &branches {
            if columns.inputs() != inputs {
                return Err(ModelError::unfit(
                    "its branches take rows of different widths",
                ));
            }
            width += outputs(steps, columns.outputs())?;
        }
        Ok(Self {
            inputs,
            outputs: width,
            chains: branches,
        })
    }

    /// What each chain takes and does.
    pub(super) fn described(&self) -> String {
        let chain = |(columns, steps): &(Columns, Vec<Transform>)| {
            let steps: Vec<String> = steps.iter().map(Transform::described).collect();
            match steps.as_slice() {
                [] => columns.described(),
                steps => format!("{}: {}", columns.described(), steps.join(", then ")),
            }
        };
        let chains: Vec<String> = self.chains.iter().map(chain).collect();
        format!("ColumnTransformer, {}", chains.join("; "))
    }

    /// Numbers of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Whether there is a scaler in a chain.
    pub(super) fn scales(&self) -> bool {
        let mut steps = self.chains.iter().flat_map(|(_, steps)| steps);
        steps.any(Transform::scales)
    }

    pub(super) fn bytes(&self) -> usize {
        let steps = self.chains.iter().flat_map(|(_, steps)| steps);
        let columns = self.chains.iter().map(|(columns, _)| columns.bytes());
        let steps = steps.map(|step| step.bytes() + size_of::<Transform>());
        size_of_val(self.chains.as_slice()) + columns.sum::<usize>() + steps.sum::<usize>()
    }

    pub(super) fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        for (columns, steps) in &self.chains {
            let mut now = Vec::with_capacity(columns.outputs());
            columns.append(row, &mut now);
            let mut is_broken = false;
            for step in steps {
                let mut next = Vec::with_capacity(step.outputs(now.len()));
                step.append(&now, &mut next);
                is_broken |= !next.iter().all(|number| number.is_finite());
                now = next;
            }
            if is_broken {
                // Whatever a later step has made of it.
                now.fill(f64::NAN);
            }
            out.append(&mut now);
        }
    }
}
