use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::executor::block_on;
use rayon::Scope;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::job::Workspace;
use fleetscore_readings::Chunk;

/// Queues at most. Each is a piece of work for every chunk, so there are not to be many, and each is one thread's at a time, so there
/// are to be more than threads.
const MOST: usize = 64;

/// Readings that wait to be scored. The sensors are shared out among queues, each of which is worked off in its order, by one thread at
/// a time: so the readings of a sensor stay in their order, and no thread waits for the slowest sensor of a chunk.
pub struct Queues {
    all: Vec<Mutex<Queue>>,
    /// KiB of readings that may be in the queues or worked on.
    room: Arc<Semaphore>,
    kib: u32,
}

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Piece>,
    /// Whether a thread is at it.
    busy: bool,
}

/// What a chunk has for the sensors of one queue.
pub struct Piece {
    /// Name of the object that it is from.
    pub object: Arc<str>,
    /// Rows and failures of some sensors.
    pub chunk: Chunk,
    /// Freed when the last piece of the chunk has been worked on.
    _room: Arc<OwnedSemaphorePermit>,
}

impl Queues {
    /// Queues for so many sensors, which hold so many bytes, or one chunk that is larger.
    pub fn new(sensors: usize, bytes: usize) -> Self {
        let kib = u32::try_from((bytes >> 10).max(1)).unwrap_or(u32::MAX);
        let queues = (0..sensors.clamp(1, MOST)).map(|_| Mutex::default());
        Self {
            all: queues.collect(),
            room: Arc::new(Semaphore::new(kib as usize)),
            kib,
        }
    }

    /// Waits for room and adds a chunk. The threads of `scope` do `work` on it. Breaks where one of them has panicked.
    pub fn add<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        object: &Arc<str>,
        chunk: Chunk,
        work: &'scope (impl Fn(&Piece, &mut Workspace) + Sync),
    ) -> ControlFlow<()> {
        let kib = u32::try_from(chunk.bytes().div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib.min(self.kib));
        let Ok(room) = block_on(room).map(Arc::new) else {
            return ControlFlow::Break(());
        };
        let mut parts = vec![Chunk::default(); self.all.len()];
        for rows in chunk.rows {
            self.part(&mut parts, rows.sensor).rows.push(rows);
        }
        for failed in chunk.failed {
            self.part(&mut parts, failed.sensor).failed.push(failed);
        }
        for (queue, chunk) in self.all.iter().zip(parts) {
            if chunk.is_empty() {
                continue;
            }
            let mut waiting = lock(queue);
            waiting.pieces.push_back(Piece {
                object: Arc::clone(object),
                chunk,
                _room: Arc::clone(&room),
            });
            if !waiting.busy {
                waiting.busy = true;
                scope.spawn(move |_| self.work_off(queue, work));
            }
        }
        ControlFlow::Continue(())
    }

    /// The part of a chunk that a sensor's queue gets.
    fn part<'p>(&self, parts: &'p mut [Chunk], sensor: u32) -> &'p mut Chunk {
        &mut parts[sensor as usize % self.all.len()]
    }

    /// Works on the pieces of a queue until there are no more.
    fn work_off(&self, queue: &Mutex<Queue>, work: &impl Fn(&Piece, &mut Workspace)) {
        let _guard = Guard(&self.room);
        let mut workspace = Workspace::default();
        while let Some(piece) = next(queue) {
            work(&piece, &mut workspace);
        }
    }

    /// Waits until nothing is in the queues nor worked on.
    pub fn wait(&self) {
        drop(block_on(self.room.acquire_many(self.kib)));
    }
}

/// Where a thread panics, what is in its queue stays there, and nobody is to wait for it.
struct Guard<'a>(&'a Semaphore);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

fn next(queue: &Mutex<Queue>) -> Option<Piece> {
    let mut waiting = lock(queue);
    let piece = waiting.pieces.pop_front();
    waiting.busy = piece.is_some();
    piece
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use fleetscore_readings::SensorRows;

    /// A chunk with one empty piece of rows for each of these sensors, numbered by what was left out.
    fn chunk(sensors: &[u32], number: u64) -> Chunk {
        let rows = |sensor: &u32| SensorRows {
            sensor: *sensor,
            skipped: number,
            ..SensorRows::default()
        };
        Chunk {
            rows: sensors.iter().map(rows).collect(),
            ..Chunk::default()
        }
    }

    #[test]
    fn the_pieces_of_a_sensor_stay_in_their_order() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build();
        for sensors in [1, 5, 200] {
            let queues = Queues::new(sensors as usize, 8 << 10);
            let seen: Vec<Mutex<Vec<u64>>> = (0..sensors).map(|_| Mutex::default()).collect();
            let object = Arc::from("a.csv");
            let work = |piece: &Piece, _: &mut Workspace| {
                for rows in &piece.chunk.rows {
                    let mut seen = seen[rows.sensor as usize].lock().unwrap();
                    seen.push(rows.skipped);
                }
            };
            let all: Vec<u32> = (0..sensors).collect();
            pool.as_ref().unwrap().in_place_scope(|scope| {
                for number in 0..300 {
                    let added = queues.add(scope, &object, chunk(&all, number), &work);
                    assert!(added.is_continue());
                }
            });
            let expected: Vec<u64> = (0..300).collect();
            for seen in &seen {
                assert_eq!(*seen.lock().unwrap(), expected);
            }
        }
    }

    #[test]
    fn after_a_wait_all_is_done() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        let (queues, done) = (Queues::new(3, 1 << 20), AtomicUsize::new(0));
        let work = |piece: &Piece, _: &mut Workspace| {
            done.fetch_add(piece.chunk.rows.len(), Ordering::Relaxed);
        };
        pool.unwrap().in_place_scope(|scope| {
            for number in 1..50 {
                for _ in 0..number {
                    let added = queues.add(scope, &Arc::from("a.csv"), chunk(&[0, 1, 2], 0), &work);
                    assert!(added.is_continue());
                }
                queues.wait();
                assert_eq!(done.swap(0, Ordering::Relaxed), 3 * number);
            }
        });
    }

    #[test]
    fn nobody_waits_for_a_thread_that_panicked() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        let pool = pool.unwrap();
        let queues = Queues::new(3, 1 << 10);
        let work = |_: &Piece, _: &mut Workspace| panic!("on purpose");
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.in_place_scope(|scope| {
                let object = Arc::from("a.csv");
                while queues.add(scope, &object, chunk(&[0, 1, 2], 0), &work)
                    == ControlFlow::Continue(())
                {}
                queues.wait();
            });
        }));
        assert!(outcome.is_err());
    }
}
