use crate::models::ModelError;
use crate::models::check::check_finite;

/// Kernel values of each row with some of the readings that it was fitted on, turned by a matrix: `Nystroem` with the kernel `rbf`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nystroem {
    gamma: f64,
    inputs: usize,
    /// k rows of d numbers.
    landmarks: Vec<f64>,
    /// k rows of k numbers.
    matrix: Vec<f64>,
}

impl Nystroem {
    /// From the inverse squared width of the kernel, rows of `inputs` numbers (`components_`), and as many rows of as many numbers
    /// (`normalization_`).
    ///
    /// Errors when a shape differs from the others, or a number is not finite.
    pub fn new(
        gamma: f64,
        inputs: usize,
        landmarks: Vec<f64>,
        matrix: Vec<f64>,
    ) -> Result<Self, ModelError> {
        let count = landmarks.len().checked_div(inputs).unwrap_or_default();
        if count == 0
            || count.checked_mul(inputs) != Some(landmarks.len())
            || count.checked_mul(count) != Some(matrix.len())
        {
            return Err(ModelError::unfit(format!(
                "{} numbers in Nystroem's components of {inputs} features do not fit the {} in its normalization",
                landmarks.len(),
                matrix.len()
            )));
        }
        check_finite("Nystroem's gamma", &[gamma])
            .and_then(|()| check_finite("Nystroem's components", &landmarks))
            .and_then(|()| check_finite("Nystroem's normalization", &matrix))
            .map_err(ModelError::unfit)?;
        Ok(Self {
            gamma,
            inputs,
            landmarks,
            matrix,
        })
    }

    /// How many components it makes of how many columns.
    pub(super) fn described(&self) -> String {
        format!("Nystroem, {} columns to {}", self.inputs, self.outputs())
    }

    /// Numbers of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.landmarks.len() / self.inputs
    }

    pub(super) fn bytes(&self) -> usize {
        8 * (self.landmarks.len() + self.matrix.len())
    }

    pub(super) fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        let landmarks = self.landmarks.chunks_exact(self.inputs);
        let values: Vec<f64> = landmarks
            .map(|landmark| {
                let terms = row.iter().zip(landmark).map(|(x, y)| (x - y) * (x - y));
                (-self.gamma * terms.sum::<f64>()).exp()
            })
            .collect();
        out.extend(self.matrix.chunks_exact(values.len()).map(|weights| {
            let terms = values.iter().zip(weights).map(|(x, weight)| x * weight);
            terms.sum::<f64>()
        }));
    }
}
