//! Removes predictions that an earlier attempt or run has left of a sensor that fails now.

use futures::{StreamExt, TryStreamExt, stream};

use super::{Jobs, lock};
use crate::place::PlaceError;
use crate::steps::{Context, StepError};
use fleetscore_crds::FailureReason;
use fleetscore_storage::ObjectUrl;

/// Removes them, so that a sensor has either predictions or a failure, never both.
///
/// Sensors that were not reached keep theirs, and so do those that share their path with another.
///
/// # Errors
///
/// One of them cannot be removed: the step must be tried again.
pub async fn remove(context: &Context, jobs: &Jobs) -> Result<(), StepError> {
    let requests = context.limits.requests.max(1);
    stream::iter(jobs.iter())
        .filter_map(|job| async {
            let job = lock(job);
            let stale = job
                .failure()
                .is_some_and(|failure| owns_its_path(failure.reason));
            let path = stale.then(|| context.run.file.expand(&job.entry.key).ok());
            context.run.output.join(&path.flatten()?).ok()
        })
        .map(Ok)
        .try_for_each_concurrent(requests, |url| async move {
            match context.place.delete(&url).await {
                Err(PlaceError::Storage(error)) if error.is_denied() => {
                    refuse_left(context, &url, error.into()).await
                }
                done => Ok(done?),
            }
        })
        .await
}

/// Credentials that must not delete are enough where there is nothing to delete.
async fn refuse_left(
    context: &Context,
    url: &ObjectUrl,
    error: StepError,
) -> Result<(), StepError> {
    if context.storage.exists(url).await? {
        return Err(error);
    }
    Ok(())
}

fn owns_its_path(reason: FailureReason) -> bool {
    use FailureReason::{DuplicateSensor, KeyMissing, NotScored, OutputCollision};
    !matches!(
        reason,
        DuplicateSensor | KeyMissing | NotScored | OutputCollision
    )
}
