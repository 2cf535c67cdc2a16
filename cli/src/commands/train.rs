//! `fleetscore train`.

use fleetscore_cli::train::{self, Error, TrainArgs};

use super::{FAILED, Result, failure, output, usage};
use crate::progress::bar;

/// Runs the command.
pub fn run(args: &TrainArgs) -> Result {
    let bar = bar("sensors");
    let summary = train::run(args, &bar);
    bar.finish_and_clear();
    let summary = summary.map_err(|error| match error {
        Error::Manifest(_) | Error::Document { .. } | Error::Invalid { .. } => usage(error),
        error => failure(error),
    })?;
    output::print(format!("{summary}\n"))?;
    Ok(if summary.failed.is_empty() { 0 } else { FAILED })
}
