use std::path::PathBuf;

use clap::Args;

use super::{Gamma, ScalerKind, document};

/// Train one one-class SVM a sensor
///
/// Either from a document (see docs/simulate-and-train.md) or from options. The models
/// equal scikit-learn's pipeline of StandardScaler and OneClassSVM. A sensor that cannot
/// be trained is listed with the reason; the others are trained.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  fleetscore train -f train.yaml
  fleetscore train --data history.csv --out models    (models/model_{device}_{tag}.fsm)

Exit codes:
  0  every sensor has a model; 1 some have none; 2 the command line is wrong")]
pub struct TrainArgs {
    /// The document that says what to train on and how; - reads standard input
    #[arg(short, long, value_name = "FILE", required_unless_present = "data", conflicts_with_all = ["data", "out"])]
    pub file: Option<PathBuf>,

    /// The history: a CSV or Parquet file, or a folder of them
    #[arg(long, value_name = "PATH", requires = "out")]
    pub data: Option<PathBuf>,

    /// Folder for the models, or a path with placeholders such as models/{device}/{tag}.fsm
    #[arg(long, value_name = "PATH", requires = "data")]
    pub out: Option<PathBuf>,

    /// Column with the time; only read where a window asks for it
    #[arg(
        long,
        value_name = "COLUMN",
        default_value = "TS",
        conflicts_with = "file"
    )]
    pub time: String,

    /// A key of the sensors and its column; repeat for each key
    #[arg(long = "key", value_name = "KEY=COLUMN", default_values = ["device=Device", "tag=Tag"], value_parser = key,
        conflicts_with = "file")]
    pub keys: Vec<(String, String)>,

    /// Column of a feature; repeat for each, in the model's order
    #[arg(
        long = "feature",
        value_name = "COLUMN",
        default_value = "Value",
        conflicts_with = "file"
    )]
    pub features: Vec<String>,

    /// What every reading goes through first
    #[arg(long, value_enum, default_value_t = ScalerKind::Standard, conflicts_with = "file")]
    pub scaler: ScalerKind,

    /// About this share of the history is outside of the boundary; above 0, at most 1
    #[arg(long, default_value_t = document::nu(), conflicts_with = "file")]
    pub nu: f64,

    /// Width of the kernel: scale, auto, or a number
    #[arg(long, default_value_t = Gamma::Scale, conflicts_with = "file")]
    pub gamma: Gamma,

    /// Readings of a sensor to use at most, evenly spaced over a longer history
    #[arg(long, default_value_t = document::max_rows(), conflicts_with = "file")]
    pub max_rows: usize,

    /// When the solver stops, as scikit-learn's tol
    #[arg(long, default_value_t = document::tolerance(), conflicts_with = "file")]
    pub tolerance: f64,
}

fn key(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, column)) if !key.is_empty() && !column.is_empty() => {
            Ok((key.to_owned(), column.to_owned()))
        }
        _ => Err("expected KEY=COLUMN, such as device=Device".to_owned()),
    }
}
