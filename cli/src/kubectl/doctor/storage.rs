//! Storage, as the person's own login reaches it.

use fleetscore_cluster::Run;
use fleetscore_scorer::outputs;

use super::Objects;
use super::check::Check;
use crate::commands::Result;
use crate::kubectl::storage::{Place, StorageArgs, error};

const CATEGORY: &str = "storage";

/// Checks that the plan of the newest run that has one can be found. `probed`: pods are asked, too.
pub async fn check(objects: &Objects, args: &StorageArgs, probed: bool) -> Check {
    let planned = objects.runs.iter().filter(|run| {
        let status = run.status.as_ref();
        status.is_ok_and(|status| status.sensors.is_some())
    });
    let Some(run) = planned.max_by_key(|run| run.created()) else {
        return Check::warn(
            CATEGORY,
            "not tried: no run here has been planned yet",
            "create a run; fleetscore plan -f run.yaml tries it from this machine",
        );
    };
    let name = run.name();
    match has_plan(run, args).await {
        Ok(true) => Check::ok(CATEGORY, format!("your login reads the plan of run {name}")),
        Ok(false) => Check::warn(
            CATEGORY,
            format!("the plan of run {name} is not there any more"),
            "has it been cleaned up? Reports, logs and retries of that run are gone with it",
        ),
        Err(error) => {
            let more = if probed {
                ""
            } else {
                "; kubectl fleetscore doctor --probe read asks as pods do"
            };
            Check::warn(
                CATEGORY,
                format!("{:#}", error.error),
                format!("logs, failed and report need it from this machine; runs do not{more}"),
            )
        }
    }
}

async fn has_plan(run: &Run, args: &StorageArgs) -> Result<bool> {
    let place = Place::of(run, args)?;
    let url = place
        .output
        .join(&place.own(own(outputs::PLAN)))
        .map_err(error)?;
    place.storage.exists(&url).await.map_err(error)
}

/// The name of one of a run's own files within its folder.
fn own(path: &str) -> &str {
    path.strip_prefix(outputs::RUN_FOLDER).unwrap_or(path)
}
