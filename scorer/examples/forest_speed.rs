//! Measures a model of trees on one thread: `forest_speed MODEL ROWS SCORES`.
//!
//! Reads a model of any format and a file of unscaled rows (f64, little-endian, row-major), writes the scores in the same way, and
//! prints the number of trees. Then, for each line of standard input, it reads the model anew and scores once more, and prints the
//! seconds of reading and those of scoring, all preparation of the model included. `plain` as a line scores row by row, in the
//! plain way. Its peer is timed side by side by `bench/models.py`.

use std::io::BufRead;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{Estimator, Model, Verdicts, read};

/// That of the programs that score.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, scores] = arguments.as_slice() else {
        bail!("usage: forest_speed MODEL ROWS SCORES");
    };
    let file = std::fs::read(model)?;
    let model = read(&file, ModelFormat::Auto)?;
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
    let bytes: Vec<u8> = score(&model, &rows, rows.len())
        .scores()
        .iter()
        .flat_map(|score| score.to_le_bytes())
        .collect();
    std::fs::write(scores, bytes).context("writing the scores")?;
    let trees = match &model.estimator {
        Estimator::IsolationForest(forest) => forest.trees.count(),
        Estimator::Forest(forest) => forest.trees.count(),
        Estimator::Boosted(boosted) => boosted.trees.count(),
        other => bail!("it is {}, which has no trees", other.name()),
    };
    println!("{trees}");
    for line in std::io::stdin().lock().lines() {
        let plain = line? == "plain";
        let start = Instant::now();
        let model = read(&file, ModelFormat::Auto)?;
        let reading = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let at_once = if plain { model.features } else { rows.len() };
        score(&model, &rows, at_once);
        println!("{reading} {}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The verdicts of all rows, some numbers of them at once.
fn score(model: &Model, rows: &[f64], at_once: usize) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for rows in rows.chunks(at_once) {
        model.score(rows, &mut verdicts);
    }
    verdicts
}
