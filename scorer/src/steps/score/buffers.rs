use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::scratch::Scratch;

/// Sizes of a block of predictions.
const BLOCKS: std::ops::RangeInclusive<usize> = 1 << 10..=64 << 10;

/// From so many bytes of the share on, row groups' part of it may be used where there are none.
const ROOMY: usize = 64 << 20;

/// Uploads that are open at the same time: each may take a file descriptor.
const UPLOADS: usize = 32;

/// The memory of the predictions of all sensors that are worked on, and where they go that do not fit into it.
///
/// Half of the share is for what waits in memory; what is above it moves to disk or to uploads. A quarter is for what is brought back to
/// be written, and a quarter for making row groups: where there are none, that is for what waits, too.
#[derive(Debug)]
pub struct Buffers {
    held: AtomicUsize,
    limit: usize,
    block: usize,
    /// KiB of room for finishing, and as much for encoding.
    room: usize,
    finishing: Semaphore,
    encoding: Semaphore,
    uploads: Arc<Semaphore>,
    /// Where predictions go that have no room.
    pub scratch: Scratch,
}

impl Buffers {
    /// Room for the predictions of `sensors` sensors in `share` bytes, of which row groups are made where they are `packed`; `folders`
    /// may hold what does not fit.
    pub fn new(share: usize, sensors: usize, packed: bool, folders: Vec<PathBuf>) -> Self {
        // Of little memory the threads and the allocator take a good part.
        let quarters = if packed || share < ROOMY { 2 } else { 3 };
        let (limit, room) = (share / 4 * quarters, kib(share / 4));
        let block = (limit / 4 / sensors.max(1)).clamp(*BLOCKS.start(), *BLOCKS.end());
        Self {
            held: AtomicUsize::new(0),
            limit,
            block,
            room,
            finishing: Semaphore::new(room),
            encoding: Semaphore::new(room),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            scratch: Scratch::new(folders),
        }
    }

    /// Bytes of a block of predictions.
    pub fn block(&self) -> usize {
        self.block
    }

    /// Notes that what is held has gone from `before` to `after` bytes.
    pub fn resized(&self, before: usize, after: usize) {
        if after >= before {
            self.held.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.held.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// Bytes above the limit; 0 when there is room.
    pub fn excess(&self) -> usize {
        self.held.load(Ordering::Relaxed).saturating_sub(self.limit)
    }

    /// Bytes that may wait in memory.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that [`Self::finishing`] has room for at the same time.
    pub fn most_at_once(&self) -> usize {
        self.room << 10
    }

    /// The least that is worth an upload of its own: there can be few sensors that have so much in memory.
    pub fn upload_bytes(&self) -> u64 {
        (self.limit / UPLOADS) as u64
    }

    /// Room for one more upload, if there is.
    pub fn upload(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.uploads).try_acquire_owned().ok()
    }

    /// Waits for room to bring back and write `bytes`, or all of the room where they are more.
    pub async fn finishing(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let permits = self.permits(bytes);
        self.finishing.acquire_many(permits).await.ok()
    }

    /// The same for encoding while readings come in, on a thread that computes. What waits for [`Self::finishing`] may wait for these
    /// threads, so the room is another.
    pub fn encoding(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        block_on(self.encoding.acquire_many(self.permits(bytes))).ok()
    }

    /// Permits for so many bytes: a KiB each, and never more than there are.
    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(kib(bytes).min(self.room)).unwrap_or(u32::MAX)
    }
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_larger_than_all_the_room_gets_it_all() {
        let buffers = Buffers::new(4 << 20, 10, true, Vec::new());
        let all = buffers.finishing(usize::MAX).await;
        assert!(all.is_some());
        assert!(futures::poll!(std::pin::pin!(buffers.finishing(1))).is_pending());
        drop(all);
        assert!(buffers.finishing(1).await.is_some());
    }

    #[test]
    fn blocks_of_all_sensors_together_are_a_part_of_the_limit() {
        for sensors in [1, 15, 3000, 10_000] {
            let buffers = Buffers::new(80 << 20, sensors, false, Vec::new());
            assert!(
                sensors * buffers.block() <= buffers.limit() / 4,
                "{sensors}"
            );
        }
    }
}
