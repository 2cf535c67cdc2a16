use super::Meaning;
use super::svm::OneClassSvm;
use super::trees::IsolationForest;

/// What turns a reading into a score, behind all transforms. The list is closed: models are compared, and written to files.
///
/// A new family is a variant here with a line in each method, a folder of its own, and a line in the tables of the formats that
/// can hold it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Estimator {
    /// scikit-learn's `OneClassSVM`.
    OneClassSvm(OneClassSvm),
    /// scikit-learn's `IsolationForest`.
    IsolationForest(IsolationForest),
}

impl Estimator {
    /// Numbers of a row that it takes.
    pub fn features(&self) -> usize {
        match self {
            Self::OneClassSvm(svm) => svm.features,
            Self::IsolationForest(forest) => forest.features,
        }
    }

    /// scikit-learn's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OneClassSvm(_) => "OneClassSVM",
            Self::IsolationForest(_) => "IsolationForest",
        }
    }

    /// How large it is, in words, such as `3 support vectors`.
    pub fn size(&self) -> String {
        match self {
            Self::OneClassSvm(svm) => format!("{} support vectors", svm.coefficients.len()),
            Self::IsolationForest(forest) => format!("{} trees", forest.trees.count()),
        }
    }

    /// What its numbers say, where nobody says otherwise.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::OneClassSvm(_) => Meaning::Anomaly { at_zero: true },
            Self::IsolationForest(forest) => Meaning::Anomaly {
                at_zero: forest.border.zero_is_anomaly,
            },
        }
    }

    /// Whether a scaler is a part of it.
    pub fn scales(&self) -> bool {
        match self {
            Self::OneClassSvm(svm) => svm.scaler != super::Scaler::None,
            Self::IsolationForest(_) => false,
        }
    }

    /// Bytes of memory beyond the value itself, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        match self {
            Self::OneClassSvm(svm) => svm.bytes(),
            Self::IsolationForest(forest) => forest.bytes(),
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
            Self::IsolationForest(forest) => forest.scores(rows, scores),
        }
    }
}
