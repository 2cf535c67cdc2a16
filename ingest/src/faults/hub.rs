use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Calls, Outcome};
use crate::{Bounds, Event, Hub, MemoryHub, Place, Source, SourceError};

/// Events that are handed out at once, so that a process is in the midst of its work at many calls.
const AT_ONCE: usize = 50;

/// A hub in memory that fails when a test says so. Clones are of the same hub.
#[derive(Clone)]
pub struct FaultyHub {
    hub: MemoryHub,
    calls: Calls,
    is_throttled: Arc<AtomicBool>,
    is_mute: Arc<AtomicBool>,
    unanswered: Arc<AtomicUsize>,
}

impl FaultyHub {
    /// The hub with the fault of `calls`.
    pub fn new(hub: &MemoryHub, calls: &Calls) -> Self {
        Self {
            hub: hub.clone(),
            calls: calls.clone(),
            is_throttled: Arc::default(),
            is_mute: Arc::default(),
            unanswered: Arc::default(),
        }
    }

    /// From now on polls bring nothing, and no error, or all that there is.
    pub fn throttle(&self, is_throttled: bool) {
        self.is_throttled.store(is_throttled, Ordering::SeqCst);
    }

    /// From now on it does not answer, and polls bring nothing, since no connection has been seen to end.
    pub fn mute(&self) {
        self.throttle(true);
        self.is_mute.store(true, Ordering::SeqCst);
    }

    /// Questions that it has not answered.
    pub fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }
}

impl Hub for FaultyHub {
    fn name(&self) -> String {
        self.hub.name()
    }

    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let source = call(&self.calls, || self.hub.open())?;
        Ok(Box::new(FaultySource {
            source,
            hub: self.clone(),
        }))
    }
}

fn call<T>(
    calls: &Calls,
    effect: impl FnOnce() -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let Outcome {
        fails,
        takes_effect,
    } = calls.next();
    match takes_effect.then(effect) {
        Some(done) if !fails => done,
        _ => Err(unavailable()),
    }
}

fn unavailable() -> SourceError {
    SourceError::SourceUnavailable {
        reason: "faulty".to_owned(),
    }
}

struct FaultySource {
    source: Box<dyn Source>,
    hub: FaultyHub,
}

impl FaultySource {
    /// Asks, where the hub answers.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut dyn Source) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let FaultyHub {
            calls,
            is_mute,
            unanswered,
            ..
        } = &self.hub;
        if is_mute.load(Ordering::SeqCst) {
            unanswered.fetch_add(1, Ordering::SeqCst);
            return Err(unavailable());
        }
        call(calls, || question(&mut *self.source))
    }
}

impl Source for FaultySource {
    fn partitions(&mut self) -> Result<Vec<i32>, SourceError> {
        self.ask(|source| source.partitions())
    }

    fn bounds(&mut self, partition: i32) -> Result<Bounds, SourceError> {
        self.ask(|source| source.bounds(partition))
    }

    fn offset_at(&mut self, partition: i32, time: i64) -> Result<i64, SourceError> {
        self.ask(|source| source.offset_at(partition, time))
    }

    fn assign(&mut self, partition: i32, place: Place) -> Result<(), SourceError> {
        self.ask(|source| source.assign(partition, place))
    }

    fn release(&mut self, partition: i32) {
        if self.hub.calls.next().takes_effect {
            self.source.release(partition);
        }
    }

    fn poll(
        &mut self,
        limit: usize,
        timeout: Duration,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<usize, SourceError> {
        call(&self.hub.calls, || {
            if self.hub.is_throttled.load(Ordering::SeqCst) {
                return Ok(0);
            }
            self.source.poll(limit.min(AT_ONCE), timeout, each)
        })
    }

    fn is_drained(&mut self, partition: i32) -> Result<bool, SourceError> {
        self.ask(|source| source.is_drained(partition))
    }

    fn commit(&mut self, partition: i32, next: i64) {
        if self.hub.calls.next().takes_effect {
            self.source.commit(partition, next);
        }
    }
}
