//! Measures the decision function on one thread.
//!
//! `kernel_speed`: evaluations of the kernel a second for some shapes of models, each the fastest of some rounds.
//!
//! `kernel_speed MODEL ROWS SCORES`: reads a model of any format and a file of unscaled rows (f64, little-endian, row-major),
//! writes the scores in the same way, then scores once more for each line of standard input and prints the seconds of it, all
//! preparation of the model included. Its peers are timed side by side by `bench/kernels.py`.
//!
//! `FLEETSCORE_KERNEL` chooses the processor's instructions.

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Kernel, OneClassSvm, Scaler, read};

/// Support vectors, features and rows of the models that are made here.
const SHAPES: [(usize, usize, usize); 10] = [
    (500, 1, 2_000),
    (500, 2, 2_000),
    (500, 3, 2_000),
    (500, 4, 2_000),
    (500, 5, 2_000),
    (500, 8, 2_000),
    (500, 32, 1_000),
    (2, 1, 100_000),
    (200, 1, 5_000),
    (5_000, 1, 100_000),
];
/// Many short ones, of which some are not interrupted.
const ROUNDS: usize = 200;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => measure_shapes(),
        [model, rows, scores] => serve(model.as_ref(), rows.as_ref(), scores.as_ref()),
        _ => anyhow::bail!("usage: kernel_speed [MODEL ROWS SCORES]"),
    }
}

fn measure_shapes() -> anyhow::Result<()> {
    println!("vectors features    rows  million K/s  ns a row");
    for (vectors, features, rows) in SHAPES {
        let model = made_model(vectors, features)?;
        let readings = made(rows * features, 2);
        let mut scores = vec![0.0; rows];
        let seconds = (0..ROUNDS)
            .map(|_| time(&model, &readings, &mut scores))
            .fold(f64::INFINITY, f64::min);
        let (evaluations, a_row) = ((vectors * rows) as f64, seconds / rows as f64);
        println!(
            "{vectors:7} {features:8} {rows:7} {:12.0} {:9.1}",
            evaluations / seconds / 1e6,
            a_row * 1e9
        );
    }
    Ok(())
}

/// Seconds of scoring with a model that has never scored: a copy prepares itself anew.
fn time(model: &OneClassSvm, rows: &[f64], scores: &mut [f64]) -> f64 {
    let model = model.clone();
    let start = Instant::now();
    model.decisions(rows, scores);
    start.elapsed().as_secs_f64()
}

fn made_model(vectors: usize, features: usize) -> anyhow::Result<OneClassSvm> {
    let gamma = 1.0 / features as f64;
    let model = OneClassSvm::new(
        Scaler::None,
        Kernel::Rbf { gamma },
        features,
        made(vectors * features, 1),
        vec![0.5; vectors],
        0.1 * vectors as f64,
    );
    Ok(model?)
}

/// Numbers that are distributed about as normal ones are: sums of four from a generator of Knuth's.
fn made(count: usize, seed: u32) -> Vec<f64> {
    let mut state = seed;
    let mut one = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state) / f64::from(u32::MAX) - 0.5
    };
    (0..count)
        .map(|_| (one() + one() + one() + one()) * 1.73)
        .collect()
}

fn serve(model: &Path, rows: &Path, scores_file: &Path) -> anyhow::Result<()> {
    let model = read(&std::fs::read(model)?, ModelFormat::Auto)?;
    let model = model.svm().context("it is no one-class SVM")?;
    let bytes = std::fs::read(rows)?;
    let (numbers, rest) = bytes.as_chunks();
    ensure!(
        rest.is_empty() && numbers.len().is_multiple_of(model.features),
        "the rows do not have {} numbers each",
        model.features
    );
    let rows: Vec<f64> = numbers
        .iter()
        .map(|number| f64::from_le_bytes(*number))
        .collect();
    let mut scores = vec![0.0; rows.len() / model.features];
    model.decisions(&rows, &mut scores);
    let bytes: Vec<u8> = scores
        .iter()
        .flat_map(|score| score.to_le_bytes())
        .collect();
    std::fs::write(scores_file, bytes).context("writing the scores")?;
    println!("{}", model.coefficients.len());
    for line in std::io::stdin().lock().lines() {
        line?;
        println!("{}", time(model, &rows, &mut scores));
    }
    Ok(())
}
