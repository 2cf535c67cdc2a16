//! `trigger`.

use std::time::{Duration, Instant};

use clap::Args;
use fleetscore_cluster::act::{Pace, Triggered, trigger_value, triggered};
use fleetscore_cluster::{Cluster, Run, Schedule, Scope, Target};
use fleetscore_crds::{ScoringSchedule, TRIGGER_ANNOTATION};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::wait::Waiting;
use crate::commands::{Result, output};
use crate::kubectl::exit;
use crate::kubectl::format::FormatArgs;
use crate::kubectl::login::LoginArgs;

/// How long the operator may take to see a trigger.
const SEEN: Duration = Duration::from_mins(1);

/// Run a schedule now
///
/// Makes one run of the window of the last tick, beside any other and also of a suspended
/// schedule. Prints the run's name once the operator has created it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore trigger pumps -n plant-a
  kubectl fleetscore trigger pumps --wait --timeout 30m

Exit codes: 0 created; 1 another trigger was faster; 4 no such schedule; 5 cannot tell; 124 the
operator has created no run within a minute. With --wait: 0 succeeded, 1 failed, 3 partially
succeeded, 124 not ended in time.")]
pub struct TriggerArgs {
    /// The schedule
    #[arg(value_name = "SCHEDULE")]
    target: Target,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// What is printed of a trigger.
#[derive(Serialize, JsonSchema)]
pub struct TriggerView {
    /// Version of this form: 1.
    version: u32,
    /// The schedule.
    schedule: String,
    /// The run that was made of it.
    run: String,
}

/// Runs the command.
pub fn run(args: &TriggerArgs) -> Result {
    super::interruptible(async {
        let (cluster, scope) = args.login.connect().await?;
        let schedule = super::schedule(&cluster, &scope, &args.target).await?;
        let (namespace, name) = (schedule.namespace(), schedule.name());
        let place = Scope::Namespace(namespace.to_owned());
        if !is_seen(&cluster, &place, &schedule).await? {
            return Ok(late(namespace));
        }
        let value = trigger_value(Timestamp::now(), rand::random());
        let patch = json!({"metadata": {"annotations": {TRIGGER_ANNOTATION: value}}});
        cluster
            .merge::<ScoringSchedule>(namespace, name, &patch)
            .await
            .map_err(|error| {
                super::written(error, || {
                    format!("schedule {name} is being changed by somebody else; try again")
                })
            })?;
        let Some(run) = run_of(&cluster, &place, name, &value).await? else {
            output::note(&format!(
                "error: the operator has created no run within {} s. It will when it is back; kubectl fleetscore doctor -n {namespace} tells what it lacks",
                SEEN.as_secs()
            ));
            return Ok(exit::TIMED_OUT);
        };
        if !args.waiting.wait || args.format.output.is_none() {
            let view = TriggerView {
                version: 1,
                schedule: name.to_owned(),
                run: run.clone(),
            };
            let names = |view: &TriggerView| vec![format!("run/{}", view.run)];
            args.format.print(&view, names, |view, page| {
                page.line([format!("run/{} created", view.run).into()]);
            })?;
        }
        if !args.waiting.wait {
            return Ok(0);
        }
        let run: Run = cluster.get(&place, &run).await.map_err(exit::cluster)?;
        args.waiting.end(&cluster, &run, &args.format).await
    })
}

/// Whether the operator has seen the schedule, or does so in time. A trigger that is there when it first sees a schedule makes no run: it
/// came with the manifest.
async fn is_seen(cluster: &Cluster, scope: &Scope, schedule: &Schedule) -> Result<bool> {
    let pace = Pace::default();
    let begun = Instant::now();
    let is_settled = |schedule: &Schedule| {
        let status = schedule.status.as_ref();
        status.is_ok_and(|status| status.settled.is_some())
    };
    let mut settled = is_settled(schedule);
    while !settled {
        if begun.elapsed() >= SEEN {
            return Ok(false);
        }
        tokio::time::sleep(pace.look / 4).await;
        match cluster.get::<Schedule>(scope, schedule.name()).await {
            Ok(schedule) => settled = is_settled(&schedule),
            Err(error) if error.may_pass() && begun.elapsed() < pace.away => {}
            Err(error) => return Err(exit::cluster(error)),
        }
    }
    Ok(true)
}

/// Says that the operator does not look at the schedule; the code of that.
fn late(namespace: &str) -> u8 {
    output::note(&format!(
        "error: the operator has not looked at the schedule within {} s, so it was not triggered; kubectl fleetscore doctor -n {namespace} tells what it lacks",
        SEEN.as_secs()
    ));
    exit::TIMED_OUT
}

/// The run of the trigger `value`; none where the operator has not seen it in time.
async fn run_of(
    cluster: &Cluster,
    scope: &Scope,
    name: &str,
    value: &str,
) -> Result<Option<String>> {
    let pace = Pace::default();
    let begun = Instant::now();
    loop {
        let schedule = cluster.get::<Schedule>(scope, name).await;
        let schedule = match schedule {
            Err(error) if error.may_pass() && begun.elapsed() < pace.away => None,
            schedule => Some(schedule.map_err(exit::cluster)?),
        };
        let mut found = schedule
            .as_ref()
            .map_or(Triggered::Waits, |found| triggered(found, [], value));
        if let (Triggered::Overwritten, Some(schedule)) = (&found, &schedule) {
            let runs = cluster.runs_of(scope, name).await.map_err(exit::cluster)?;
            found = triggered(schedule, &runs, value);
        }
        match found {
            Triggered::Run(run) => return Ok(Some(run)),
            Triggered::Taken => {
                return Err(super::refused(format!(
                    "a run of somebody else has the name of this trigger's run of {name}; trigger it again"
                )));
            }
            Triggered::Overwritten => {
                return Err(super::refused(format!(
                    "another trigger of {name} came before the operator saw this one, and has the run now"
                )));
            }
            Triggered::Waits if begun.elapsed() >= SEEN => return Ok(None),
            Triggered::Waits => tokio::time::sleep(pace.look / 4).await,
        }
    }
}
