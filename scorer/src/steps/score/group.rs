use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use fleetscore_crds::{Failure, FailureReason, OnNoReadings, ReadingFormat, SensorKey};
use futures::{StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use super::budget::{Budget, mib};
use super::buffers::Buffers;
use super::failures::{invalid_reading, no_predictions, not_scored};
use super::fetch::Ahead;
use super::job::Workspace;
use super::left_out::{self, LeftOut};
use super::output::Output;
use super::queues::{Piece, Queues};
use super::{Jobs, lock};
use crate::ledger::{Warning, WarningReason};
use crate::steps::{Context, Progress};
use crate::worker::Workers;
use fleetscore_readings::dataset::Segments;
use fleetscore_readings::{
    self, Chunk, KeyIndex, ObjectSource, ReadRequest, ReadingsError, Unfinished,
};

/// How many times the memory of the readings the pages of a Parquet object may take, beside it: so much is left of the bound.
const PAGES: usize = 3;

/// Sensors whose readings are in the same place, and what is needed to score them.
#[derive(Clone)]
pub struct Group {
    /// The run.
    pub context: Context,
    /// URL of the readings: one object, or a prefix of many.
    pub location: String,
    /// Positions of the sensors in the shard.
    pub members: Vec<usize>,
    /// All sensors of the shard.
    pub jobs: Jobs,
    /// What all groups share.
    pub shared: Arc<Shared>,
}

/// What all groups of sensors share.
pub struct Shared {
    /// The threads that compute.
    pub pool: Arc<rayon::ThreadPool>,
    /// The memory of predictions.
    pub buffers: Arc<Buffers>,
    /// The segments to read, where the readings are those of a stream.
    pub segments: Option<Segments>,
    /// The memory of readings that are fetched before they are read.
    pub ahead: Ahead,
    /// Groups whose readings are read have one each.
    pub turns: Semaphore,
    /// Bytes of readings that a group may have in flight while it is read.
    pub memory: usize,
    /// The Python processes, where a model may be theirs.
    pub workers: Option<Arc<Workers>>,
    /// Whether there are so many groups that one thread a group is enough for all.
    pub many: bool,
    /// Whether there is one group, and its bytes measure the progress of the step.
    pub one_pass: bool,
}

impl Group {
    /// Reads the group's readings in one pass, scores them and writes every sensor's predictions.
    pub async fn score(&self) {
        let absences = &self.fetch_and_read().await.unwrap_or_else(|failure| {
            self.fail_all(&failure);
            BTreeMap::new()
        });
        let requests = self.context.limits.requests.max(1);
        stream::iter(&self.members)
            .for_each_concurrent(requests, |&member| async move {
                self.ask_python(member).await;
                self.write(member, absences.get(&member)).await;
            })
            .await;
    }

    /// Scores the readings, and says of each sensor without any why that is its failure, if it is.
    async fn fetch_and_read(&self) -> Result<BTreeMap<usize, Failure>, Failure> {
        let fetched = match &self.shared.segments {
            Some(segments) => Ahead::of_stream(&self.context, segments, &self.keys())?,
            None => {
                self.shared
                    .ahead
                    .fetch(&self.context, &self.location)
                    .await?
            }
        };
        if self.shared.one_pass {
            Progress::add(&self.context.progress.bytes_total, fetched.bytes);
        }
        // The semaphore is never closed.
        let turn = self.shared.turns.acquire().await.ok();
        if self.context.is_stopped() {
            return Err(not_scored());
        }
        let left_out = if self.shared.many && fetched.is_here() {
            self.read_here(&fetched.objects).await?
        } else {
            self.read(&fetched.objects).await?
        };
        drop(turn);
        if self.context.is_stopped() {
            return Err(not_scored());
        }
        Ok(self.absences(&fetched.objects, &left_out).await)
    }

    /// The keys of the group's sensors.
    fn keys(&self) -> Vec<SensorKey> {
        let keys = self.members.iter();
        keys.map(|&member| lock(&self.jobs[member]).entry.key.clone())
            .collect()
    }

    fn request(&self) -> Result<ReadRequest, Failure> {
        let spec = &self.context.run.spec.input;
        let key_names: Vec<String> = spec.columns.keys.keys().cloned().collect();
        let sensors = KeyIndex::new(&self.keys(), &key_names)
            .map_err(|error| self.readings_failure(&error))?;
        Ok(ReadRequest {
            format: match self.shared.segments {
                Some(_) => ReadingFormat::Parquet,
                None => spec.format,
            },
            columns: self.context.run.columns.clone(),
            key_names,
            sensors,
            window: self.context.run.spec.window,
            on_invalid: spec.on_invalid_reading,
            memory: self.shared.memory,
            pool: Some(Arc::clone(&self.shared.pool)),
        })
    }

    /// Reads and scores objects whose bytes are there, on one thread: others have groups of their own.
    async fn read_here(&self, objects: &[ObjectSource]) -> Result<LeftOut, Failure> {
        let request = ReadRequest {
            pool: None,
            ..self.request()?
        };
        let (group, objects) = (self.clone(), objects.to_vec());
        let read = self.context.compute.run(move || {
            let mut workspace = Workspace::default();
            group.read_objects(&objects, &request, &mut |object, chunk| {
                group.score_chunk(object, &chunk, &mut workspace);
                ControlFlow::Continue(())
            })
        });
        let left_out = read.await.map_err(|error| internal(&error))??;
        self.relieve(None).await?;
        Ok(left_out)
    }

    /// Moves predictions out of memory where there are too many. Where other members are added to or written meanwhile, those of the
    /// `only` one that is not are sent.
    pub(super) async fn relieve(&self, only: Option<usize>) -> Result<(), Failure> {
        if self.shared.buffers.excess() > 0 {
            let (group, handle) = (self.clone(), Handle::current());
            let moved = tokio::task::spawn_blocking(move || group.make_room(&handle, only, &|| {}));
            moved.await.map_err(|error| internal(&error))?;
        }
        Ok(())
    }

    /// Reads every object on one thread, which has it parsed and scored by the pool.
    async fn read(&self, objects: &[ObjectSource]) -> Result<LeftOut, Failure> {
        let request = self.request()?;
        let (group, objects) = (self.clone(), objects.to_vec());
        let handle = Handle::current();
        let read = tokio::task::spawn_blocking(move || {
            let queues = Queues::new(group.members.len(), request.waiting_bytes());
            let work = |piece: &Piece, workspace: &mut Workspace| {
                group.score_chunk(&piece.object, &piece.chunk, workspace);
            };
            group.shared.pool.in_place_scope(|scope| {
                group.read_objects(&objects, &request, &mut |object, chunk| {
                    let added = queues.add(scope, object, chunk, &work);
                    if group.shared.buffers.excess() > 0 {
                        group.make_room(&handle, None, &|| queues.wait());
                    }
                    added
                })
            })
        });
        read.await.map_err(|error| internal(&error))?
    }

    /// Reads every object, and passes on what is in it.
    fn read_objects(
        &self,
        objects: &[ObjectSource],
        request: &ReadRequest,
        pass_on: &mut dyn FnMut(&Arc<str>, Chunk) -> ControlFlow<()>,
    ) -> Result<LeftOut, Failure> {
        let mut left_out = LeftOut::default();
        for object in objects {
            let name: Arc<str> = object.name().into();
            let stats = fleetscore_readings::read(object, request, &mut |chunk| {
                Progress::add(&self.context.progress.bytes, chunk.fetched);
                if self.context.is_stopped() {
                    return ControlFlow::Break(());
                }
                if chunk.is_empty() {
                    return ControlFlow::Continue(());
                }
                pass_on(&name, chunk)
            })
            .map_err(|error| self.readings_failure(&error))?;
            left_out.add(object.name(), &stats);
            self.warn_of_pages(object.name(), stats.page_bytes);
            if let Some(last) = stats.unfinished {
                self.note_unfinished(object.name(), last);
            }
            if stats.malformed > 0 {
                tracing::warn!(
                    object = object.name(),
                    lines = stats.malformed,
                    "malformed lines were left out"
                );
            }
            if stats.stopped || self.context.is_stopped() {
                break;
            }
        }
        Ok(left_out)
    }

    /// Tells of a last line without a line end, which may be cut off.
    fn note_unfinished(&self, object: &str, last: Unfinished) {
        let line = last.line;
        let what = if last.taken {
            "it was scored as it is"
        } else {
            "it was left out"
        };
        let message = format!(
            "{object} ends within line {line}, without a line end, as if it were still being written: {what}; \
             end the file with a line feed where it is whole"
        );
        tracing::warn!("{message}");
        if let Some(sensor) = last.sensor {
            lock(&self.jobs[self.members[sensor as usize]]).warn(Warning {
                reason: WarningReason::UnfinishedLine,
                message,
            });
        }
    }

    /// The failures of the sensors without readings, by their positions in the shard, where those are to fail.
    async fn absences(
        &self,
        objects: &[ObjectSource],
        left_out: &LeftOut,
    ) -> BTreeMap<usize, Failure> {
        let input = &self.context.run.spec.input;
        let is_silent = |member: usize| {
            let job = lock(&self.jobs[member]);
            job.is_open() && job.rows() == 0
        };
        let silent: Vec<(u32, usize)> = (0..)
            .zip(self.members.iter().copied())
            .filter(|(_, member)| is_silent(*member))
            .collect();
        let Ok(request) = self.request() else {
            return BTreeMap::new();
        };
        if silent.is_empty() || input.on_no_readings != OnNoReadings::Fail {
            return BTreeMap::new();
        }
        let names = request.key_names.clone();
        let (context, sensors, objects) = (self.context.clone(), silent.clone(), objects.to_vec());
        let looked = tokio::task::spawn_blocking(move || {
            let sensors: Vec<u32> = sensors.into_iter().map(|(sensor, _)| sensor).collect();
            fleetscore_readings::look_again(&objects, &request, &sensors, &|| context.is_stopped())
        });
        let absences = looked.await.unwrap_or_default();
        let failures = silent
            .iter()
            .zip(&absences)
            .map(|((sensor, member), absence)| {
                let skipped = lock(&self.jobs[*member]).skipped();
                let reasons = left_out.reasons(*sensor, skipped, absence, &names);
                (*member, self.no_readings(&reasons))
            });
        failures.collect()
    }

    /// Scores what has been read.
    fn score_chunk(&self, object: &str, chunk: &Chunk, workspace: &mut Workspace) {
        for rows in &chunk.rows {
            let member = self.members[rows.sensor as usize];
            lock(&self.jobs[member]).append(&self.context, object, rows, workspace);
        }
        for failed in &chunk.failed {
            let failure = invalid_reading(&failed.error);
            lock(&self.jobs[self.members[failed.sensor as usize]])
                .fail(&self.context.progress, failure);
        }
    }

    /// Moves the predictions that take most out of memory until half of the bound is free. To disk they go while others are added to;
    /// `wait` waits until none are, for those that are sent: of all members, or of the `only` one.
    fn make_room(&self, handle: &Handle, only: Option<usize>, wait: &dyn Fn()) {
        if self.shared.buffers.excess() == 0 {
            return;
        }
        let held = |member: usize| lock(&self.jobs[member]).held();
        let mut sizes: Vec<_> = self
            .members
            .iter()
            .map(|&member| (held(member), member))
            .collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        let mut to_free = self.shared.buffers.excess() + self.shared.buffers.limit() / 2;
        let largest = sizes.into_iter().take_while(|&(size, _)| {
            let wanted = size > 0 && to_free > 0;
            to_free = to_free.saturating_sub(size);
            wanted
        });
        let to_send: Vec<_> = largest
            .filter(|&(_, member)| {
                !self.put_aside(member) && only.is_none_or(|only| only == member)
            })
            .collect();
        if to_send.is_empty() {
            return;
        }
        wait();
        let requests = self.context.limits.requests.max(1);
        let uploads = stream::iter(to_send);
        handle.block_on(uploads.for_each_concurrent(requests, |(_, member)| self.send(member)));
    }

    /// Puts a sensor's predictions aside on disk; whether that was all.
    fn put_aside(&self, member: usize) -> bool {
        let mut job = lock(&self.jobs[member]);
        match job.put_aside() {
            Ok(all) => all,
            Err(failure) => {
                job.fail(&self.context.progress, failure);
                true
            }
        }
    }

    /// Moves a sensor's predictions to its upload.
    async fn send(&self, member: usize) {
        let Some(mut output) = lock(&self.jobs[member]).take_output() else {
            return;
        };
        let room = self.shared.buffers.finishing(output.part_bytes()).await;
        let sent = output.send(&self.context.storage).await;
        drop(room);
        let mut job = lock(&self.jobs[member]);
        match sent {
            Ok(()) => job.give_back(output),
            Err(failure) => job.fail(&self.context.progress, failure),
        }
    }

    /// Writes one sensor's predictions, or why there are none: `absence` says why it has no readings.
    async fn write(&self, member: usize, absence: Option<&Failure>) {
        let start = Instant::now();
        let progress = &self.context.progress;
        let (rows, bytes) = {
            let mut job = lock(&self.jobs[member]);
            if !job.is_open() {
                return;
            }
            if self.context.is_stopped() {
                return job.fail(progress, not_scored());
            }
            let bytes = job.output().map_or(0, |output| output.finishing_bytes());
            (job.rows(), bytes)
        };
        let _room = self.shared.buffers.finishing(bytes).await;
        let fails = self.context.run.spec.input.on_no_readings == OnNoReadings::Fail;
        let written = if rows == 0 && fails {
            Err(absence.cloned().unwrap_or_else(|| self.no_readings(&[])))
        } else {
            self.put(member).await
        };
        let mut job = lock(&self.jobs[member]);
        match written {
            Ok(()) => job.written(&self.context, start.elapsed()),
            Err(failure) => job.fail(progress, failure),
        }
    }

    async fn put(&self, member: usize) -> Result<(), Failure> {
        let output = lock(&self.jobs[member]).take_output();
        let mut output = output.ok_or_else(no_predictions)?;
        if output.is_packed() {
            output = self.finish(output).await?;
        }
        output.put(&self.context).await
    }

    /// Adds the end of a sensor's predictions, on a thread that computes.
    async fn finish(&self, mut output: Output) -> Result<Output, Failure> {
        let (sender, finished) = oneshot::channel();
        self.shared.pool.spawn(move || {
            let finished = output.finish().map(|()| output);
            // Nobody waits any more where the step has ended.
            let _ = sender.send(finished);
        });
        finished.await.unwrap_or_else(|error| Err(internal(&error)))
    }

    fn readings_failure(&self, error: &ReadingsError) -> Failure {
        let mut message = error.to_string();
        if let ReadingsError::PagesTooLarge { bytes, .. } = error {
            let way_out = format!(": {}", self.more_memory(*bytes));
            message.push_str(&way_out);
        }
        Failure {
            reason: error.reason(),
            message,
        }
    }

    /// Warns of an object whose pages may have taken more memory than the bound has for them.
    fn warn_of_pages(&self, object: &str, bytes: u64) {
        let room = self.shared.memory.saturating_mul(PAGES);
        if bytes > room as u64 {
            tracing::warn!(
                "the pages of {object} take {} MiB of memory, with which the bound may be passed; write it again with smaller pages, \
                 or {}",
                bytes.div_ceil(1 << 20),
                self.more_memory(bytes)
            );
        }
    }

    /// The way out where pages take so many bytes.
    fn more_memory(&self, bytes: u64) -> String {
        let pages = usize::try_from(bytes).unwrap_or(usize::MAX);
        format!(
            "set the bound of the memory (--memory, or FLEETSCORE_MEMORY_MIB in a pod) to {} MiB at least",
            mib(Budget::with_pages(self.context.limits.memory, pages))
        )
    }

    fn no_readings(&self, reasons: &[String]) -> Failure {
        let window = self.context.run.spec.window.as_ref();
        Failure {
            reason: FailureReason::NoReadings,
            message: left_out::message(&self.location, window, reasons),
        }
    }

    /// Fails every sensor of the group that is not done.
    fn fail_all(&self, failure: &Failure) {
        for &member in &self.members {
            lock(&self.jobs[member]).fail(&self.context.progress, failure.clone());
        }
    }
}

fn internal(error: &dyn std::error::Error) -> Failure {
    Failure {
        reason: FailureReason::ReadingsUnreadable,
        message: format!("internal error: {error}; please report it"),
    }
}
