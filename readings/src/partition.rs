use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::interleaved::Interleaved;
use super::{Chunk, InvalidReading, ReadRequest, ReadStats, SensorFailure, SensorRows, Sink};

/// A sensor's rows are handed over once there are so many of them: enough for the scorer's vector units, small enough to
/// stay in the processor's cache, and soon enough to be scored while the rest is read.
const BATCH_ROWS: usize = 512;

/// Sorts rows by sensor and hands them to the sink in batches, within a bound of memory.
pub(super) struct Partition<'a> {
    sink: &'a mut Sink<'a>,
    /// Bytes read from storage, and how many of them the sink knows of.
    read: Arc<AtomicU64>,
    told: u64,
    /// Rows to hand over, by sensor.
    batches: Vec<SensorRows>,
    /// For each sensor that has filled a batch the bytes of its text: it is likely to fill another. Room for that is made when its
    /// next row comes.
    filled: Vec<Option<u32>>,
    /// All sensors with rows in `batches`, and some more: those that had some since all were handed over, once each.
    touched: Vec<u32>,
    /// Which sensors are in `touched`.
    is_touched: Vec<bool>,
    /// Sensors that failed; their rows are ignored.
    failed: Vec<bool>,
    /// Sensors that have not failed.
    alive: usize,
    /// Whether rows are wanted even where no sensor is left, for their keys.
    sees_all: bool,
    chunk: Chunk,
    /// Bytes that `batches` and `chunk` take, and what they may come to.
    bytes: usize,
    memory: usize,
    stats: ReadStats,
    /// Whether the sink asked to stop.
    stopped: bool,
}

impl<'a> Partition<'a> {
    /// `bytes` counts what is read from storage.
    pub fn new(request: &ReadRequest, bytes: Arc<AtomicU64>, sink: &'a mut Sink<'a>) -> Self {
        let sensors = request.sensors.len();
        Self {
            sink,
            read: bytes,
            told: 0,
            batches: vec![SensorRows::default(); sensors],
            filled: vec![None; sensors],
            touched: Vec::new(),
            is_touched: vec![false; sensors],
            failed: vec![false; sensors],
            alive: sensors,
            sees_all: request.sensors.sees_all(),
            chunk: Chunk::default(),
            bytes: 0,
            memory: request.memory / 4,
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

    /// Adds `rows`, and hands over what is ready.
    pub fn add(&mut self, rows: &Interleaved) {
        let width = rows.width();
        let mut row = 0;
        for run in rows.rows.chunk_by(|one, next| one.sensor == next.sensor) {
            let end = row + run.len();
            while row < end {
                row += self.add_run(rows, row..end, width);
            }
        }
        for sensor in &rows.skipped {
            self.skip(*sensor);
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
        if self.bytes > self.memory {
            self.take_all();
        }
        self.send();
    }

    /// Adds as many of the successive rows `run` of one sensor as its batch has room for; returns how many.
    fn add_run(&mut self, rows: &Interleaved, run: Range<usize>, width: usize) -> usize {
        let Some(sensor) = rows.rows.get(run.start).map(|row| row.sensor) else {
            return run.len();
        };
        let filled = self.filled.get(sensor as usize).copied().flatten();
        let Some(batch) = self.live_batch(sensor) else {
            return run.len();
        };
        let room = BATCH_ROWS.saturating_sub(batch.len()).max(1);
        let run = run.start..run.end.min(run.start + room);
        let before = batch.bytes();
        if batch.is_empty()
            && let Some(text) = filled
        {
            let skipped = batch.skipped;
            *batch = SensorRows::with_room(BATCH_ROWS, text as usize, rows, width);
            batch.skipped = skipped;
        }
        batch.add(rows, run.clone(), width);
        let full = batch.len() >= BATCH_ROWS;
        self.bytes += batch.bytes() - before;
        if full {
            self.take(sensor);
        }
        run.len()
    }

    /// The batch of `sensor` unless the sensor failed, noted as one that is to be handed over.
    fn live_batch(&mut self, sensor: u32) -> Option<&mut SensorRows> {
        if self
            .failed
            .get(sensor as usize)
            .is_none_or(|failed| *failed)
        {
            return None;
        }
        let batch = self.batches.get_mut(sensor as usize)?;
        if let Some(is_touched) = self.is_touched.get_mut(sensor as usize)
            && !*is_touched
        {
            *is_touched = true;
            self.touched.push(sensor);
        }
        Some(batch)
    }

    /// Notes a reading of `sensor` that is left out.
    fn skip(&mut self, sensor: u32) {
        if let Some(batch) = self.live_batch(sensor) {
            batch.skipped += 1;
        }
    }

    /// Gives a sensor up, unless it has failed before.
    fn fail(&mut self, sensor: u32, error: &InvalidReading) {
        let (position, error) = (sensor as usize, error.clone());
        match self.failed.get_mut(position) {
            Some(failed) if !*failed => *failed = true,
            _ => return,
        }
        if let Some(batch) = self.batches.get_mut(position) {
            let bytes = std::mem::take(batch).bytes() - batch.bytes();
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        self.alive = self.alive.saturating_sub(1);
        self.chunk.failed.push(SensorFailure { sensor, error });
    }

    /// Moves the batch of `sensor` to the chunk.
    fn take(&mut self, sensor: u32) {
        if let Some(batch) = self.batches.get_mut(sensor as usize) {
            let mut rows = std::mem::take(batch);
            if let Some(filled) = self.filled.get_mut(sensor as usize) {
                let text = u32::try_from(rows.text_bytes()).unwrap_or(u32::MAX);
                *filled = (rows.len() >= BATCH_ROWS).then_some(text);
            }
            rows.sensor = sensor;
            self.stats.rows += rows.len() as u64;
            self.chunk.rows.push(rows);
        }
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

    fn take_all(&mut self) {
        self.is_touched.fill(false);
        for sensor in std::mem::take(&mut self.touched) {
            let batch = self.batches.get(sensor as usize);
            if batch.is_some_and(|batch| !batch.is_empty() || batch.skipped > 0) {
                self.take(sensor);
            }
        }
    }

    /// Hands over what is ready. Where nothing is, the sink still learns how far the read has come, and can end it.
    fn send(&mut self) {
        if self.stopped {
            return;
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        let read = self.read.load(Ordering::Relaxed);
        chunk.fetched = read - self.told;
        self.told = read;
        let empty = chunk.rows.len() * SensorRows::default().bytes();
        self.bytes = self.bytes.saturating_sub(chunk.bytes() - empty);
        self.stopped = (self.sink)(chunk) == ControlFlow::Break(());
    }
}
