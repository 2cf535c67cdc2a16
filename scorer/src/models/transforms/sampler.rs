use crate::models::ModelError;
use crate::models::check::check_finite;

/// Cosines of weighted sums of a row: `RBFSampler`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    /// d rows of k numbers.
    weights: Vec<f64>,
    /// k numbers.
    offsets: Vec<f64>,
}

impl Sampler {
    /// From d rows of k numbers (`random_weights_`) and k numbers (`random_offset_`).
    ///
    /// Errors when a shape differs from the other, or a number is not finite.
    pub fn new(weights: Vec<f64>, offsets: Vec<f64>) -> Result<Self, ModelError> {
        let (numbers, outputs) = (weights.len(), offsets.len());
        if outputs == 0 || numbers == 0 || !numbers.is_multiple_of(outputs) {
            return Err(ModelError::unfit(format!(
                "{numbers} numbers in RBFSampler's weights do not fit its {outputs} offsets"
            )));
        }
        check_finite("RBFSampler's weights", &weights)
            .and_then(|()| check_finite("RBFSampler's offsets", &offsets))
            .map_err(ModelError::unfit)?;
        Ok(Self { weights, offsets })
    }

    /// How many components it makes of how many columns.
    pub(super) fn described(&self) -> String {
        format!(
            "RBFSampler, {} columns to {}",
            self.inputs(),
            self.outputs()
        )
    }

    /// Numbers of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.weights.len() / self.offsets.len()
    }

    /// Numbers of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.offsets.len()
    }

    pub(super) fn bytes(&self) -> usize {
        8 * (self.weights.len() + self.offsets.len())
    }

    pub(super) fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        let start = out.len();
        out.resize(start + self.outputs(), 0.0);
        let made = out.get_mut(start..).unwrap_or_default();
        for (x, weights) in row.iter().zip(self.weights.chunks_exact(self.outputs())) {
            for (sum, weight) in made.iter_mut().zip(weights) {
                *sum += x * weight;
            }
        }
        let factor = (2.0 / self.outputs() as f64).sqrt();
        for (sum, offset) in made.iter_mut().zip(&self.offsets) {
            *sum = (*sum + offset).cos() * factor;
        }
    }
}
