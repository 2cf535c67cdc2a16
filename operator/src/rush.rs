//! Who goes first when many schedules tick at once.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// Calls of each sort that run at the same time.
const CALLS: usize = 32;
/// How long others wait for creations at most.
const LONGEST: Duration = Duration::from_secs(20);

/// Who goes first where thousands of schedules tick in one minute: all runs are created before anything is done with them, and before
/// statuses and events are written. The API server is busy for much longer with these than with the runs; and a tick that has its run
/// can be lost no more.
pub struct Rush {
    creating: Semaphore,
    writing: Semaphore,
    /// Passes that have runs to create.
    pending: watch::Sender<usize>,
}

/// A pass that has runs to create.
struct Pending<'a>(&'a watch::Sender<usize>);

impl Default for Rush {
    fn default() -> Self {
        Self {
            creating: Semaphore::new(CALLS),
            writing: Semaphore::new(CALLS),
            pending: watch::Sender::new(0),
        }
    }
}

impl Rush {
    /// Creates runs, in turn.
    pub async fn create<T>(&self, creations: impl Future<Output = T>) -> T {
        let _pending = Pending::new(&self.pending);
        // The semaphore is never closed.
        let _turn = self.creating.acquire().await;
        creations.await
    }

    /// Waits until no runs are to be created, within bounds.
    pub async fn over(&self) {
        let mut pending = self.pending.subscribe();
        let _ = tokio::time::timeout(LONGEST, pending.wait_for(|pending| *pending == 0)).await;
    }

    /// The same; whoever holds what this gives may write.
    pub async fn turn_to_write(&self) -> Option<SemaphorePermit<'_>> {
        self.over().await;
        self.writing.acquire().await.ok()
    }
}

impl<'a> Pending<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn runs_are_created_before_anything_is_written() {
        let (rush, order) = (Rush::default(), Mutex::new(Vec::new()));
        let pass = |number: usize| {
            let (rush, order) = (&rush, &order);
            async move {
                rush.create(async {
                    for _ in 0..number {
                        tokio::task::yield_now().await;
                    }
                    order.lock().unwrap().push("run");
                })
                .await;
                let _turn = rush.turn_to_write().await;
                order.lock().unwrap().push("status");
            }
        };
        futures::future::join_all((1..=100).map(pass)).await;
        let order = order.into_inner().unwrap();
        assert!(order[..100].iter().all(|what| *what == "run"));
        assert_eq!(order.len(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_and_a_pass_that_is_given_up_does_not_count() {
        let rush = Rush::default();
        let never = rush.create(std::future::pending::<()>());
        let given_up = tokio::time::timeout(2 * LONGEST, never);
        let start = tokio::time::Instant::now();
        let (_, turn) = tokio::join!(given_up, rush.turn_to_write());
        assert!(turn.is_some());
        assert_eq!(*rush.pending.borrow(), 0);
        let waited = tokio::time::Instant::now() - start;
        assert_eq!(waited, 2 * LONGEST);
        let before = tokio::time::Instant::now();
        assert!(rush.turn_to_write().await.is_some());
        assert_eq!(tokio::time::Instant::now(), before);
    }
}
