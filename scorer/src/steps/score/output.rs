use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures::executor::block_on;
use object_store::PutPayload;
use tokio::sync::OwnedSemaphorePermit;

use super::buffers::Buffers;
use super::failures::{not_scored, output_failure};
use super::spool::Spool;
use crate::models::Verdicts;
use crate::place::PlaceError;
use crate::predictions::{PredictionError, PredictionWriter};
use crate::steps::Context;
use fleetscore_crds::{Failure, FailureReason};
use fleetscore_readings::SensorRows;
use fleetscore_storage::{ObjectUrl, Storage, StorageError, Upload};

/// What encoding takes beside a few times the rows: compressors, and pages of every column.
const ENCODING: u64 = 256 << 10;

/// Bytes that the text of a row is likely to have: its time and keys, and each number.
const ROW: usize = 48;
const VALUE: usize = 20;

/// Bytes that are read back from disk at a time.
const PART_BYTES: usize = 8 << 20;

/// One sensor's predictions on their way to their object.
pub struct Output {
    url: ObjectUrl,
    /// None once the predictions are complete.
    writer: Option<PredictionWriter>,
    /// Rows that make no row group yet; only of formats that have them.
    packed: Spool,
    /// Final bytes that have not gone to the upload.
    bytes: Spool,
    upload: Option<Upload>,
    /// Its place among the open uploads.
    slot: Option<OwnedSemaphorePermit>,
    buffers: Arc<Buffers>,
    /// What the buffers think that this holds.
    counted: usize,
}

impl Output {
    /// Predictions that go to `url`.
    pub fn new(url: ObjectUrl, writer: PredictionWriter, buffers: &Arc<Buffers>) -> Self {
        Self {
            url,
            writer: Some(writer),
            packed: Spool::default(),
            bytes: Spool::default(),
            upload: None,
            slot: None,
            buffers: Arc::clone(buffers),
            counted: 0,
        }
    }

    /// Bytes of memory.
    pub fn held(&self) -> usize {
        self.packed.held() + self.bytes.held()
    }

    /// Adds rows with their verdicts. `encoded` is room for a piece of work.
    pub fn append(
        &mut self,
        rows: &SensorRows,
        verdicts: &Verdicts,
        encoded: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        encoded.clear();
        encoded.reserve(ROW * rows.len() + VALUE * (rows.len() + rows.features.len()));
        writer
            .append(rows, verdicts, encoded)
            .map_err(|error| unwritable(&error))?;
        let block = self.buffers.block();
        match writer.group_bytes() {
            None => self.bytes.append(encoded, block),
            Some(group) => {
                self.packed.append(encoded, block);
                if self.packed.len() >= group as u64 {
                    self.write_groups(group, encoded)?;
                }
            }
        }
        self.count();
        Ok(())
    }

    /// Makes row groups of the packed rows.
    fn write_groups(&mut self, group: usize, encoded: &mut Vec<u8>) -> Result<(), Failure> {
        let buffers = Arc::clone(&self.buffers);
        let _room = buffers.encoding(encoding_bytes(self.packed.len()));
        let packed = self.packed.take_all(&buffers.scratch);
        let packed = packed.map_err(|error| disk_failure("read back from disk", &error))?;
        let groups = packed.chunks_exact(group);
        self.packed.append(groups.remainder(), buffers.block());
        encoded.clear();
        if let Some(writer) = &mut self.writer {
            for rows in groups {
                writer
                    .write_group(rows, encoded)
                    .map_err(|error| unwritable(&error))?;
            }
        }
        self.bytes.append(encoded, buffers.block());
        // Room for pieces, not for row groups.
        *encoded = Vec::new();
        Ok(())
    }

    /// Whether there are rows that the end of the predictions makes a row group of, which takes a while.
    pub fn is_packed(&self) -> bool {
        self.packed.len() > 0
    }

    /// What [`Self::finish`] and the first part of [`Self::put`] bring into memory.
    pub fn finishing_bytes(&self) -> usize {
        let packed = match self.packed.len() {
            0 => 0,
            rows => encoding_bytes(rows),
        };
        packed + self.part_bytes()
    }

    /// What a part of the final bytes brings into memory.
    pub fn part_bytes(&self) -> usize {
        usize::try_from(self.bytes.aside().min(PART_BYTES as u64)).unwrap_or(PART_BYTES)
    }

