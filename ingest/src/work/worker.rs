use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetscore_crds::ReadingStreamSpec;
use fleetscore_crds::contract::segment_start;
use fleetscore_storage::{ObjectUrl, Storage};
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::beat::Beat;
use super::clock::Clock;
use super::engine::{Command, Engine, Shared, Told};
use super::error::WorkerError;
use super::lock;
use super::reader::{Settings, nanoseconds, timestamp};
use super::sign::Sign;
use super::state::Watch;
use super::until::Until;
use crate::event::Decoder;
use crate::folder::{Claims, Commit, CommitError, Held, Owner, PublisherProgress, StreamFolder};
use crate::publish::Publisher;
use crate::window::Rules;
use crate::{Hub, Source, SourceError};

/// How often claims are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// How often it is looked whether segments can be published, and, where the work has an end, whether that is reached.
const TICK: Duration = Duration::from_secs(1);

/// How often is looked for what is no longer needed.
const SWEEP: Duration = Duration::from_hours(1);

/// How often the hub is asked for its partitions.
const COUNT: Duration = Duration::from_mins(2);

/// How many checkpoint intervals a claim lasts that nobody renews.
const LEASE: u32 = 4;

/// How a worker works.
#[derive(Clone)]
pub struct Options {
    /// The stream's namespace and name: `plant/pumps`.
    pub id: String,
    /// What is asked for.
    pub spec: ReadingStreamSpec,
    /// Who this process is.
    pub owner: Owner,
    /// Threads that read; 0: none of their own, the runtime's do.
    pub threads: usize,
    /// Up to where is read.
    pub until: Until,
    /// Whether open windows are closed at the end.
    pub close: bool,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// Works on a stream until it has been read to where it was to be, or `stop` is cancelled: reads the partitions that this process claims,
/// and publishes segments if no other process does. What is done is saved in the end, and given back.
///
/// # Errors
///
/// What no try again can mend. Where the work has no end, a partition that goes no further is no error.
pub async fn work(
    hub: Arc<dyn Hub>,
    storage: &Storage,
    options: Options,
    watch: Watch,
    stop: CancellationToken,
) -> Result<(), WorkerError> {
    let now = timestamp(options.clock.now());
    let spec = &options.spec;
    // Whatever is wrong is told before anything is written.
    let decoder = check(spec)?;
    let folder = StreamFolder::open(storage, spec, &options.id, now).await?;
    let start = folder.document().start.map_or(i64::MIN, nanoseconds);
    let rules = Rules::new(spec, start)?;
    let dead_letters = spec
        .dead_letter
        .as_ref()
        .map(|letters| ObjectUrl::parse(&letters.location))
        .transpose()?;
    let checkpoint = Duration::from_secs(spec.checkpoint_seconds.into());
    let shared = Arc::new(Shared {
        settings: Settings {
            rules,
            has_dead_letters: dead_letters.is_some(),
            max_invalid: spec.limits.max_invalid,
            checkpoint,
            until: options.until,
            close: options.close,
        },
        folder,
        dead_letters,
        clock: Arc::clone(&options.clock),
        published: Mutex::default(),
        seen: Mutex::default(),
    });
    let (tell, told) = mpsc::unbounded_channel();
    let mut beats = vec![Beat::new()];
    let threads = (0..options.threads.max(1))
        .map(|_| {
            let is_own = options.threads > 0;
            let beat = Beat::new();
            beats.push(beat.clone());
            Reading::begin(
                is_own,
                &shared,
                hub.as_ref(),
                decoder.clone(),
                tell.clone(),
                beat,
            )
        })
        .collect::<Result<_, SourceError>>()?;
    drop(tell);
    let beat = beats.first().cloned().unwrap_or_else(Beat::new);
    watch.change(|state| state.beats = beats);
    let worker = Worker {
        shared,
        watch,
        beat,
        stop,
        claims: Claims::new(options.owner, checkpoint * LEASE),
        source: Some(hub.open()?),
        threads,
        told,
        held: BTreeMap::new(),
        done: BTreeSet::new(),
        at_end: BTreeMap::new(),
        count: None,
        counted: None,
        publisher: None,
        swept: None,
        is_published: false,
        closed: None,
        shown: None,
        begun: Instant::now(),
    };
    Box::pin(worker.work()).await
}

/// Checks all of a manifest that the rules of the API cannot: formulas, paths, windows. Returns what makes readings of its events.
///
/// # Errors
///
/// All that is wrong with its fields, or its windows.
pub fn check(spec: &ReadingStreamSpec) -> Result<Decoder, WorkerError> {
    let decoder = Decoder::new(&spec.event, spec.filter.as_deref()).map_err(WorkerError::Spec)?;
    Rules::new(spec, i64::MIN)?;
    Ok(decoder)
}

/// A thread that reads.
struct Reading {
    commands: UnboundedSender<Command>,
    thread: Thread,
}

/// What an engine runs on.
enum Thread {
    /// A thread of its own.
    Own(std::thread::JoinHandle<()>),
    /// The runtime, which must not mind that a source blocks.
    Runtime(tokio::task::JoinHandle<()>),
}

impl Thread {
    /// Waits for its end; whether it came to it in order.
    async fn join(self) -> bool {
        match self {
            Self::Own(thread) => {
                let joined = tokio::task::spawn_blocking(move || thread.join());
                matches!(joined.await, Ok(Ok(())))
            }
            Self::Runtime(task) => task.await.is_ok(),
        }
    }
}

impl Reading {
    fn begin(
        is_own: bool,
        shared: &Arc<Shared>,
        hub: &dyn Hub,
        decoder: Decoder,
        tell: UnboundedSender<Told>,
        beat: Beat,
    ) -> Result<Self, SourceError> {
        let (commands, told) = mpsc::unbounded_channel();
        let engine = Engine::new(Arc::clone(shared), hub.open()?, decoder, told, tell, beat);
        let runtime = Handle::current();
        let thread = if is_own {
            Thread::Own(std::thread::spawn(move || runtime.block_on(engine.run())))
        } else {
            Thread::Runtime(runtime.spawn(engine.run()))
        };
        Ok(Self { commands, thread })
    }
}

struct Worker {
    shared: Arc<Shared>,
    watch: Watch,
    beat: Beat,
    stop: CancellationToken,
    claims: Claims,
    source: Option<Box<dyn Source>>,
    threads: Vec<Reading>,
    told: UnboundedReceiver<Told>,
    /// The partitions that are worked on, and the threads that do.
    held: BTreeMap<i32, usize>,
    /// Those that have been read to where they were to be.
    done: BTreeSet<i32>,
    /// Those that wait to be closed, with the times of their newest readings.
    at_end: BTreeMap<i32, Option<i64>>,
    count: Option<i32>,
    counted: Option<Instant>,
    publisher: Option<(Held, PublisherProgress)>,
    /// When it was last looked for what is no longer needed.
    swept: Option<Instant>,
    /// Whether there was nothing to publish when it was last tried.
    is_published: bool,
    /// How far this process's own partitions had closed their segments when it was last tried.
    closed: Option<Timestamp>,
    /// When it was last shown that this process publishes.
    shown: Option<Instant>,
    begun: Instant,
}

impl Worker {
    async fn work(mut self) -> Result<(), WorkerError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked: Option<Instant> = None;
        let stop = self.stop.clone();
        let outcome = loop {
            tokio::select! {
                // Threads that were told to end tell nothing more, which is no defect then.
                biased;
                () = stop.cancelled() => break Ok(()),
                told = self.told.recv() => {
                    let Some(told) = told else { break Err(WorkerError::Thread) };
                    if let Err(error) = self.hear(told) {
                        break Err(error);
                    }
                    continue;
                }
                _ = ticks.tick() => {}
            }
            let is_due = looked.is_none_or(|looked| looked.elapsed() >= LOOK);
            match self.look(is_due).await {
                Ok(()) => self.watch.set_trouble(None),
                Err(error) if stop.is_cancelled() => tracing::warn!("{error}"),
                Err(error) if error.can_pass() => {
                    tracing::warn!("{error}");
                    self.watch.set_trouble(Some(error.trouble()));
                }
                Err(error) => break Err(error),
            }
            if is_due {
                looked = Some(Instant::now());
            }
            self.sign().show();
            if self.is_done() {
                break Ok(());
            }
        };
        let sign = self.sign();
        sign.show_while(self.end()).await;
        sign.beat.rest();
        outcome
    }

