//! One pass over one object, whatever its kind.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::{PassError, Reconciler, unreadable};
use crate::stored::{Stored, Versioned};

/// How long one pass may take. Decisions may rest on it: what a pass saw is no older when it acts.
pub const PASS: Duration = Duration::from_mins(1);
/// How soon to look again where another version of the object, or of what it waits for, is on its way.
const SOON: Duration = Duration::from_millis(500);

/// One pass over one object, in a task of its own: a defect that one object brings out must not stop the others. An object that cannot be
/// read is told so. Counts the pass.
///
/// # Errors
///
/// See [`PassError`]; a pass may simply be done again.
pub async fn reconcile<R: Reconciler>(
    object: Arc<Stored<R::Object>>,
    reconciler: Arc<R>,
) -> Result<Action, PassError> {
    let started = std::time::Instant::now();
    let task = tokio::spawn(guarded(object, reconciler.clone()));
    let result = task.await;
    reconciler.tools().metrics.reconciled(started.elapsed());
    result.unwrap_or_else(|error| Err(PassError::Panicked(error.to_string())))
}

async fn guarded<R: Reconciler>(
    stored: Arc<Stored<R::Object>>,
    reconciler: Arc<R>,
) -> Result<Action, PassError> {
    let (kind, tools) = (R::Object::KIND, reconciler.tools());
    let object = match &stored.0 {
        Ok(object) => object,
        Err(object) => {
            unreadable::tell::<R::Object>(tools, object, Timestamp::now()).await?;
            return Err(PassError::InvalidObject(kind, object.message.clone()));
        }
    };
    let snapshot = R::snapshot(object).ok_or(PassError::Unnamed(kind))?;
    let pass = tokio::time::timeout(PASS, reconciler.pass(object, &snapshot)).await;
    let action = pass.unwrap_or(Err(PassError::Timeout))?;
    tools.errors.clear(&object.uid().unwrap_or_default());
    Ok(action)
}

/// How long to wait after an error; counts and logs it.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the controller hands them over"
)]
pub fn error_policy<R: Reconciler>(
    object: Arc<Stored<R::Object>>,
    error: &PassError,
    reconciler: Arc<R>,
) -> Action {
    let tools = reconciler.tools();
    tools.metrics.failed(error.kind());
    if matches!(error, PassError::Outdated | PassError::Unlisted(_)) {
        return Action::requeue(SOON);
    }
    let (kind, name) = (R::Object::KIND, object.name_any());
    tracing::warn!(?kind, name, namespace = object.namespace(), "{error}");
    if matches!(error, PassError::InvalidObject(..)) {
        return Action::await_change();
    }
    let wait = tools.errors.wait(&object.uid().unwrap_or_default());
    Action::requeue(wait.min(R::LONGEST_WAIT))
}
