use super::Meaning;
use super::svm::OneClassSvm;

/// What turns a reading into a score, behind all transforms. The list is closed: models are compared, and written to files.
///
/// A new family is a variant here with a line in each method, a folder of its own, and a line in the tables of the formats that
/// can hold it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Estimator {
    /// scikit-learn's `OneClassSVM`.
    OneClassSvm(OneClassSvm),
}

impl Estimator {
    /// Numbers of a row that it takes.
    pub fn features(&self) -> usize {
        match self {
            Self::OneClassSvm(svm) => svm.features,
        }
    }

    /// scikit-learn's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OneClassSvm(_) => "OneClassSVM",
        }
    }

    /// How large it is, in words, such as `3 support vectors`.
    pub fn size(&self) -> String {
        match self {
            Self::OneClassSvm(svm) => format!("{} support vectors", svm.coefficients.len()),
        }
    }

    /// What its numbers say, where nobody says otherwise.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::OneClassSvm(_) => Meaning::Anomaly { at_zero: true },
        }
    }

    /// Whether a scaler is a part of it.
    pub fn scales(&self) -> bool {
        match self {
            Self::OneClassSvm(svm) => svm.scaler != super::Scaler::None,
        }
    }

    /// Bytes of memory beyond the value itself, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        match self {
            Self::OneClassSvm(svm) => svm.bytes(),
        }
    }

    /// Writes the score of each of n transformed rows, row-major.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold [`Self::features`] numbers for each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64]) {
        match self {
            Self::OneClassSvm(svm) => svm.decisions(rows, scores),
        }
    }
}
