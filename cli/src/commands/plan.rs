//! `fleetscore plan`.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use fleetscore_cli::manifest::{self, Loaded};
use fleetscore_crds::{Manifest, visible};
use fleetscore_scorer::run::Run;
use fleetscore_scorer::steps::{self, Limits, StepError, Survey};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::cost::{self, Cost, CostArgs};
use super::schedule::{self, TickArgs};
use super::stream;
use super::{FAILED, ManifestArgs, Result, block_on, failure, load, open, output, usage};

/// How long a request to storage is tried again: somebody is waiting.
const RETRY: Duration = Duration::from_secs(30);
/// Failing sensors that are listed.
const EXAMPLES: usize = 20;

/// Show what a run would do, when a schedule runs, or what a stream reads, without writing
///
/// Of a `ScoringRun`: lists the sensors, looks for their models and readings, and prints
/// the number of shards (pods) and of bytes to read. Every model is read. Sensors that are
/// sure to fail are listed with the reason, and what to look at of the others.
///
/// Of a `ScoringSchedule`: prints the next ticks with the windows that their runs score.
///
/// Of a `ReadingStream`: reads the last events of each partition, and shows the readings
/// that they become, and what is refused and why.
///
/// With the price of a node: how long a run takes and what it and a month of runs cost
/// on 1, 2, 4, 8 and as many nodes as there are, and how long nodes without work should
/// stay. Every number that is taken for granted is named.
#[derive(Args)]
#[command(after_help = "\
Examples:
  fleetscore plan -f run.yaml
  fleetscore plan -f run.yaml --set spec.sharding.sensorsPerPod=50
  fleetscore plan -f run.yaml --json | jq -r '.failing[].message'
  fleetscore plan -f stream.yaml
  fleetscore plan -f schedule.yaml --from 2026-03-07T00:00:00Z --ticks 3
  fleetscore plan -f schedule.yaml --price 0.19 --node-cpus 4 --sensors 15000 --deadline 15m

Exit codes:
  0  every sensor can be scored; the schedule has ticks; every event can be used
  1  some sensors are sure to fail, or storage cannot be read; the schedule never ticks;
     some events cannot be used, or the hub cannot be read
  2  the command line or the manifest is wrong")]
pub struct PlanArgs {
    #[command(flatten)]
    manifest: ManifestArgs,
    #[command(flatten)]
    ticks: TickArgs,
    #[command(flatten)]
    cost: CostArgs,
    /// Print the plan as JSON, with every sensor that is sure to fail and every warning
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &PlanArgs) -> Result {
    match load(&args.manifest)? {
        Loaded::Schedule(manifest) => {
            Run::check_schedule(&manifest).map_err(usage)?;
            schedule::plan(&manifest.spec, &args.ticks, &args.cost, args.json)
        }
        Loaded::Stream(_) if args.cost.given() => Err(usage(anyhow!(
            "{}: is a ReadingStream, whose pods always run; --price is for runs and schedules",
            manifest::name(&args.manifest.file)
        ))),
        Loaded::Stream(manifest) => stream::plan(&manifest, args.json),
        Loaded::Run(_) if args.ticks.given() => Err(usage(anyhow!(
            "{}: is a ScoringRun; --from and --ticks are for a ScoringSchedule",
            manifest::name(&args.manifest.file)
        ))),
        Loaded::Run(manifest) => plan(manifest, &args.cost, args.json),
    }
}

fn plan(manifest: Manifest, cost: &CostArgs, json: bool) -> Result {
    let context = open(manifest, Limits::default(), RETRY)?;
    let asked = context.run.spec.sharding.sensors_per_pod;
    let survey = block_on(steps::survey(&context))?.map_err(|error: StepError| {
        if error.is_invalid() {
            usage(error)
        } else {
            failure(error)
        }
    })?;
    let cost = cost::estimate(cost, &context.run.spec, Some(survey.sensors), &[])?;
    if json {
        output::print_json(&Plan {
            survey: &survey,
            cost: cost.as_ref(),
        })?;
    } else {
        let cost = cost.as_ref().map(cost::text).unwrap_or_default();
        output::print(text(&survey, asked) + &cost)?;
    }
    Ok(if survey.failing.is_empty() { 0 } else { FAILED })
}

/// The plan as JSON.
#[derive(Serialize)]
struct Plan<'a> {
    #[serde(flatten)]
    survey: &'a Survey,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<&'a Cost>,
}

/// `asked` are the sensors a pod that the spec asks for.
fn text(survey: &Survey, asked: u32) -> String {
    let per_pod = survey.sensors_per_shard;
    let why = if per_pod > asked {
        format!("; {asked} would need more than sharding.maxPods")
    } else {
        String::new()
    };
    let mut text = format!(
        "sensors        {}
shards         {} ({per_pod} sensors a pod on a cluster{why})
models         {}
readings       {} in {} objects
bytes to read  {} at most, by all pods together
",
        HumanCount(survey.sensors),
        HumanCount(survey.shards),
        HumanBytes(survey.model_bytes),
        HumanBytes(survey.input_bytes),
        HumanCount(survey.input_objects),
        HumanBytes(survey.bytes_to_read),
    );
    if let Some(incomplete) = &survey.incomplete {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "\nreadings are not complete: {}", visible(incomplete));
    }
    let failing = survey
        .failing
        .iter()
        .map(|sensor| format!("{}  {:?}: {}", sensor.key, sensor.reason, sensor.message));
    push_examples(&mut text, "sensors that are sure to fail", failing);
    let warnings = survey
        .warnings
        .iter()
        .map(|warning| format!("{}  {:?}: {}", warning.key, warning.reason, warning.message));
    push_examples(&mut text, "warnings", warnings);
    text
}

/// The first of some lines, under a title with their count; nothing without lines.
fn push_examples(text: &mut String, title: &str, lines: impl ExactSizeIterator<Item = String>) {
    let count = lines.len();
    if count == 0 {
        return;
    }
    // Writing into a text cannot fail.
    let _ = writeln!(text, "\n{title}: {}", HumanCount(count as u64));
    for line in lines.take(EXAMPLES) {
        let _ = writeln!(text, "  {}", visible(&line));
    }
    if let Some(more) = count.checked_sub(EXAMPLES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more (all of them with --json)");
    }
}
