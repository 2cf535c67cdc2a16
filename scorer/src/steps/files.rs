use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::{fmt, io};

use tokio::sync::oneshot;

type Work = Box<dyn FnOnce() + Send>;

/// Threads that read and write files, one after the other each.
///
/// They are none of the runtime's, so what is asked of storage there is done there and then. So a file is handed over once, and not once
/// for each step of reading or writing it, which may take longer than that.
#[derive(Debug)]
pub struct Files {
    shared: Arc<Shared>,
    /// Threads at most.
    most: usize,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Told when there is work, or there will be no more.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    threads: usize,
    /// Those that are not at work.
    idle: usize,
    /// Whether no more comes.
    closed: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue")
            .field("work", &self.work.len())
            .field("threads", &self.threads)
            .field("idle", &self.idle)
            .field("closed", &self.closed)
            .finish()
    }
}

impl Files {
    /// Up to `most` threads, but at least one: another starts when all are at work. Each keeps some of the memory that it has used, so
    /// no more do than are needed.
    ///
    /// Errors: the system gives none.
    pub fn new(most: usize) -> io::Result<Self> {
        let files = Self {
            shared: Arc::default(),
            most,
        };
        files.start(&mut files.shared.queue())?;
        Ok(files)
    }

    fn start(&self, queue: &mut Queue) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name(format!("files-{}", queue.threads))
            .spawn(move || shared.work())?;
        queue.threads += 1;
        queue.idle += 1;
        Ok(())
    }

    /// Does `work` on one of the threads. None where it panics. What is given up before it has begun is never done.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, done) = oneshot::channel();
        let work = Box::new(move || {
            if !sender.is_closed() {
                // Nobody waits any more where it was given up meanwhile.
                let _ = sender.send(work());
            }
        });
        {
            let mut queue = self.shared.queue();
            queue.work.push_back(work);
            if queue.work.len() > queue.idle && queue.threads < self.most {
                // Where the system gives no more, fewer do, too.
                let _ = self.start(&mut queue);
            }
        }
        self.shared.changed.notify_one();
        done.await.ok()
    }
}

impl Drop for Files {
    /// The threads end when there is nothing left to do. Nobody waits for one that hangs.
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until there is no more.
    fn work(&self) {
        while let Some(work) = self.next() {
            // Whoever waits for it learns of a panic; the thread is there for others.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            self.queue().idle += 1;
        }
    }

    fn next(&self) -> Option<Work> {
        let mut queue = self.queue();
        loop {
            if let Some(work) = queue.work.pop_front() {
                queue.idle -= 1;
                return Some(work);
            }
            if queue.closed {
                return None;
            }
            let waited = self.changed.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn each_piece_of_work_is_done_once_and_outside_the_runtime() {
        let files = Files::new(3).unwrap();
        let work = (0..200).map(|number| {
            files.run(move || {
                assert!(tokio::runtime::Handle::try_current().is_err());
                number
            })
        });
        let done: Vec<_> = join_all(work).await;
        let expected: Vec<_> = (0..200).map(Some).collect();
        assert_eq!(done, expected);
    }

    #[tokio::test]
    async fn threads_start_when_all_are_at_work() {
        let files = Files::new(3).unwrap();
        assert_eq!(files.shared.queue().threads, 1);
        // They wait for each other.
        let together = Arc::new(std::sync::Barrier::new(3));
        let waiting = (0..3).map(|_| {
            let together = Arc::clone(&together);
            files.run(move || together.wait())
        });
        assert!(join_all(waiting).await.iter().all(Option::is_some));
        let more = (0..20).map(|_| files.run(|| ()));
        assert!(join_all(more).await.iter().all(Option::is_some));
        assert_eq!(files.shared.queue().threads, 3);
    }

    #[tokio::test]
    async fn what_is_given_up_before_it_has_begun_is_never_done() {
        let files = Files::new(1).unwrap();
        let (go, wait) = std::sync::mpsc::channel();
        let mut first = std::pin::pin!(files.run(move || wait.recv()));
        assert!(futures::poll!(&mut first).is_pending());
        let done = Arc::new(AtomicBool::new(false));
        {
            let done = Arc::clone(&done);
            let given_up = files.run(move || done.store(true, Ordering::Relaxed));
            assert!(futures::poll!(std::pin::pin!(given_up)).is_pending());
        }
        go.send(1).unwrap();
        assert_eq!(first.await, Some(Ok(1)));
        assert_eq!(files.run(|| 2).await, Some(2));
        assert!(!done.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn a_panic_ends_neither_the_thread_nor_the_others() {
        let files = Files::new(1).unwrap();
        assert_eq!(files.run(|| panic!("on purpose")).await, None::<()>);
        assert_eq!(files.run(|| 1).await, Some(1));
    }
}
