use std::sync::Arc;

use crate::models::{Labels, shares};

/// What the numbers of the last layer mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// One number: the value.
    Value,
    /// As many as the reading has: the reading, as the network gives it back.
    Reconstruction,
    /// The share of each class.
    Classes(Arc<Labels>),
}

impl Ending {
    /// The classes; none of others.
    pub fn labels(&self) -> Option<&Arc<Labels>> {
        match self {
            Self::Classes(labels) => Some(labels),
            _ => None,
        }
    }

    /// Errors when `width` numbers of a reading of `features` cannot mean that.
    pub(super) fn check(&self, features: usize, width: usize) -> Result<(), String> {
        let wanted = match self {
            Self::Value => 1,
            Self::Reconstruction => features,
            Self::Classes(labels) => {
                labels.check()?;
                if labels.len() == 1 {
                    return Err("it has a single class".into());
                }
                labels.len()
            }
        };
        if width == wanted {
            return Ok(());
        }
        Err(format!(
            "its last layer leaves {width} numbers, and {wanted} are needed"
        ))
    }

    /// The score, and the class, that the numbers of a reading become.
    pub(super) fn judge(&self, reading: &[f64], outputs: &[f64]) -> (f64, usize) {
        match (self, outputs) {
            (Self::Value, _) => (outputs.first().copied().unwrap_or(f64::NAN), 0),
            (Self::Reconstruction, _) => (mean_squared_error(reading, outputs), 0),
            (Self::Classes(_), [first, second]) => (*second, usize::from(second > first)),
            (Self::Classes(_), _) => {
                let class = shares::first_largest(outputs);
                (outputs.get(class).copied().unwrap_or(f64::NAN), class)
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.labels().map_or(0, |labels| labels.bytes())
    }
}

/// The mean of the squared differences.
fn mean_squared_error(reading: &[f64], outputs: &[f64]) -> f64 {
    let errors = reading.iter().zip(outputs).map(|(x, y)| (x - y) * (x - y));
    errors.sum::<f64>() / reading.len() as f64
}
