//! Removes predictions that an earlier attempt has left of a sensor that fails now.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, stream};

use super::{Jobs, lock};
use crate::ledger::FailureReason;
use crate::steps::Context;

/// Removes them, so that a sensor has either predictions or a failure, never both.
///
/// Sensors that were not reached keep theirs, and so do those that share their path with another.
pub async fn remove(context: &Context, jobs: &Jobs) {
    let unreachable = AtomicBool::new(false);
    let requests = context.limits.requests.max(1);
    stream::iter(jobs.iter())
        .for_each_concurrent(requests, |job| async {
            let path = {
                let job = lock(job);
                let stale = job
                    .failure()
                    .is_some_and(|failure| owns_its_path(failure.reason));
                stale
                    .then(|| context.run.file.expand(&job.entry.key).ok())
                    .flatten()
            };
            let Some(url) = path.and_then(|path| context.run.output.join(&path).ok()) else {
                return;
            };
            // While storage does not answer, every deletion would wait for its retries in vain.
            if unreachable.load(Ordering::Relaxed) {
                return;
            }
            if let Err(error) = context.storage.delete(&url).await {
                unreachable.fetch_or(error.is_temporary(), Ordering::Relaxed);
                tracing::warn!(%url, "predictions of an earlier attempt may be left: {error}");
            }
        })
        .await;
}

fn owns_its_path(reason: FailureReason) -> bool {
    use FailureReason::{DuplicateSensor, KeyMissing, NotScored, OutputCollision};
    !matches!(
        reason,
        DuplicateSensor | KeyMissing | NotScored | OutputCollision
    )
}
