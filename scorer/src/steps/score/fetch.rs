//! Finds the readings of a group, and fetches those that are small before their turn comes to be read.

use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::steps::Context;
use fleetscore_crds::{Failure, FailureReason, SensorKey};
use fleetscore_readings::ObjectSource;
use fleetscore_readings::dataset::{self, Segments, missing};
use fleetscore_storage::{ObjectInfo, ObjectUrl, StorageError};

/// The most and the least bytes that the first request for an object asks for.
const FIRST: std::ops::RangeInclusive<usize> = 16 << 10..=4 << 20;

/// Bytes that one request for more of an object asks for, and how many of these run at the same time.
const PIECE: u64 = 4 << 20;
const PIECES: usize = 4;

/// The memory of what is fetched before its turn to be read, for all groups together.
#[derive(Debug)]
pub struct Ahead {
    /// A permit for each KiB.
    room: Arc<Semaphore>,
    /// Bytes of all the room.
    memory: usize,
    /// Bytes that the first request for an object asks for.
    first: usize,
}

/// What a group reads.
#[derive(Debug)]
pub struct Fetched {
    /// The objects, in the order of their names.
    pub objects: Vec<ObjectSource>,
    /// Bytes that they have together.
    pub bytes: u64,
    _room: Option<OwnedSemaphorePermit>,
}

impl Fetched {
    /// Whether all its bytes are there.
    pub fn is_here(&self) -> bool {
        self.objects.iter().all(ObjectSource::is_here)
    }
}

impl Ahead {
    /// Room of `memory` bytes, for as many requests at the same time.
    pub fn new(memory: usize, requests: usize) -> Self {
        let first = (memory / requests.max(1)).clamp(*FIRST.start(), *FIRST.end());
        Self {
            room: Arc::new(Semaphore::new(kib(memory).max(kib(first)))),
            memory,
            first,
        }
    }

    /// The files of a stream that may hold readings of `sensors`.
    pub fn of_stream(
        context: &Context,
        segments: &Segments,
        sensors: &[SensorKey],
    ) -> Result<Fetched, Failure> {
        let columns = &context.run.columns;
        let files = segments.files(sensors, columns);
        let files = files.map_err(|error| missing(&error))?;
        let sources = files
            .iter()
            .map(|file| ObjectSource::open(&context.storage, file));
        let objects = sources.collect::<Result<_, _>>();
        Ok(Fetched {
            objects: objects.map_err(|error| missing(&error))?,
            bytes: files.iter().map(|file| file.size).sum(),
            _room: None,
        })
    }

    /// Finds the readings at `location`, a URL, and fetches an object that is small.
    pub async fn fetch(&self, context: &Context, location: &str) -> Result<Fetched, Failure> {
        let location = ObjectUrl::parse(location).map_err(|error| missing(&error))?;
        if location.is_prefix() {
            return folder(context, &location).await;
        }
        // The semaphore is never closed.
        let mut room = self.reserve(self.first).await;
        let (object, first) =
            dataset::begin(&context.storage, &location, self.first as u64).await?;
        let more = object.size.saturating_sub(first.len() as u64);
        let (mut bytes, mut held) = (first, kib(self.first));
        if more > 0
            && object.size <= self.memory as u64 / 4
            && context.storage.local_file(&location).is_none()
            && let Some(extra) = self.try_reserve(more)
        {
            let rest = rest(context, &object, &bytes);
            bytes = rest.await.map_err(|error| missing(&error))?;
            held += extra.num_permits();
            if let Some(room) = &mut room {
                room.merge(extra);
            }
        }
        refuse_links(context, std::slice::from_ref(&object))?;
        // What is not needed is free for others.
        let unused = held.saturating_sub(kib(bytes.len()));
        drop(room.as_mut().and_then(|room| room.split(unused)));
        let source =
            ObjectSource::open(&context.storage, &object).map_err(|error| missing(&error))?;
        Ok(Fetched {
            objects: vec![source.with_first(bytes)],
            bytes: object.size,
            _room: room,
        })
    }

    async fn reserve(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(kib(bytes)).ok()?;
        let room = Arc::clone(&self.room).acquire_many_owned(permits);
        room.await.ok()
    }

    fn try_reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(kib(usize::try_from(bytes).ok()?)).ok()?;
        Arc::clone(&self.room).try_acquire_many_owned(permits).ok()
    }
}

/// All bytes of an object whose first are there. One that is overwritten meanwhile is an error.
async fn rest(
    context: &Context,
    object: &ObjectInfo,
    first: &Bytes,
) -> Result<Bytes, StorageError> {
    let source = ObjectSource::open(&context.storage, object)?;
    let from = first.len() as u64;
    let pieces = (object.size - from).div_ceil(PIECE);
    let starts = (0..pieces).map(|piece| from + piece * PIECE);
    let mut whole = BytesMut::with_capacity(usize::try_from(object.size).unwrap_or(0));
    whole.extend_from_slice(first);
    let fetched = stream::iter(starts)
        .map(|start| source.get(start..object.size.min(start + PIECE)))
        .buffered(PIECES)
        .try_for_each(|piece| {
            whole.extend_from_slice(&piece);
            std::future::ready(Ok(()))
        });
    let fetched = fetched.await;
    fetched.map_err(|error| context.storage.error(&object.url, &error))?;
    Ok(whole.freeze())
}

/// The readings in a folder and below.
async fn folder(context: &Context, location: &ObjectUrl) -> Result<Fetched, Failure> {
    refuse_table(context, location).await?;
    let data = dataset::list(&context.storage, location).await?;
    refuse_links(context, &data)?;
    let sources = data
        .iter()
        .map(|object| ObjectSource::open(&context.storage, object));
    let objects = sources.collect::<Result<_, _>>();
    Ok(Fetched {
        objects: objects.map_err(|error| missing(&error))?,
        bytes: data.iter().map(|object| object.size).sum(),
        _room: None,
    })
}

/// Refuses a folder in a table. The folder that all sensors share, and those above it, have been looked at when the run was
/// planned.
async fn refuse_table(context: &Context, location: &ObjectUrl) -> Result<(), Failure> {
    let literal = context.run.input.literal_prefix();
    let shared = literal
        .rsplit_once('/')
        .map(|(folder, _)| format!("{folder}/"));
    let shared = shared.and_then(|folder| ObjectUrl::parse(&folder).ok());
    match dataset::table_between(&context.storage, location, shared.as_ref()).await {
        Ok(None) => Ok(()),
        Ok(Some(table)) => Err(Failure {
            reason: FailureReason::ReadingsUnreadable,
            message: table.to_string(),
        }),
        Err(error) => Err(missing(&error)),
    }
}

/// Refuses readings that a link leads to something that the run writes: they are predictions.
fn refuse_links(context: &Context, objects: &[ObjectInfo]) -> Result<(), Failure> {
    for object in objects {
        let Some(path) = context.storage.local_file(&object.url) else {
            return Ok(());
        };
        let real = path.canonicalize().ok().filter(|real| *real != path);
        // Without a link the locations have been compared before the run began.
        let Some(real) = real.as_deref().and_then(Path::to_str) else {
            continue;
        };
        if context.run.written.has(format!("file://{real}")) {
            return Err(Failure {
                reason: FailureReason::ReadingsUnreadable,
                message: format!(
                    "{} is a link to {real}, which the run writes (spec.output.location): predictions are no readings; \
                     remove the link, or choose another place for them",
                    object.url
                ),
            });
        }
    }
    Ok(())
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 10)
}
