use std::ops::ControlFlow;

use fleetscore_crds::OnInvalidReading;

use super::{Chunk, InvalidReading, ReadRequest, SensorFailure, SensorRows, Sink};

/// A sensor's rows are handed over once there are so many of them: enough for the scorer's vector units, small enough to
/// stay in the processor's cache, and soon enough to be scored while the rest is read.
const BATCH_ROWS: usize = 512;

/// Collects rows by sensor and hands them to the sink in batches, within a bound of memory.
pub(super) struct Partition<'a> {
    sink: &'a mut Sink<'a>,
    on_invalid: OnInvalidReading,
    /// Rows to hand over, by sensor.
    batches: Vec<SensorRows>,
    /// Sensors with rows in `batches`, in the order of their first row.
    touched: Vec<u32>,
    /// Sensors that failed; their rows are ignored.
    failed: Vec<bool>,
    /// Sensors that have not failed.
    alive: usize,
    chunk: Chunk,
    /// Bytes in `batches` and `chunk`, and what they may come to.
    bytes: usize,
    memory: usize,
    /// Rows handed over.
    pub rows: u64,
    /// Whether the sink asked to stop.
    pub stopped: bool,
}

impl<'a> Partition<'a> {
    pub fn new(request: &ReadRequest, sink: &'a mut Sink<'a>) -> Self {
        let sensors = request.sensors.len();
        Self {
            sink,
            on_invalid: request.on_invalid,
            batches: vec![SensorRows::default(); sensors],
            touched: Vec::new(),
            failed: vec![false; sensors],
            alive: sensors,
            chunk: Chunk::default(),
            bytes: 0,
            memory: request.memory / 2,
            rows: 0,
            stopped: false,
        }
    }

    /// Whether rows of `sensor` are still wanted.
    pub fn wants(&self, sensor: u32) -> bool {
        self.failed
            .get(sensor as usize)
            .is_some_and(|failed| !failed)
    }

    /// Whether no row is wanted any more.
    pub fn done(&self) -> bool {
        self.stopped || self.alive == 0
    }

    /// Adds a row of `sensor`.
    pub fn push(
        &mut self,
        sensor: u32,
        time: i64,
        text: Option<&[u8]>,
        features: &[f64],
        label: Option<bool>,
    ) {
        let Some(batch) = self.batches.get_mut(sensor as usize) else {
            return;
        };
        if batch.is_empty() && batch.skipped == 0 {
            self.touched.push(sensor);
        }
        batch.times.nanos.push(time);
        if let Some(text) = text {
            batch.times.text.get_or_insert_default().push(text);
        }
        batch.features.extend_from_slice(features);
        if let Some(label) = label {
            batch.labels.get_or_insert_default().push(label);
        }
        self.bytes += 8
            + 8 * features.len()
            + usize::from(label.is_some())
            + text.map_or(0, |text| text.len() + 4);
        if batch.len() >= BATCH_ROWS {
            self.take(sensor);
        }
    }

    /// Notes a reading of `sensor` that cannot be scored.
    pub fn invalid(&mut self, sensor: u32, error: impl FnOnce() -> InvalidReading) {
        let Some(batch) = self.batches.get_mut(sensor as usize) else {
            return;
        };
        if self.on_invalid == OnInvalidReading::Skip {
            if batch.is_empty() && batch.skipped == 0 {
                self.touched.push(sensor);
            }
            batch.skipped += 1;
            return;
        }
        self.bytes = self.bytes.saturating_sub(batch.bytes());
        *batch = SensorRows::default();
        self.touched.retain(|touched| *touched != sensor);
        if let Some(failed) = self.failed.get_mut(sensor as usize) {
            *failed = true;
        }
        self.alive = self.alive.saturating_sub(1);
        self.chunk.failed.push(SensorFailure {
            sensor,
            error: error(),
        });
    }

    /// Moves the batch of `sensor` to the chunk.
    fn take(&mut self, sensor: u32) {
        if let Some(batch) = self.batches.get_mut(sensor as usize) {
            // A sensor that has filled a batch is likely to fill another.
            let next = if batch.len() >= BATCH_ROWS {
                batch.room_for_as_much()
            } else {
                SensorRows::default()
            };
            let mut rows = std::mem::replace(batch, next);
            rows.sensor = sensor;
            self.rows += rows.len() as u64;
            self.chunk.rows.push(rows);
        }
        self.touched.retain(|touched| *touched != sensor);
    }

    /// Hands over what is ready. Called between blocks of rows.
    pub fn hand_over(&mut self) {
        if self.bytes > self.memory {
            self.take_all();
        }
        self.send();
    }

    /// Hands over everything.
    pub fn finish(&mut self) {
        self.take_all();
        self.send();
    }

    fn take_all(&mut self) {
        for sensor in std::mem::take(&mut self.touched) {
            self.take(sensor);
        }
    }

    fn send(&mut self) {
        if self.stopped || (self.chunk.rows.is_empty() && self.chunk.failed.is_empty()) {
            return;
        }
        let chunk = std::mem::take(&mut self.chunk);
        self.bytes = self
            .bytes
            .saturating_sub(chunk.rows.iter().map(SensorRows::bytes).sum());
        self.stopped = (self.sink)(chunk) == ControlFlow::Break(());
    }
}
