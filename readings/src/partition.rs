use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::interleaved::Interleaved;
use super::waiting::Waiting;
use super::{Chunk, InvalidReading, ReadRequest, ReadStats, SensorFailure, Sink};

/// Bytes of rows that are handed over at a time: they are scored while the next are sorted.
const SLICE: usize = 1 << 20;

/// Sorts rows by sensor and hands them to the sink in batches, within a bound of memory.
pub(super) struct Partition<'a> {
    sink: &'a mut Sink<'a>,
    /// Bytes read from storage, and how many of them the sink knows of.
    read: Arc<AtomicU64>,
    told: u64,
    /// Rows to hand over.
    waiting: Waiting,
    /// Sensors that failed; their rows are ignored.
    failed: Vec<bool>,
    /// Sensors that have not failed.
    alive: usize,
    /// Whether rows are wanted even where no sensor is left, for their keys.
    sees_all: bool,
    chunk: Chunk,
    /// Bytes that the rows in `chunk` take.
    bytes: usize,
    /// Bytes that waiting rows may take.
    memory: usize,
    stats: ReadStats,
    /// Whether the sink asked to stop.
    stopped: bool,
}

impl<'a> Partition<'a> {
    /// `bytes` counts what is read from storage; rows may wait in `memory` bytes.
    pub fn new(
        request: &ReadRequest,
        memory: usize,
        bytes: Arc<AtomicU64>,
        sink: &'a mut Sink<'a>,
    ) -> Self {
        let sensors = request.sensors.len();
        Self {
            sink,
            read: bytes,
            told: 0,
            waiting: Waiting::new(sensors),
            failed: vec![false; sensors],
            alive: sensors,
            sees_all: request.sensors.sees_all(),
            chunk: Chunk::default(),
            bytes: 0,
            memory,
            stats: ReadStats::default(),
            stopped: false,
        }
    }

    /// The sensors that failed, whose rows need not be added: a flag a sensor.
    pub fn failed(&self) -> &[bool] {
        &self.failed
    }

    /// Whether no row is wanted any more.
    pub fn done(&self) -> bool {
        self.stopped || (self.alive == 0 && !self.sees_all)
    }

    /// Adds `rows`, and hands over what is ready. Room for others is left in their place.
    pub fn add(&mut self, rows: &mut Interleaved) {
        for sensor in &rows.skipped {
            self.waiting.skip(*sensor);
        }
        for (sensor, error) in &rows.failed {
            self.fail(*sensor, error);
        }
        self.stats.scanned += rows.scanned;
        self.stats.malformed += rows.malformed;
        let stats = &mut self.stats;
        stats.first_malformed = stats.first_malformed.or(rows.first_malformed);
        stats.unfinished = rows.unfinished.or(stats.unfinished);
        for (sensor, error) in &rows.first_skipped {
            let first = stats.first_skipped.entry(*sensor);
            first.or_insert_with(|| error.clone());
        }
        self.waiting.add(rows);
        if self.waiting.is_due(self.memory) {
            self.take_all();
        }
        self.send();
    }

    /// Gives a sensor up, unless it has failed before.
    fn fail(&mut self, sensor: u32, error: &InvalidReading) {
        match self.failed.get_mut(sensor as usize) {
            Some(failed) if !*failed => *failed = true,
            _ => return,
        }
        self.alive = self.alive.saturating_sub(1);
        let error = error.clone();
        self.chunk.failed.push(SensorFailure { sensor, error });
    }

    /// Hands over everything; what the read came to.
    pub fn finish(mut self) -> ReadStats {
        self.take_all();
        self.send();
        ReadStats {
            bytes: self.read.load(Ordering::Relaxed),
            stopped: self.stopped,
            ..self.stats
        }
    }

    /// Hands over all that waits, and keeps the last slice for [`Self::send`].
    fn take_all(&mut self) {
        let slice = SLICE.min(self.memory);
        let mut waiting = std::mem::take(&mut self.waiting);
        let failed = std::mem::take(&mut self.failed);
        waiting.hand_over(&failed, &mut |rows| {
            self.stats.rows += rows.len() as u64;
            self.bytes += rows.bytes();
            self.chunk.rows.push(rows);
            if self.bytes >= slice {
                self.send();
            }
        });
        (self.waiting, self.failed) = (waiting, failed);
    }

    /// Hands over what is ready. Where nothing is, the sink still learns how far the read has come, and can end it.
    fn send(&mut self) {
        let mut chunk = std::mem::take(&mut self.chunk);
        self.bytes = 0;
        if self.stopped {
            return;
        }
        let read = self.read.load(Ordering::Relaxed);
        chunk.fetched = read - self.told;
        self.told = read;
        self.stopped = (self.sink)(chunk) == ControlFlow::Break(());
    }
}
