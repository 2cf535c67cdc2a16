//! Small networks: layers that a row of numbers goes through one after the other.
//!
//! A [`Layer`] makes a row of a row, alone; [`Ending`] says what the last row means. The readings of a block go through each layer
//! together, so that its weights are read once for all of them, and none changes another's numbers.

mod activation;
mod ending;
mod layer;
mod trees;

pub use activation::Activation;
pub use ending::Ending;
pub use layer::{Dense, Layer, Operation};
pub use trees::Trees;

use super::shares;

/// Readings that go through a layer together.
const ROWS: usize = 16;
/// Layers; real networks have some tens.
pub const MOST_LAYERS: usize = 1000;
/// Numbers of a row at any layer.
pub const MOST_COLUMNS: usize = 100_000;

/// A network of dense layers, or trees in their place: an autoencoder, a classifier or a regressor.
///
/// All is worked out in double precision. A network of single precision differs from its own program's numbers by that program's
/// roundings.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Number of features of a reading.
    pub features: usize,
    /// Whether readings are rounded to single precision first.
    pub single: bool,
    /// The layers, in order.
    layers: Vec<Layer>,
    /// What the numbers of the last layer mean.
    pub ending: Ending,
}

impl Network {
    /// Checks the layers and puts them together.
    ///
    /// Errors when there are none or too many, one takes another number of columns than the one before it leaves, a number is not
    /// finite, or the last one leaves other numbers than the ending needs.
    pub fn new(
        features: usize,
        single: bool,
        layers: Vec<Layer>,
        ending: Ending,
    ) -> Result<Self, String> {
        if layers.is_empty() {
            return Err("it has no layers".into());
        }
        if layers.len() > MOST_LAYERS {
            return Err(format!("it has more than {MOST_LAYERS} layers"));
        }
        let mut width = features;
        check_width(width)?;
        for (at, layer) in layers.iter().enumerate() {
            let here = |problem| format!("layer {}: {problem}", at + 1);
            width = layer.outputs(width).map_err(here)?;
            check_width(width).map_err(here)?;
        }
        ending.check(features, width)?;
        Ok(Self {
            features,
            single,
            layers,
            ending,
        })
    }

    /// What it is, in two words.
    pub fn name(&self) -> &'static str {
        match self.ending {
            Ending::Value => "network regressor",
            Ending::Reconstruction => "network autoencoder",
            Ending::Classes(_) => "network classifier",
        }
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of weights of all layers.
    pub fn weights(&self) -> usize {
        self.layers.iter().map(Layer::weights).sum()
    }

    /// Writes of each of n rows, row-major, the value, the mean squared error of the reconstruction, or the share of the second of two
    /// classes, of more that of the label; and of a classifier the class. NaN where a number of the row is.
    ///
    /// # Panics
    ///
    /// When `rows` does not hold a number for each feature of each of the `scores`.
    pub fn decisions(&self, rows: &[f64], scores: &mut [f64], classes: &mut [u16]) {
        assert_eq!(rows.len(), scores.len() * self.features, "a score a row");
        let mut classes = classes.iter_mut();
        let (mut readings, mut now, mut next) = (Vec::new(), Vec::new(), Vec::new());
        let blocks = rows.chunks(ROWS * self.features);
        for (rows, scores) in blocks.zip(scores.chunks_mut(ROWS)) {
            readings.clear();
            readings.extend(rows.iter().map(|number| self.rounded(*number)));
            now.clone_from(&readings);
            for layer in &self.layers {
                layer.apply(scores.len(), &mut now, &mut next);
            }
            let width = now.len() / scores.len();
            let parts = readings.chunks_exact(self.features);
            let parts = parts.zip(now.chunks_exact(width)).zip(scores.iter_mut());
            for ((reading, outputs), score) in parts {
                let (value, class) = self.ending.judge(reading, outputs);
                *score = value;
                if let Some(place) = classes.next() {
                    *place = shares::position(class);
                }
            }
            shares::no_score_of_nan(rows, self.features, scores);
        }
    }

    fn rounded(&self, number: f64) -> f64 {
        #[allow(clippy::cast_possible_truncation)] // It is rounded, as the network's program does.
        let single = number as f32;
        if self.single { single.into() } else { number }
    }

    /// Bytes of memory beyond the value itself.
    pub fn bytes(&self) -> usize {
        let layers = self.layers.iter().map(Layer::bytes);
        size_of_val(self.layers.as_slice()) + layers.sum::<usize>() + self.ending.bytes()
    }
}

fn check_width(width: usize) -> Result<(), String> {
    match width {
        0 => Err("its rows have no columns".into()),
        1..=MOST_COLUMNS => Ok(()),
        _ => Err(format!("its rows have more than {MOST_COLUMNS} columns")),
    }
}

#[cfg(test)]
mod tests;
