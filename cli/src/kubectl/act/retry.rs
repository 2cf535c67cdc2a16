//! `retry`.

use clap::Args;
use fleetscore_cluster::act::{Retry, RetryRefusal, retry};
use fleetscore_cluster::{Run, Target};
use fleetscore_crds::ScoringRun;

use super::wait::Waiting;
use crate::commands::{CommandError, Result, usage};
use crate::kubectl::format::{Form, FormatArgs};
use crate::kubectl::login::LoginArgs;
use crate::kubectl::screen::{Cell, Page};
use crate::kubectl::{exit, words};

/// Score again the sensors that failed in a run
///
/// Creates a run that is the same but for its sensors. The earlier run stays as it is; when
/// that one is deleted, the retry goes with it. Where the output location holds {run}, the
/// predictions land in the retry's own place, else beside those of the earlier run.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore retry pumps-1764324000
  kubectl fleetscore retry pumps --reason StorageUnavailable --wait      the schedule's newest run
  kubectl fleetscore retry pumps-1764324000 --dry-run -o yaml

Exit codes: 0 created; 1 it cannot be retried; 2 the name is wrong; 4 no such run; 5 cannot tell.
With --wait: 0 succeeded, 1 failed, 3 partially succeeded, 124 not ended in time.")]
pub struct RetryArgs {
    /// The run, or a schedule for its newest one
    #[arg(value_name = "RUN")]
    target: Target,
    /// Only sensors that failed for this reason; may be repeated
    #[arg(long = "reason", value_name = "REASON")]
    reasons: Vec<String>,
    /// The name of the new run; default: the run's with -r1, -r2 and so on
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Let the API server check the new run, print it, and create nothing
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &RetryArgs) -> Result {
    super::interruptible(async {
        let (cluster, scope) = args.login.connect().await?;
        let run = cluster
            .run(&scope, &args.target)
            .await
            .map_err(exit::cluster)?;
        let namespace = run.namespace();
        let object = cluster.raw::<ScoringRun>(namespace, run.name()).await;
        let object = object.map_err(exit::cluster)?;
        let run: Run = serde_json::from_value(object.clone()).map_err(exit::cannot_tell)?;
        let retry = retry(&object, &run, args.name.as_deref(), &args.reasons).map_err(refused)?;
        let created = cluster
            .create::<ScoringRun>(namespace, &retry.object, args.dry_run)
            .await;
        let created = created.map_err(|error| {
            super::written(error, || {
                format!(
                    "there is a run {} already: retry that one (kubectl fleetscore retry {} -n {namespace}), or choose another --name",
                    retry.name, retry.name
                )
            })
        })?;
        if args.dry_run {
            let retry = Retry {
                object: created,
                ..retry
            };
            print(args, &run, &retry)?;
            return Ok(0);
        }
        // With --wait, data on standard output is that of the ended run alone.
        if !args.waiting.wait || args.format.output.is_none() {
            print(args, &run, &retry)?;
        }
        let created: Run = serde_json::from_value(created).map_err(exit::cannot_tell)?;
        args.waiting.end(&cluster, &created, &args.format).await
    })
}

fn refused(refusal: RetryRefusal) -> CommandError {
    match refusal {
        RetryRefusal::Name(_) => usage(refusal),
        RetryRefusal::Unreadable(..) => exit::cannot_tell(refusal),
        refusal => super::refused(refusal),
    }
}

fn print(args: &RetryArgs, run: &Run, retry: &Retry) -> Result<()> {
    let names = |retry: &Retry| vec![format!("run/{}", retry.name)];
    if matches!(args.format.output, Some(Form::Json | Form::Yaml)) && args.dry_run {
        return args.format.print(&retry.object, |_| Vec::new(), |_, _| {});
    }
    args.format.print(retry, names, |retry, page| {
        draw(retry, run, args.dry_run, page);
    })
}

fn draw(retry: &Retry, run: &Run, dry: bool, page: &mut Page) {
    let verb = if dry { "would be created" } else { "created" };
    let sensors = words::counted(retry.sensors, "sensor");
    let what = format!(
        "run/{} {verb}: it scores {sensors} of {} again",
        retry.name,
        run.name()
    );
    page.paragraph(&Cell::default(), &what.into());
    let place = retry
        .location
        .as_deref()
        .unwrap_or("a place that its output location names");
    let how = if retry.in_place {
        format!(
            "predictions land in {place}, beside those of {}; its report in _run/retry/{}/",
            run.name(),
            retry.name
        )
    } else {
        format!(
            "predictions land in {place}; those of {} stay where they are",
            run.name()
        )
    };
    page.paragraph(&Cell::default(), &how.into());
}
