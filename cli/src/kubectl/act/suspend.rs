//! `suspend` and `resume`.

use clap::Args;
use fleetscore_cluster::act::{Suspension, suspension};
use fleetscore_cluster::{Cluster, ClusterError, Found, Kinds, Raw, Seen, Target, find};
use fleetscore_crds::{ReadingStream, ScoringRun, ScoringSchedule};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::commands::{Result, output};
use crate::kubectl::exit;
use crate::kubectl::format::FormatArgs;
use crate::kubectl::login::LoginArgs;

/// Options of both.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kubectl fleetscore suspend schedule/pumps -n plant-a
  kubectl fleetscore resume schedule/pumps -n plant-a
  kubectl fleetscore suspend run/pumps-1764324000

Exit codes: 0 done, or it was so already; 1 the run has ended, or it was changed meanwhile;
4 no such object; 5 cannot tell.")]
pub struct SuspendArgs {
    /// run/NAME, schedule/NAME or stream/NAME; NAME alone where only one of them has it
    #[arg(value_name = "OBJECT")]
    target: Target,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// What is printed of it.
#[derive(Serialize, JsonSchema)]
pub struct SuspendView {
    /// Version of this form: 1.
    version: u32,
    /// The object, as `run/NAME`, `schedule/NAME` or `stream/NAME`.
    object: String,
    #[serde(flatten)]
    suspension: Suspension,
}

/// Runs `suspend`, or `resume`.
pub fn run(args: &SuspendArgs, suspend: bool) -> Result {
    super::interruptible(async {
        let (cluster, scope) = args.login.connect().await?;
        let found = find(&cluster, &scope, &args.target, Kinds::ALL).await;
        match found.map_err(exit::cluster)? {
            Found::Run(run) => {
                let object = cluster.raw::<ScoringRun>(run.namespace(), run.name()).await;
                let found = object.map_err(exit::cluster)?;
                let Some(suspension) = suspension(&found, Some(&run), suspend) else {
                    return Err(super::refused(format!(
                        "run {} has ended, and is never run again; kubectl fleetscore retry scores what failed",
                        run.name()
                    )));
                };
                let name = format!("run/{}", run.name());
                change::<ScoringRun>(
                    args,
                    &cluster,
                    (run.namespace(), run.name()),
                    name,
                    suspension,
                )
                .await
            }
            Found::Schedule(schedule) => {
                let place = (schedule.namespace(), schedule.name());
                let object = cluster.raw::<ScoringSchedule>(place.0, place.1).await;
                let name = format!("schedule/{}", schedule.name());
                change::<ScoringSchedule>(args, &cluster, place, name, of(object, suspend)?).await
            }
            Found::Stream(stream) => {
                let place = (stream.namespace(), stream.name());
                let object = cluster.raw::<ReadingStream>(place.0, place.1).await;
                let name = format!("stream/{}", stream.name());
                change::<ReadingStream>(args, &cluster, place, name, of(object, suspend)?).await
            }
        }
    })
}

fn of(object: std::result::Result<Value, ClusterError>, suspend: bool) -> Result<Suspension> {
    let object = object.map_err(exit::cluster)?;
    suspension(&object, None, suspend).ok_or_else(|| exit::cannot_tell("it has ended"))
}

async fn change<K>(
    args: &SuspendArgs,
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    object: String,
    suspension: Suspension,
) -> Result
where
    Raw<K>: Seen,
{
    if !suspension.already {
        let changed = cluster.merge::<K>(namespace, name, &suspension.patch).await;
        changed.map_err(|error| {
            super::written(error, || {
                format!("{object} was changed meanwhile; try again")
            })
        })?;
    }
    if let Some(git) = &suspension.git {
        let value = suspension.suspend.to_string();
        output::note(&format!("warning: {}", git.warning("spec.suspend", &value)));
    }
    let view = SuspendView {
        version: 1,
        object,
        suspension,
    };
    args.format.print(
        &view,
        |view| vec![view.object.clone()],
        |view, page| {
            let done = match (view.suspension.suspend, view.suspension.already) {
                (true, false) => "suspended",
                (true, true) => "was suspended already",
                (false, false) => "resumed",
                (false, true) => "was not suspended",
            };
            page.line([format!("{} {done}", view.object).into()]);
        },
    )?;
    Ok(0)
}
