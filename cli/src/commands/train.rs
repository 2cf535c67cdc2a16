//! `fleetscore train`.

use fleetscore_cli::train::{self, TrainArgs};

use super::{FAILED, Result, failure};
use crate::progress::bar;

/// Runs the command.
pub fn run(args: &TrainArgs) -> Result {
    let bar = bar("sensors");
    let summary = train::run(args, &bar);
    bar.finish_and_clear();
    let summary = summary.map_err(failure)?;
    println!("{summary}");
    Ok(if summary.failed.is_empty() { 0 } else { FAILED })
}