    /// Adds the end of the predictions, unless it is there.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let packed = self.packed.take_all(&self.buffers.scratch);
        let packed = packed.map_err(|error| disk_failure("read back from disk", &error))?;
        let mut encoded = Vec::new();
        writer
            .finish(&packed, &mut encoded)
            .map_err(|error| unwritable(&error))?;
        self.bytes.append(&encoded, self.buffers.block());
        self.count();
        Ok(())
    }

    /// Frees memory by putting what waits aside on disk. Whether that was all: what remains has to go to the upload ([`Self::send`]),
    /// because it is large enough for one, or because there is no disk.
    pub fn put_aside(&mut self) -> Result<bool, Failure> {
        let buffers = Arc::clone(&self.buffers);
        if buffers.scratch.is_there() {
            let mut aside = self.packed.put_aside(&buffers.scratch);
            if !self.wants_upload() {
                aside = aside.and_then(|()| self.bytes.put_aside(&buffers.scratch));
            }
            self.count();
            aside.map_err(|error| disk_failure("put aside on disk", &error))?;
        }
        Ok(self.bytes.held() == 0)
    }

    /// Whether predictions go to an upload from now on.
    fn wants_upload(&mut self) -> bool {
        if self.slot.is_none() && self.bytes.len() >= self.buffers.upload_bytes() {
            self.slot = self.buffers.upload();
        }
        self.slot.is_some()
    }

    /// Moves the final bytes to an upload, those on disk first.
    pub async fn send(&mut self, storage: &Storage) -> Result<(), Failure> {
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => storage
                .upload(&self.url)
                .map_err(|error| output_failure(&error))?,
        };
        while let Some(part) = self.next_part()? {
            let written = upload.write(part).await;
            self.count();
            written.map_err(|error| output_failure(&error))?;
        }
        self.upload = Some(upload);
        Ok(())
    }

    /// Adds the end of the predictions and writes the object, unless the place is another run's by now.
    pub async fn put(mut self, context: &Context) -> Result<(), Failure> {
        self.finish()?;
        let Context { storage, place, .. } = context;
        if self.upload.is_none() && self.bytes.len() <= PART_BYTES as u64 {
            return Piece::new(self).put(context).await;
        }
        if self.upload.is_none() && self.bytes.aside() == 0 {
            let bytes: PutPayload = self.read_part()?.into_iter().collect();
            let written = place.write(|| storage.put(&self.url, bytes.clone())).await;
            return written.map_err(|error| place_failure(context, &error));
        }
        self.send(storage).await?;
        match self.upload.take() {
            Some(upload) => place
                .write_once(upload.finish())
                .await
                .map_err(|error| place_failure(context, &error)),
            None => Ok(()),
        }
    }

    /// The next bytes to send, read on a thread that may wait for the disk.
    fn next_part(&mut self) -> Result<Option<PutPayload>, Failure> {
        if self.bytes.len() == 0 {
            return Ok(None);
        }
        let part = if self.bytes.aside() > 0 {
            tokio::task::block_in_place(|| self.read_part())?
        } else {
            self.read_part()?
        };
        Ok(Some(part.into_iter().collect()))
    }

    fn take_all(&mut self) -> Result<Vec<u8>, Failure> {
        let all = self.bytes.take_all(&self.buffers.scratch);
        all.map_err(|error| disk_failure("read back from disk", &error))
    }

    fn read_part(&mut self) -> Result<Vec<Bytes>, Failure> {
        let part = self.bytes.next_part(&self.buffers.scratch, PART_BYTES);
        part.map_err(|error| disk_failure("read back from disk", &error))
    }

    /// Tells the buffers what this holds now.
    fn count(&mut self) {
        let held = self.held();
        self.buffers.resized(self.counted, held);
        self.counted = held;
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.packed.clear(&self.buffers.scratch);
        self.bytes.clear(&self.buffers.scratch);
        self.count();
    }
}

/// Predictions that are written in one piece, which takes one call.
struct Piece {
    url: ObjectUrl,
    /// None once it is read back.
    output: Mutex<Option<Output>>,
    bytes: OnceLock<Result<Bytes, Failure>>,
}

impl Piece {
    fn new(output: Output) -> Arc<Self> {
        Arc::new(Self {
            url: output.url.clone(),
            output: Mutex::new(Some(output)),
            bytes: OnceLock::new(),
        })
    }

    async fn put(self: Arc<Self>, context: &Context) -> Result<(), Failure> {
        let Context { storage, place, .. } = context;
        let files = storage.local_file(&self.url);
        let written = match files.and_then(|_| context.compute.files()) {
            Some(files) => {
                let write = || {
                    let (piece, storage) = (Arc::clone(&self), storage.clone());
                    let written = files.run(move || block_on(piece.write(&storage)));
                    async { written.await.unwrap_or_else(|| Ok(Err(panicked()))) }
                };
                place.write(write).await
            }
            None => place.write(|| self.write(storage)).await,
        };
        written.unwrap_or_else(|error| Err(place_failure(context, &error)))
    }

    /// Writes it. Bytes on disk are read back at the first try only.
    async fn write(&self, storage: &Storage) -> Result<Result<(), Failure>, StorageError> {
        let read = || {
            let output = &mut *self.output.lock().unwrap_or_else(PoisonError::into_inner);
            let all = output
                .take()
                .map_or(Ok(Vec::new()), |mut output| output.take_all());
            all.map(Bytes::from)
        };
        match self.bytes.get_or_init(read) {
            Ok(bytes) => storage.put(&self.url, bytes.clone()).await.map(Ok),
            Err(failure) => Ok(Err(failure.clone())),
        }
    }
}

/// What it takes to encode so many bytes of packed rows.
fn encoding_bytes(packed: u64) -> usize {
    usize::try_from(packed.saturating_mul(4).saturating_add(ENCODING)).unwrap_or(usize::MAX)
}

/// The failure of a sensor whose predictions cannot be written. Where the place is another run's now, the whole step stops.
fn place_failure(context: &Context, error: &PlaceError) -> Failure {
    match error {
        PlaceError::Storage(error) => output_failure(error),
        PlaceError::InUse { .. }
        | PlaceError::Lost { .. }
        | PlaceError::Gone { .. }
        | PlaceError::NotLast { .. }
        | PlaceError::NotEnded { .. } => {
            context.stop.cancel();
            not_scored()
        }
    }
}

fn panicked() -> Failure {
    Failure {
        reason: FailureReason::OutputUnwritable,
        message: "internal error: a thread that writes files has panicked; please report it"
            .to_owned(),
    }
}

fn unwritable(error: &PredictionError) -> Failure {
    Failure {
        reason: FailureReason::OutputUnwritable,
        message: error.to_string(),
    }
}

fn disk_failure(done: &str, error: &io::Error) -> Failure {
    let message = format!(
        "predictions that do not fit into memory cannot be {done}: {error}; set TMPDIR to a folder with more room, or give the \
         scorer more memory"
    );
    Failure {
        reason: FailureReason::OutputUnwritable,
        message,
    }
}
