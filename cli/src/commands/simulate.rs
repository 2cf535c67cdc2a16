//! `fleetscore simulate`.

use fleetscore_cli::simulate::{self, Error, SimulateArgs};

use super::{Result, failure, output, usage};
use crate::progress::bar;

/// Runs the command.
pub fn run(args: &SimulateArgs) -> Result {
    let bar = bar("rows");
    let summary = simulate::run(args, &bar);
    bar.finish_and_clear();
    let summary = summary.map_err(|error| match error {
        Error::Tags { .. } | Error::Time { .. } | Error::NotEmpty { .. } => usage(error),
        error => failure(error),
    })?;
    output::print(format!("{summary}\n"))?;
    Ok(0)
}