    /// Looks at the hub's partitions and at who works on them, where that is due, and publishes. Once it is to stop, partitions are given
    /// back at once, also while a large segment is being published.
    async fn look(&mut self, is_due: bool) -> Result<(), WorkerError> {
        let (sign, stop) = (self.sign(), self.stop.clone());
        let threads = self.threads.iter();
        let commands: Vec<_> = threads.map(|thread| thread.commands.clone()).collect();
        let steps = async {
            self.count_partitions().await?;
            if is_due {
                // What is published tells where a new partition begins.
                self.claim_publishing().await?;
                self.claim().await?;
            }
            self.publish(is_due).await
        };
        let mut steps = Box::pin(sign.show_while(steps));
        tokio::select! {
            done = &mut steps => done,
            () = stop.cancelled() => {
                for commands in &commands {
                    let _ = commands.send(Command::End);
                }
                steps.await
            }
        }
    }

    fn is_bounded(&self) -> bool {
        self.shared.settings.until != Until::Stopped
    }

    fn is_done(&self) -> bool {
        let all = self
            .count
            .is_some_and(|count| (0..count).all(|number| self.done.contains(&number)));
        self.is_bounded() && all && (self.is_published || self.is_published_by_others())
    }

    /// Whether all that the partitions have closed is published, by whichever process.
    fn is_published_by_others(&self) -> bool {
        let seen = lock(&self.shared.seen);
        let closed = seen.values().map(|seen| seen.progress.closed_through).min();
        let published = self.shared.published();
        closed.is_some_and(|closed| closed.is_none() || published >= closed)
    }

