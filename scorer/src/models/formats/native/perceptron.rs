//! Networks of scikit-learn in the file.

use super::common::{length, malformed, numbers, size};
use super::head::{head, integer, put, read_head};
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::Meter;
use crate::models::network::{Dense, Ending, MOST_LAYERS};
use crate::models::perceptron::{Between, Perceptron};
use crate::models::{Estimator, ModelError};

/// The body of a network.
pub fn of(perceptron: &Perceptron) -> Vec<u8> {
    let labels = match &perceptron.network.ending {
        Ending::Classes(labels) => Some(&**labels),
        _ => None,
    };
    let mut body = head(perceptron.between as u8, 0, labels);
    body.extend(length(perceptron.dense().count()).to_le_bytes());
    for dense in perceptron.dense() {
        let (weights, start) = dense.numbers();
        body.extend(length(start.len()).to_le_bytes());
        put(&mut body, weights);
        put(&mut body, start);
    }
    body
}

/// Reads that.
pub fn read(
    input: &mut Cursor<'_>,
    features: usize,
    meter: &mut Meter<'_>,
) -> Result<Estimator, ModelError> {
    let (between, 0, labels) = read_head(input, meter)? else {
        return Err(malformed("a head with what its family does not have"));
    };
    let between = Between::ALL.get(usize::from(between));
    let between = *between.ok_or_else(|| malformed("an unknown function between layers"))?;
    let count = size(integer(input)?)?;
    if count > MOST_LAYERS {
        return Err(malformed(format!("more than {MOST_LAYERS} layers")));
    }
    let invalid = |problem: String| ModelError::Invalid(format!("the network: {problem}"));
    let (mut width, mut layers) = (features, Vec::new());
    for _ in 0..count {
        let outputs = size(integer(input)?)?;
        let weights = numbers(input, width.checked_mul(outputs))?;
        layers.push(Dense::new(weights, numbers(input, Some(outputs))?).map_err(invalid)?);
        width = outputs;
    }
    Perceptron::new(between, layers, labels)
        .map(Estimator::Perceptron)
        .map_err(invalid)
}
