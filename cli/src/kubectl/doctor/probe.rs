//! Storage, as a run's pods reach it.

use clap::ValueEnum;

use super::check::Check;
use super::{Ask, Objects};
use crate::commands::Result;
use crate::kubectl::exit;
use crate::kubectl::pod::{Question, ask, template};

const CATEGORY: &str = "storage";

/// What a pod tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Probe {
    /// Reads where models, readings and predictions lie
    Read,
    /// Also writes an object into `_run/`, reads it and deletes it
    Write,
}

/// Checks it with a pod made from the template of the newest run's collect Job.
///
/// # Errors
///
/// Code 130 on Ctrl-C; the pod is deleted before.
pub async fn check(on: &Ask<'_>, objects: &Objects, probe: Probe) -> Result<Check> {
    let Some(run) = objects.runs.iter().max_by_key(|run| run.created()) else {
        return Ok(Check::warn(
            CATEGORY,
            "no pod was started: there is no run whose storage it could try",
            "create a run",
        ));
    };
    let job = match template(on.cluster, run).await {
        Ok(job) => job,
        Err(error) => {
            return Ok(Check::warn(
                CATEGORY,
                format!("no pod was started: {:#}", error.error),
                "create a run, or trigger a schedule; try again once it has ended",
            ));
        }
    };
    let args = (probe == Probe::Write).then(|| "--write".to_owned());
    let question = Question {
        command: "probe",
        args: args.into_iter().collect(),
        words: format!("tries the storage of run {}", run.name()),
    };
    match ask(on.cluster, run, &job, &question).await {
        Ok(told) => {
            let told = told.trim_end().replace('\n', "; ");
            Ok(Check::ok(
                CATEGORY,
                format!("a pod as those of run {}: {told}", run.name()),
            ))
        }
        Err(error) if error.code == exit::INTERRUPTED => Err(error),
        Err(error) => Ok(Check::fail(
            CATEGORY,
            format!("a pod as those of run {}: {:#}", run.name(), error.error).replace('\n', ": "),
            "mend the identity, its role, the secret or the network of the pods (docs/cluster/troubleshooting.md)",
        )),
    }
}
