//! `fleetscore plan`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use fleetscore_scorer::steps::{self, Limits, StepError, Survey};
use indicatif::{HumanBytes, HumanCount};

use super::{FAILED, Result, block_on, failure, open_run, usage};

/// How long a request to storage is tried again: somebody is waiting.
const RETRY: Duration = Duration::from_secs(30);
/// Failing sensors that are listed.
const EXAMPLES: usize = 20;

/// Show what a run would do, without writing anything.
///
/// Lists the sensors, looks for their models and readings, and prints the number of shards (pods) and of bytes to read.
/// Exit codes: 0 every sensor can be scored; 1 some are sure to fail; 2 the manifest is wrong.
#[derive(Args)]
pub struct PlanArgs {
    /// The manifest: YAML or JSON, one ScoringRun.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    file: PathBuf,
    /// Overrides a field of the manifest; may be repeated.
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Print the plan as JSON, with every sensor that is sure to fail.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &PlanArgs) -> Result {
    let context = open_run(&args.file, &args.set, Limits::default(), RETRY)?;
    let per_pod = context.run.spec.sharding.sensors_per_pod;
    let survey = block_on(steps::survey(&context, per_pod))?.map_err(|error: StepError| {
        if error.is_invalid() {
            usage(error)
        } else {
            failure(error)
        }
    })?;
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&survey).map_err(failure)?
        );
    } else {
        print(&survey, per_pod);
    }
    Ok(if survey.failing.is_empty() { 0 } else { FAILED })
}

fn print(survey: &Survey, per_pod: u32) {
    println!("sensors        {}", HumanCount(survey.sensors));
    println!(
        "shards         {} ({per_pod} sensors a pod on a cluster)",
        HumanCount(survey.shards)
    );
    println!("models         {}", HumanBytes(survey.model_bytes));
    println!(
        "readings       {} in {} objects",
        HumanBytes(survey.input_bytes),
        HumanCount(survey.input_objects)
    );
    println!(
        "bytes to read  {} at most, by all pods together",
        HumanBytes(survey.bytes_to_read)
    );
    if survey.failing.is_empty() {
        return;
    }
    println!(
        "\n{} sensors are sure to fail:",
        HumanCount(survey.failing.len() as u64)
    );
    for sensor in survey.failing.iter().take(EXAMPLES) {
        println!("  {}  {:?}: {}", sensor.key, sensor.reason, sensor.message);
    }
    if survey.failing.len() > EXAMPLES {
        println!(
            "  and {} more (all of them with --json)",
            survey.failing.len() - EXAMPLES
        );
    }
}
