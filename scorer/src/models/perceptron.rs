//! scikit-learn's `MLPRegressor` and `MLPClassifier`.

use std::sync::Arc;

use super::Labels;
use super::network::{Activation, Dense, Ending, Layer, Network};

/// Dense layers with one function between them. A regressor that gives back as many numbers as it takes, and more than one, is an
/// autoencoder.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Perceptron {
    /// What comes between the dense layers (`activation`).
    pub between: Between,
    /// The layers, and what comes of the last one.
    pub network: Network,
}

/// Functions between dense layers. The numbers stand for them in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // The names are scikit-learn's.
pub enum Between {
    Identity = 0,
    Relu = 1,
    Tanh = 2,
    Logistic = 3,
}

impl Between {
    /// All of them, by their numbers.
    pub const ALL: [Self; 4] = [Self::Identity, Self::Relu, Self::Tanh, Self::Logistic];

    fn layer(self) -> Option<Layer> {
        let activation = match self {
            Self::Identity => return None,
            Self::Relu => Activation::Relu,
            Self::Tanh => Activation::Tanh,
            Self::Logistic => Activation::Sigmoid,
        };
        Some(Layer::Activate(activation))
    }
}

impl Perceptron {
    /// Puts dense layers together; of a classifier the last one leaves a number a class, of two classes one.
    ///
    /// Errors when there are none, or they fit neither each other nor the classes.
    pub fn new(
        between: Between,
        dense: Vec<Dense>,
        labels: Option<Arc<Labels>>,
    ) -> Result<Self, String> {
        let first = dense.first().map(Dense::inputs);
        let features = first.ok_or("it has no layers")?;
        let (count, outputs) = (dense.len(), dense.last().map_or(0, Dense::outputs));
        let mut layers = Vec::with_capacity(2 * count + 1);
        for (at, dense) in dense.into_iter().enumerate() {
            layers.push(Layer::Dense(dense));
            layers.extend(between.layer().filter(|_| at + 1 < count));
        }
        let ending = match labels {
            Some(labels) => {
                layers.extend(if labels.len() == 2 {
                    vec![Layer::Activate(Activation::Sigmoid), Layer::BothShares]
                } else {
                    vec![Layer::Activate(Activation::Softmax)]
                });
                Ending::Classes(labels)
            }
            None if outputs == 1 => Ending::Value,
            None => Ending::Reconstruction,
        };
        let network = Network::new(features, false, layers, ending)?;
        Ok(Self { between, network })
    }

    /// scikit-learn's name of it.
    pub fn name(&self) -> &'static str {
        match self.network.ending {
            Ending::Classes(_) => "MLPClassifier",
            _ => "MLPRegressor",
        }
    }

    /// Whether it gives back what it takes.
    pub fn is_autoencoder(&self) -> bool {
        self.network.ending == Ending::Reconstruction
    }

    /// The dense layers, in order.
    pub fn dense(&self) -> impl Iterator<Item = &Dense> {
        self.network
            .layers()
            .iter()
            .filter_map(|layer| match layer {
                Layer::Dense(dense) => Some(dense),
                _ => None,
            })
    }
}