    fn hear(&mut self, told: Told) -> Result<(), WorkerError> {
        match told {
            Told::Lost(number) => {
                self.held.remove(&number);
                lock(&self.shared.seen).remove(&number);
            }
            Told::Done(number) => {
                self.held.remove(&number);
                self.done.insert(number);
            }
            Told::AtEnd(number, newest) => {
                self.at_end.insert(number, newest);
                self.close();
            }
            Told::Stalled(number, stall) => {
                tracing::error!(partition = number, "{stall}");
                if self.is_bounded() {
                    return Err(stall.into());
                }
            }
            Told::Failed(number, cause) => {
                tracing::error!(partition = number, "{cause}");
                self.held.remove(&number);
                let error = WorkerError::Save {
                    partition: number,
                    cause,
                };
                if self.is_bounded() {
                    return Err(error);
                }
                self.shared
                    .see(number, |seen| seen.save_error = Some(error.trouble()));
            }
        }
        Ok(())
    }

    /// Once all partitions have come to their ends, closes the segments up to that of the newest reading.
    fn close(&self) {
        let Some(count) = self.count else { return };
        if !(0..count)
            .all(|number| self.at_end.contains_key(&number) || self.done.contains(&number))
        {
            return;
        }
        let rules = &self.shared.settings.rules;
        let newest = self.at_end.values().copied().flatten().max();
        let end = newest.map_or(i64::MIN, |newest| rules.segment_of(newest) + rules.segment);
        for thread in &self.threads {
            let _ = thread.commands.send(Command::Close(end));
        }
    }

