//! A log read by a pod that is started for it.

use fleetscore_cluster::{Cluster, Run};
use fleetscore_crds::{RunNames, fill};

use super::Log;
use crate::commands::Result;
use crate::kubectl::exit;
use crate::kubectl::pod::{Question, ask, template};
use crate::kubectl::storage::log_folder;

/// Bytes that it shows at most. Less than what a kubelet keeps of a log.
const BYTES: u64 = 8 << 20;

/// The log, by a pod that is deleted again in any case.
pub(super) async fn run(cluster: &Cluster, run: &Run, log: Log) -> Result<String> {
    let url = url(run, log)?;
    let job = template(cluster, run).await?;
    let question = Question {
        command: "show",
        args: vec![url.clone(), "--max-bytes".to_owned(), BYTES.to_string()],
        words: format!("reads {url}"),
    };
    ask(cluster, run, &job, &question).await
}

/// Where the log is.
fn url(run: &Run, log: Log) -> Result<String> {
    let spec = run.spec.as_ref().map_err(exit::cannot_tell)?;
    let names = RunNames {
        run: run.name(),
        namespace: Some(run.namespace()),
        schedule: run.schedule(),
        window: spec.window,
    };
    let location = log_folder(run, spec);
    let folder = fill(&location, names)
        .ok_or_else(|| exit::cannot_tell(format!("the location {location:?} cannot be filled")))?;
    Ok(folder + &log.file())
}
