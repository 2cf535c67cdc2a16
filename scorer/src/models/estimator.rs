use super::linear::{Linear, LinearKind};
use super::network::{Ending, Network};
use super::svm::OneClassSvm;
use super::trees::{Boosted, Forest, IsolationForest, LightGbm, XgBoost};
use super::{
    Centres, Elliptic, Labels, Meaning, Measure, Mixture, Perceptron, Reconstruction, Vectors,
};
use std::sync::Arc;

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
    /// XGBoost's `XGBClassifier` and `XGBRegressor`.
    XgBoost(XgBoost),
    /// LightGBM's `LGBMClassifier` and `LGBMRegressor`.
    LightGbm(LightGbm),
    /// Trees whose mean counts: scikit-learn's random forests, extra trees and decision trees.
    Forest(Forest),
    /// Trees that are added up: scikit-learn's gradient boosting, with histograms or without.
    Boosted(Boosted),
    /// scikit-learn's linear models.
    Linear(Linear),
    /// scikit-learn's `EllipticEnvelope`.
    Elliptic(Elliptic),
    /// scikit-learn's `GaussianMixture`.
    Mixture(Mixture),
    /// scikit-learn's `KMeans` and `MiniBatchKMeans`.
    Centres(Centres),
    /// scikit-learn's `PCA` with nothing behind it.
    Reconstruction(Reconstruction),
    /// scikit-learn's `SVC`, `NuSVC`, `SVR` and `NuSVR`.
    Vectors(Vectors),
    /// A small network, as of an ONNX graph.
    Network(Network),
    /// scikit-learn's `MLPRegressor` and `MLPClassifier`.
    Perceptron(Perceptron),
}

impl Estimator {
    /// Numbers of a row that it takes.
    pub fn features(&self) -> usize {
        match self {
            Self::OneClassSvm(svm) => svm.features,
            Self::IsolationForest(forest) => forest.features,
            Self::XgBoost(model) => model.features,
            Self::LightGbm(model) => model.features,
            Self::Forest(forest) => forest.features,
            Self::Boosted(boosted) => boosted.features,
            Self::Linear(linear) => linear.features,
            Self::Elliptic(elliptic) => elliptic.features(),
            Self::Mixture(mixture) => mixture.features,
            Self::Centres(centres) => centres.features,
            Self::Reconstruction(pca) => pca.features(),
            Self::Vectors(machine) => machine.features,
            Self::Network(network) => network.features,
            Self::Perceptron(it) => it.network.features,
        }
    }

