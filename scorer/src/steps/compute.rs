use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use super::files::Files;
use super::{Limits, StepError};

/// With less memory than this, in bytes, work is always done on the same few threads: each thread keeps some of what it has used. It
/// takes two switches of threads more.
const SPARING: usize = 128 << 20;

/// The threads that compute: so many, however many sensors are worked on at the same time; and those that read and write files. They are
/// made when there is work.
#[derive(Clone, Debug)]
pub struct Compute {
    threads: usize,
    /// Whether memory is so little that what threads keep of it counts.
    sparing: bool,
    pool: Arc<OnceLock<Arc<rayon::ThreadPool>>>,
    turns: Arc<Semaphore>,
    /// How many read and write files.
    at_files: usize,
    files: Arc<OnceLock<Option<Files>>>,
}

impl Compute {
    /// As many threads as the limits allow, but at least one.
    pub fn new(limits: &Limits) -> Self {
        let threads = limits.threads.max(1);
        Self {
            threads,
            sparing: limits.memory < SPARING,
            pool: Arc::default(),
            turns: Arc::new(Semaphore::new(threads)),
            at_files: limits.files(),
            files: Arc::default(),
        }
    }

    /// The threads that read and write files; none where the system gives none.
    pub(super) fn files(&self) -> Option<&Files> {
        let start = || Files::new(self.at_files).ok();
        self.files.get_or_init(start).as_ref()
    }

    /// The threads as a pool, for work that is shared out among them.
    pub fn pool(&self) -> Result<Arc<rayon::ThreadPool>, StepError> {
        if let Some(pool) = self.pool.get() {
            return Ok(Arc::clone(pool));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads);
        let pool = pool
            .build()
            .map_err(|error| StepError::Internal(error.to_string()))?;
        Ok(Arc::clone(self.pool.get_or_init(|| Arc::new(pool))))
    }

    /// Does work that fills one thread, away from those that serve requests: as many at a time as there are threads.
    ///
    /// # Errors
    ///
    /// The work has panicked, or there are no threads.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let pool = self.sparing.then(|| self.pool()).transpose()?;
        // The semaphore is never closed.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            match pool {
                Some(pool) => pool.install(work),
                None => work(),
            }
        });
        done.await
            .map_err(|error| StepError::Internal(error.to_string()))
    }
}
