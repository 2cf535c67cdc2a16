use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use futures::StreamExt;
use tokio::sync::mpsc;

use super::ObjectSource;

/// Bytes that one request to storage asks for: as many as memory allows, for every request takes its time to be answered.
const PIECES: std::ops::RangeInclusive<usize> = 64 << 10..=4 << 20;

/// Requests that run at the same time at most.
const REQUESTS: usize = 4;

/// Pieces that are held beside those that are being fetched: the one that waits and the one that is read.
const WAITING: usize = 2;

/// An object from some byte on as a blocking stream, fetched ahead by parallel requests for its pieces.
pub(super) struct Prefetch {
    pieces: mpsc::Receiver<object_store::Result<Bytes>>,
    current: Bytes,
}

impl Prefetch {
    /// Starts to fetch `object` from its byte `from` on, holding at most `memory` bytes, but at least a few small pieces.
    pub fn new(object: ObjectSource, from: u64, memory: usize) -> Self {
        let piece = memory / (REQUESTS + WAITING);
        let piece = piece.clamp(*PIECES.start(), *PIECES.end());
        let (sender, pieces) = mpsc::channel(1);
        let runtime = object.runtime.clone();
        runtime.spawn(fetch(Arc::new(object), from, piece as u64, sender));
        Self {
            pieces,
            current: Bytes::new(),
        }
    }
}

async fn fetch(
    object: Arc<ObjectSource>,
    from: u64,
    length: u64,
    sender: mpsc::Sender<object_store::Result<Bytes>>,
) {
    let size = object.size();
    let pieces = size.saturating_sub(from).div_ceil(length);
    let starts = (0..pieces).map(move |piece| from + piece * length);
    let mut pieces = futures::stream::iter(starts)
        .map(|start| {
            let object = Arc::clone(&object);
            async move { object.get(start..size.min(start + length)).await }
        })
        .buffered(REQUESTS);
    while let Some(piece) = pieces.next().await {
        let failed = piece.is_err();
        if sender.send(piece).await.is_err() || failed {
            return;
        }
    }
}

impl Read for Prefetch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.current.has_remaining() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let count = self.current.remaining().min(buffer.len());
        self.current
            .split_to(count)
            .copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Counts the bytes that are read through it.
pub(super) struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    /// Wraps `inner`; the count is shared.
    pub fn new(inner: R) -> (Self, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        (
            Self {
                inner,
                count: Arc::clone(&count),
            },
            count,
        )
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
