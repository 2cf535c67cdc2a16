#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::models::Labels;

fn dense(weights: &[f64], start: &[f64]) -> Layer {
    Layer::Dense(Dense::new(weights.to_vec(), start.to_vec()).unwrap())
}

fn scores(network: &Network, rows: &[f64]) -> (Vec<f64>, Vec<u16>) {
    let count = rows.len() / network.features;
    let (mut scores, mut classes) = (vec![0.0; count], vec![0; count]);
    network.decisions(rows, &mut scores, &mut classes);
    (scores, classes)
}

#[test]
fn weights_lie_column_by_column() {
    let layers = vec![dense(&[1.0, 10.0, 2.0, 20.0, 3.0, 30.0], &[0.5, -1.0])];
    let layers = [layers, vec![dense(&[1.0, 1.0], &[0.0])]].concat();
    let network = Network::new(3, false, layers, Ending::Value).unwrap();
    // 1 + 4 + 9 + 0.5, and 10 + 40 + 90 - 1.
    assert_eq!(scores(&network, &[1.0, 2.0, 3.0]).0, [153.5]);
}

#[test]
fn an_autoencoder_gives_the_mean_squared_error() {
    let layers = vec![Layer::Columns(Operation::Add, vec![1.0, 3.0])];
    let network = Network::new(2, false, layers, Ending::Reconstruction).unwrap();
    assert_eq!(scores(&network, &[7.0, 9.0]).0, [5.0]);
}

#[test]
fn the_label_is_the_first_of_the_largest_shares() {
    let labels = |count| Ending::Classes(Arc::new(Labels::Integers((0..count).collect())));
    let same = vec![Layer::Activate(Activation::Clip(-9.0, 9.0))];
    let three = Network::new(3, false, same, labels(3)).unwrap();
    let rows = [1.0, 1.0, 0.0, 0.0, 2.0, 2.0];
    assert_eq!(scores(&three, &rows), (vec![1.0, 2.0], vec![0, 1]));
    let two = Network::new(1, false, vec![Layer::BothShares], labels(2)).unwrap();
    let rows = [0.5, 0.75, 0.25];
    assert_eq!(scores(&two, &rows), (rows.to_vec(), vec![0, 1, 0]));
}

#[test]
fn readings_are_rounded_where_the_network_is_single() {
    let same = || vec![Layer::Columns(Operation::Multiply, vec![1.0])];
    let single = Network::new(1, true, same(), Ending::Value).unwrap();
    let double = Network::new(1, false, same(), Ending::Value).unwrap();
    assert_eq!(scores(&single, &[0.1]).0, [f64::from(0.1_f32)]);
    assert_eq!(scores(&double, &[0.1]).0, [0.1]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |layers: Vec<Layer>, ending: Ending, part: &str| {
        let problem = Network::new(2, false, layers, ending).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    };
    let one = || dense(&[1.0, 1.0], &[0.0]);
    refused(Vec::new(), Ending::Value, "no layers");
    refused(vec![one(), one()], Ending::Value, "layer 2: it takes 2");
    refused(vec![one()], Ending::Reconstruction, "leaves 1 numbers");
    let columns = |operation, numbers: &[f64]| vec![Layer::Columns(operation, numbers.to_vec())];
    refused(
        columns(Operation::Divide, &[1.0, 0.0]),
        Ending::Reconstruction,
        "divides by 0",
    );
    refused(
        columns(Operation::Add, &[1.0, f64::NAN]),
        Ending::Reconstruction,
        "not finite",
    );
    let clip = Layer::Activate(Activation::Clip(1.0, f64::NAN));
    refused(vec![clip], Ending::Reconstruction, "an empty range");
    let labels = Arc::new(Labels::Integers(vec![3]));
    refused(vec![one()], Ending::Classes(labels), "a single class");
    assert!(Dense::new(vec![1.0; 3], vec![0.0; 2]).is_err());
    assert!(Dense::new(vec![f64::INFINITY; 2], vec![0.0; 2]).is_err());
}

proptest! {
    /// A row's score is its own, whatever stands beside it, and a row without a number has none.
    #[test]
    fn rows_do_not_mix(rows in prop::collection::vec(-1e3..1e3_f64, 2 * 40), gap in 0..40_usize) {
        let layers = vec![
            dense(&[0.1, -0.3, 0.7, 1.1, 0.2, -0.5], &[0.1, 0.2, -0.1]),
            Layer::Activate(Activation::Tanh),
            dense(&[1.0, 0.5, -0.7, 0.3, 0.9, -1.1], &[0.0, 1.0]),
        ];
        let network = Network::new(2, true, layers, Ending::Reconstruction).unwrap();
        let (together, _) = scores(&network, &rows);
        for (row, score) in rows.chunks(2).zip(&together) {
            prop_assert_eq!(scores(&network, row).0[0].to_bits(), score.to_bits());
        }
        let mut with_gap = rows.clone();
        with_gap[2 * gap] = f64::NAN;
        for (at, score) in scores(&network, &with_gap).0.iter().enumerate() {
            prop_assert_eq!(score.is_nan(), at == gap);
        }
    }
}
