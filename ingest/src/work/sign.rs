use std::sync::Arc;
use std::time::Duration;

use super::beat::Beat;
use super::engine::Shared;
use super::lock;
use super::state::Watch;
use crate::folder::PublisherProgress;

/// How often the worker shows what it does while a step takes long.
const SHOW: Duration = Duration::from_secs(1);

/// Shows others that the worker is alive, and what it does.
pub(super) struct Sign {
    pub beat: Beat,
    pub watch: Watch,
    pub shared: Arc<Shared>,
}

impl Sign {
    pub fn show(&self) {
        self.beat.strike();
        let seen = lock(&self.shared.seen).clone();
        self.watch.change(|state| state.seen = seen);
    }

    pub fn note_published(&self, progress: PublisherProgress) {
        *lock(&self.shared.published) = progress.complete_through;
        self.watch.change(|state| state.published = progress);
    }

    /// Awaits a step that may take long.
    pub async fn show_while<T>(&self, step: impl Future<Output = T>) -> T {
        let mut step = Box::pin(step);
        loop {
            self.show();
            tokio::select! {
                done = &mut step => return done,
                () = tokio::time::sleep(SHOW) => {}
            }
        }
    }
}