    async fn count_partitions(&mut self) -> Result<(), WorkerError> {
        let is_due = self
            .counted
            .is_none_or(|counted| counted.elapsed() >= COUNT);
        // Where the work has an end, so have its partitions.
        if !is_due || (self.is_bounded() && self.count.is_some()) {
            return Ok(());
        }
        let Some(mut source) = self.source.take() else {
            return Ok(());
        };
        let asked = tokio::task::spawn_blocking(move || {
            let partitions = source.partitions();
            (source, partitions)
        });
        let (source, partitions) = asked.await.map_err(|_| WorkerError::Thread)?;
        self.source = Some(source);
        self.counted = Some(Instant::now());
        let count = match partitions {
            Ok(partitions) => partitions.len(),
            // What there was is gone on with, and is published, while the hub is away.
            Err(error) if self.count.is_some() && error.can_retry() => {
                tracing::warn!("{error}");
                return Ok(());
            }
            Err(error) => {
                self.counted = None;
                return Err(error.into());
            }
        };
        self.count = i32::try_from(count).ok();
        self.watch
            .change(|state| state.partitions = u32::try_from(count).ok());
        Ok(())
    }

    /// Claims the partitions that are this process's to work on.
    async fn claim(&mut self) -> Result<(), WorkerError> {
        let Some(count) = self.count else {
            return Ok(());
        };
        let taken: BTreeSet<i32> = self.held.keys().chain(&self.done).copied().collect();
        let now = self.begun.elapsed();
        let folder = &self.shared.folder;
        for number in self.claims.look(folder, count, &taken, now).await? {
            if self.stop.is_cancelled() {
                break;
            }
            let Some((held, commit)) = self.claims.claim(folder, number).await? else {
                continue;
            };
            let works =
                |thread: usize| self.held.values().filter(|other| **other == thread).count();
            let thread = (0..self.threads.len())
                .min_by_key(|thread| works(*thread))
                .unwrap_or(0);
            tracing::info!(partition = number, epoch = held.claim().epoch, "claimed");
            self.held.insert(number, thread);
            let command = Command::Work(number, held, Box::new(commit));
            if let Some(thread) = self.threads.get(thread)
                && let Err(SendError(command)) = thread.commands.send(command)
            {
                // The thread has been told to end meanwhile.
                give_back(folder, command).await;
                return Err(WorkerError::Thread);
            }
        }
        Ok(())
    }

    /// Looks how far publishing has come, and claims it unless another process does it.
    async fn claim_publishing(&mut self) -> Result<(), WorkerError> {
        if self.publisher.is_some() {
            return Ok(());
        }
        let folder = &self.shared.folder;
        let now = self.begun.elapsed();
        let (is_free, progress) = self.claims.look_at_publisher(folder, now).await?;
        self.sign().note_published(progress);
        if is_free && let Some((held, commit)) = self.claims.claim_publisher(folder).await? {
            self.publisher = Some((held, commit.progress));
        }
        Ok(())
    }

    /// Whether it is worth to read how far all partitions are, which costs a request for each: not while those of this process have not
    /// closed the next segment; then at once, and again every while, as others may be behind.
    fn may_publish(&mut self, is_due: bool, progress: &PublisherProgress) -> bool {
        if self.is_bounded() {
            return true;
        }
        let (closed, has_own) = {
            let seen = lock(&self.shared.seen);
            let closed = seen.values().map(|seen| seen.progress.closed_through);
            (closed.min().flatten(), !seen.is_empty())
        };
        let is_new = closed != self.closed;
        self.closed = closed;
        let document = self.shared.folder.document();
        let first = |start| segment_start(start, document.segment_seconds);
        let published = progress.complete_through.or(document.start.map(first));
        let segment = SignedDuration::from_nanos(self.shared.settings.rules.segment);
        let is_closed = match (published, closed) {
            // A process without partitions of its own publishes what others have closed.
            _ if !has_own => true,
            // Which segment is the first is told by the rows.
            (None, _) => true,
            (Some(_), None) => false,
            (Some(published), Some(closed)) => closed.duration_since(published) >= segment,
        };
        is_closed && (is_new || is_due)
    }