    /// scikit-learn's name of it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OneClassSvm(_) => "OneClassSVM",
            Self::IsolationForest(_) => "IsolationForest",
            Self::XgBoost(model) => model.name(),
            Self::LightGbm(model) => model.name(),
            Self::Forest(forest) => forest.name(),
            Self::Boosted(boosted) => boosted.name(),
            Self::Linear(linear) => linear.kind.name(),
            Self::Elliptic(_) => "EllipticEnvelope",
            Self::Mixture(_) => "GaussianMixture",
            Self::Centres(centres) => centres.kind.name(),
            Self::Reconstruction(_) => "PCA",
            Self::Vectors(machine) => machine.kind.name(),
            Self::Network(network) => network.name(),
            Self::Perceptron(it) => it.name(),
        }
    }

    /// How large it is, in words, such as `3 support vectors`.
    pub fn size(&self) -> String {
        match self {
            Self::OneClassSvm(svm) => format!("{} support vectors", svm.coefficients.len()),
            Self::IsolationForest(forest) => format!("{} trees", forest.trees.count()),
            Self::XgBoost(model) => format!("{} trees", model.count()),
            Self::LightGbm(model) => format!("{} trees", model.count()),
            Self::Forest(forest) => format!("{} trees", forest.trees.count()),
            Self::Boosted(boosted) => format!("{} trees", boosted.trees.count()),
            Self::Linear(linear) => format!("{} weights", linear.weights.len()),
            Self::Elliptic(elliptic) => format!("{} features", elliptic.features()),
            Self::Mixture(mixture) => format!("{} components", mixture.components()),
            Self::Centres(centres) => format!("{} centres", centres.count()),
            Self::Reconstruction(pca) => format!("{} components", pca.components()),
            Self::Vectors(machine) => format!("{} support vectors", machine.count()),
            Self::Network(network) => format!("{} weights", network.weights()),
            Self::Perceptron(it) => format!("{} weights", it.network.weights()),
        }
    }

    /// What its numbers say, where nobody says otherwise.
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::OneClassSvm(svm) => Meaning::Anomaly {
                at_zero: svm.threshold.is_none(),
            },
            Self::IsolationForest(forest) => Meaning::Anomaly {
                at_zero: forest.border.zero_is_anomaly,
            },
            Self::XgBoost(model) => of_labels(model.labels.as_ref()),
            Self::LightGbm(model) => of_labels(model.labels.as_ref()),
            Self::Forest(forest) => of_labels(forest.labels.as_ref()),
            Self::Boosted(boosted) => of_labels(boosted.labels.as_ref()),
            Self::Linear(linear) if linear.kind == LinearKind::SgdOneClassSvm => {
                Meaning::Anomaly { at_zero: false }
            }
            Self::Linear(linear) => of_labels(linear.labels.as_ref()),
            Self::Elliptic(_) => Meaning::Anomaly { at_zero: false },
            Self::Mixture(_) => measured(Measure::Likelihood),
            Self::Centres(_) => measured(Measure::Distance),
            Self::Reconstruction(_) => measured(Measure::Error),
            Self::Vectors(machine) => of_labels(machine.labels.as_ref()),
            Self::Network(network) if network.ending == Ending::Reconstruction => {
                measured(Measure::Error)
            }
            Self::Network(network) => of_labels(network.ending.labels()),
            Self::Perceptron(it) if it.is_autoencoder() => measured(Measure::Error),
            Self::Perceptron(it) => of_labels(it.network.ending.labels()),
        }
    }

    /// The number of groups that a detector without a border tells apart, which a run may take for classes; the first is 0.
    pub fn groups(&self) -> Option<usize> {
        match self {
            Self::Mixture(mixture) => Some(mixture.components()),
            Self::Centres(centres) => Some(centres.count()),
            _ => None,
        }
    }

    /// Names of the numbers of a row, where it was fitted with some itself.
    pub fn names(&self) -> Option<&Vec<String>> {
        match self {
            Self::XgBoost(model) => model.names.as_ref(),
            Self::LightGbm(model) => model.names.as_ref(),
            _ => None,
        }
    }

    /// Whether a scaler is a part of it.
    pub fn scales(&self) -> bool {
        match self {
            Self::OneClassSvm(svm) => svm.scaler != super::Scaler::None,
            _ => false,
        }
    }

    /// Bytes of memory beyond the value itself, with what it is turned into to be scored fast.
    pub fn bytes(&self) -> usize {
        match self {
            Self::OneClassSvm(svm) => svm.bytes(),
            Self::IsolationForest(forest) => forest.bytes(),
            Self::XgBoost(model) => model.bytes(),
            Self::LightGbm(model) => model.bytes(),
            Self::Forest(forest) => forest.bytes(),
            Self::Boosted(boosted) => boosted.bytes(),
            Self::Linear(linear) => linear.bytes(),
            Self::Elliptic(elliptic) => elliptic.bytes(),
            Self::Mixture(mixture) => mixture.bytes(),
            Self::Centres(centres) => centres.bytes(),
            Self::Reconstruction(pca) => pca.bytes(),
            Self::Vectors(machine) => machine.bytes(),
            Self::Network(network) => network.bytes(),
            Self::Perceptron(it) => it.network.bytes(),
        }
    }

    /// Writes the score of each of n transformed rows, row-major, and of a classifier the class.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold [`Self::features`] numbers for each of the `scores`. As many `classes` are for classifiers alone.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        match self {
            Self::OneClassSvm(svm) => svm.decisions(rows, scores),
            Self::IsolationForest(forest) => forest.scores(rows, scores),
            Self::XgBoost(model) => model.decisions(rows, scores, classes),
            Self::LightGbm(model) => model.decisions(rows, scores, classes),
            Self::Forest(forest) => forest.decisions(rows, scores, classes),
            Self::Boosted(boosted) => boosted.decisions(rows, scores, classes),
            Self::Linear(linear) => linear.decisions(rows, scores, classes),
            Self::Elliptic(elliptic) => elliptic.decisions(rows, scores),
            Self::Mixture(mixture) => mixture.decisions(rows, scores, classes),
            Self::Centres(centres) => centres.decisions(rows, scores, classes),
            Self::Reconstruction(pca) => pca.decisions(rows, scores),
            Self::Vectors(machine) => machine.decisions(rows, scores, classes),
            Self::Network(network) => network.decisions(rows, scores, classes),
            Self::Perceptron(it) => it.network.decisions(rows, scores, classes),
        }
    }
}

/// What a detector says that measures, and has no border of its own.
fn measured(measure: Measure) -> Meaning {
    Meaning::Measured {
        measure,
        threshold: None,
    }
}

/// What a classifier or a regressor says.
fn of_labels(labels: Option<&Arc<Labels>>) -> Meaning {
    labels.map_or(Meaning::Value, Meaning::of_labels)
}
