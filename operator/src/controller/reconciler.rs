use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use kube::Resource;
use kube::core::NamespaceResourceScope;
use kube::runtime::controller::Action;

use super::{PassError, Tools, backoff};
use crate::stored::Versioned;

/// A controller: what its passes share, and how one goes.
pub trait Reconciler: Send + Sync + 'static {
    /// The kind of its objects.
    type Object: Versioned
        + Resource<Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Send
        + Sync
        + 'static;
    /// An object with what the API server always sets: what a pass works by.
    type Snapshot: Send + Sync;

    /// Changes that come in such a burst are looked at once.
    const DEBOUNCE: Duration;
    /// Passes at the same time.
    const CONCURRENCY: u16;
    /// Longest wait after errors.
    const LONGEST_WAIT: Duration = backoff::LONGEST;

    /// What every controller works with.
    fn tools(&self) -> &Tools;

    /// The snapshot of an object, unless that lacks what every stored object has.
    fn snapshot(object: &Self::Object) -> Option<Self::Snapshot>;

    /// One pass over one object: looks at everything, acts, writes the status, and says when to look again. It may be given up at any
    /// call, and done again at any time.
    fn pass(
        &self,
        object: &Self::Object,
        snapshot: &Self::Snapshot,
    ) -> impl Future<Output = Result<Action, PassError>> + Send;

    /// Forgets what it keeps of objects that are gone; `is_known` tells by the UID. Called now and then.
    fn forget(&self, is_known: &dyn Fn(&str) -> bool);
}
