use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of predictions that are held in memory, over all sensors of a shard.
#[derive(Debug)]
pub struct Buffers {
    held: AtomicUsize,
    limit: usize,
}

impl Buffers {
    /// A count with room for `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            limit,
        }
    }

    /// Notes that a buffer has gone from `before` to `after` bytes.
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

    /// Bytes that may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }
}
