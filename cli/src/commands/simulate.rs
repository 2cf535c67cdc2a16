//! `fleetscore simulate`.

use fleetscore_cli::simulate::{self, SimulateArgs};

use super::{Result, failure};
use crate::progress::bar;

/// Runs the command.
pub fn run(args: &SimulateArgs) -> Result {
    let bar = bar("rows");
    let summary = simulate::run(args, &bar);
    bar.finish_and_clear();
    println!("{}", summary.map_err(failure)?);
    Ok(0)
}