    /// Publishes what all partitions have closed, unless another process does.
    async fn publish(&mut self, is_due: bool) -> Result<(), WorkerError> {
        let (Some(count), Some((held, progress))) = (self.count, self.publisher.take()) else {
            return Ok(());
        };
        let may_publish = self.may_publish(is_due, &progress);
        let sign = self.sign();
        let folder = &self.shared.folder;
        let checkpoint = self.shared.settings.checkpoint;
        let rules = &self.shared.settings.rules;
        let mut publisher = Publisher::new(folder, rules, held, progress);
        let mut ticks = Box::pin(stream::unfold((), |()| async {
            tokio::time::sleep(checkpoint).await;
            Some(((), ()))
        }));
        let published = if may_publish {
            let published = publisher
                .publish(count, &mut ticks, &self.stop, &mut |progress| {
                    sign.note_published(progress.clone());
                })
                .await;
            self.is_published = matches!(published, Ok(0));
            published
        } else {
            Ok(0)
        };
        let is_shown = self.shown.is_some_and(|shown| shown.elapsed() < checkpoint);
        let shown = match published {
            Ok(0) if is_shown => Ok(0),
            Ok(0) => publisher.show(true).await.map(|()| 0),
            published => published,
        };
        if !(is_shown && matches!(shown, Ok(0))) {
            self.shown = Some(Instant::now());
        }
        let is_swept = self.swept.is_some_and(|swept| swept.elapsed() < SWEEP);
        if shown.is_ok() && !is_swept {
            self.swept = Some(Instant::now());
            let ahead = folder.storage().clock_ahead().unwrap_or_default();
            let now = timestamp(self.shared.clock.now()).saturating_add(ahead);
            match publisher.sweep(count, now.unwrap_or(Timestamp::MIN)).await {
                Ok(deleted) => tracing::info!(deleted, "looked for what is no longer needed"),
                Err(error) => tracing::warn!("old parts are deleted later: {error}"),
            }
        }
        let (held, progress) = publisher.into_parts();
        self.sign().note_published(progress.clone());
        match shown {
            Ok(segments) => {
                if segments > 0 {
                    let through = progress.complete_through.map(tracing::field::display);
                    tracing::info!(segments, through, "published");
                }
                self.publisher = Some((held, progress));
                Ok(())
            }
            Err(CommitError::Lost { .. }) => Ok(()),
            Err(CommitError::Folder(error)) => {
                self.publisher = Some((held, progress));
                Err(error.into())
            }
        }
    }

    fn sign(&self) -> Sign {
        Sign {
            beat: self.beat.clone(),
            watch: self.watch.clone(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Saves what there is, publishes what that has closed unless it is to stop, and gives all back.
    async fn end(&mut self) {
        for thread in &self.threads {
            let _ = thread.commands.send(Command::End);
        }
        for thread in self.threads.drain(..) {
            if !thread.thread.join().await {
                tracing::error!("a thread that reads has ended by a defect; please report it");
            }
        }
        self.sign().show();
        if let Err(error) = self.publish(true).await {
            tracing::warn!("{error}");
        }
        if let Some((held, progress)) = self.publisher.take() {
            let mut publisher = Publisher::new(
                &self.shared.folder,
                &self.shared.settings.rules,
                held,
                progress,
            );
            if let Err(error) = publisher.show(false).await {
                tracing::warn!("publishing was not given back, and will be free later: {error}");
            }
        }
        self.sign().show();
    }
}

/// Gives a partition back that was claimed for a thread that takes no more.
async fn give_back(folder: &StreamFolder, command: Command) {
    let Command::Work(number, mut held, commit) = command else {
        return;
    };
    let Commit {
        progress, state, ..
    } = *commit;
    if let Err(error) = held.commit(folder, progress, state, false).await {
        tracing::warn!(
            partition = number,
            "not given back, and free later: {error}"
        );
    }
}
