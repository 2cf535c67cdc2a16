use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetscore_storage::ObjectUrl;
use jiff::Timestamp;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::beat::Beat;
use super::checkpoint::{self, CheckpointError};
use super::clock::Clock;
use super::lock;
use super::questions::Questions;
use super::reader::{Reader, Settings};
use super::stall::Stall;
use super::state::Seen;
use super::task::Task;
use super::until::Until;
use crate::event::Decoder;
use crate::folder::{Commit, Held, PartitionProgress, StreamFolder};
use crate::{Event, Place, Source, SourceError};

/// Records that are taken before anything else is looked at.
const BATCH: usize = 4096;

/// How long a source is waited for.
const POLL: Duration = Duration::from_millis(50);

/// How often an idle partition is asked for its end.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How often the hub is asked for the ends of partitions, to tell how many events are left.
const MEASURE: Duration = Duration::from_secs(10);

/// Pauses while the hub is away.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// No window is closed by the clock while it differs from that of storage by more than this.
const CLOCK_DIFFERENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// What all threads of a worker share.
pub(super) struct Shared {
    pub folder: StreamFolder,
    pub dead_letters: Option<ObjectUrl>,
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
    /// The end of the last segment that is published.
    pub published: Mutex<Option<Timestamp>>,
    /// What there is to see of each partition.
    pub seen: Mutex<BTreeMap<i32, Seen>>,
}

impl Shared {
    pub fn published(&self) -> Option<Timestamp> {
        *lock(&self.published)
    }

    pub fn see(&self, partition: i32, change: impl FnOnce(&mut Seen)) {
        change(lock(&self.seen).entry(partition).or_default());
    }
}

/// What a thread is told.
pub(super) enum Command {
    /// Work on a partition, from its last commit on.
    Work(i32, Held, Box<Commit<PartitionProgress>>),
    /// All partitions have been read to where they were to be: close the segments that end then or before, save, and give back.
    Close(i64),
    /// Save what there is, give all partitions back, and end.
    End,
}

/// What a thread tells.
#[derive(Debug)]
pub(super) enum Told {
    /// It works no longer on a partition, since another process does.
    Lost(i32),
    /// A partition has been read to where it was to be, and waits to be closed. Its newest reading's time.
    AtEnd(i32, Option<i64>),
    /// A partition was given back.
    Done(i32),
    /// A partition goes no further.
    Stalled(i32, Stall),
    /// A partition cannot be saved.
    Failed(i32, String),
}

/// One thread's part of the work.
pub(super) struct Engine {
    shared: Arc<Shared>,
    source: Box<dyn Source>,
    decoder: Decoder,
    works: BTreeMap<i32, Task>,
    commands: UnboundedReceiver<Command>,
    tell: UnboundedSender<Told>,
    pause: Duration,
    questions: Questions,
    ends: bool,
    beat: Beat,
}

impl Engine {
    pub fn new(
        shared: Arc<Shared>,
        source: Box<dyn Source>,
        decoder: Decoder,
        commands: UnboundedReceiver<Command>,
        tell: UnboundedSender<Told>,
        beat: Beat,
    ) -> Self {
        Self {
            shared,
            source,
            decoder,
            works: BTreeMap::new(),
            commands,
            tell,
            pause: FIRST_PAUSE,
            questions: Questions::default(),
            ends: false,
            beat,
        }
    }

    /// Works until it is told to end, and all is saved. Polling the source blocks the thread.
    pub async fn run(mut self) {
        loop {
            self.take_commands().await;
            self.finish_saving().await;
            self.beat.strike();
            if self.ends && self.works.is_empty() {
                self.beat.rest();
                return;
            }
            let read = if self.ends { Ok(0) } else { self.read() };
            match read {
                Ok(count) => {
                    self.pause = FIRST_PAUSE;
                    if count > 0 {
                        self.questions.resume();
                    }
                    self.look_at_ends();
                    self.show();
                    self.begin_saving();
                    if count == 0 {
                        tokio::time::sleep(POLL).await;
                    } else {
                        tokio::task::yield_now().await;
                    }
                }
                Err(error) => {
                    self.begin_saving();
                    tracing::warn!("{error}");
                    for number in self.works.keys() {
                        self.shared
                            .see(*number, |seen| seen.error = Some(error.trouble()));
                    }
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn take_commands(&mut self) {
        loop {
            let command = match self.commands.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty) => {
                    let idle = self.works.is_empty() && !self.ends;
                    match if idle {
                        self.beat.rest();
                        self.commands.recv().await
                    } else {
                        None
                    } {
                        Some(command) => command,
                        None if idle => Command::End,
                        None => return,
                    }
                }
                Err(TryRecvError::Disconnected) => Command::End,
            };
            match command {
                Command::Work(number, held, commit) => self.begin(number, held, *commit),
                Command::Close(end) => {
                    for work in self.works.values_mut() {
                        if let Some(reader) = &mut work.reader {
                            reader.close_through(end);
                        }
                        work.is_last = true;
                    }
                }
                Command::End if self.ends => return,
                Command::End => {
                    self.ends = true;
                    for work in self.works.values_mut() {
                        work.is_last = true;
                    }
                }
            }
        }
    }

    fn begin(&mut self, number: i32, held: Held, commit: Commit<PartitionProgress>) {
        let epoch = held.claim().epoch;
        self.shared.see(number, |seen| {
            *seen = Seen {
                epoch,
                progress: commit.progress.clone(),
                ..Seen::default()
            };
        });
        let reader = match Reader::new(number, epoch, commit, &self.shared.settings) {
            Ok(reader) => Some(reader),
            Err(error) => {
                let cause = error.to_string();
                let stall = Stall::State {
                    partition: number,
                    cause,
                };
                self.tell_stall(number, stall);
                None
            }
        };
        let mut reader = reader;
        if let (Some(reader), Some(published)) = (&mut reader, self.shared.published()) {
            // What is published takes nothing more: a partition that is new has nothing of it.
            reader.begin_after(published);
        }
        let mut work = Task::new(reader, held);
        work.is_last = self.ends;
        self.works.insert(number, work);
    }

    /// Assigns what is not yet, and takes some records.
    fn read(&mut self) -> Result<usize, SourceError> {
        let is_unassigned =
            |work: &Task| !work.is_assigned && !work.is_last && work.reader.is_some();
        let unassigned: Vec<i32> = self
            .works
            .iter()
            .filter(|(_, work)| is_unassigned(work))
            .map(|(number, _)| *number)
            .collect();
        for number in unassigned {
            self.beat.strike();
            match self.assign(number) {
                Ok(()) => {}
                Err(error) if error.can_retry() => return Err(error),
                Err(error) => self.stall(number, Stall::SourceRecreated(error)),
            }
        }
        let is_assigned = self.works.values().any(|work| work.is_assigned);
        if !is_assigned || self.works.values().any(Task::is_full) {
            return Ok(0);
        }
        let mut stalls = Vec::new();
        let Self {
            works,
            source,
            decoder,
            shared,
            ..
        } = self;
        // Of all records of a poll, which come at about the same time: the clock takes as long as a good part of a record.
        let mut come = None;
        let polled = source.poll(BATCH, POLL, &mut |event| {
            match event {
                Event::Record {
                    record,
                    has_hub_time,
                } => {
                    let number = record.partition;
                    let come = *come.get_or_insert_with(Instant::now);
                    if let Some(work) = works.get_mut(&number)
                        && work.takes(record.offset, record.arrival, shared.settings.until)
                        && let Some(reader) = &mut work.reader
                        && let Err(stall) =
                            reader.take(&record, has_hub_time, come, decoder, &shared.settings)
                    {
                        stalls.push((number, stall));
                        return ControlFlow::Break(());
                    }
                }
                Event::End { partition } => {
                    if let Some(work) = works.get_mut(&partition) {
                        work.saw_end = true;
                    }
                }
            }
            ControlFlow::Continue(())
        });
        for (number, stall) in stalls {
            self.stall(number, stall);
        }
        match polled {
            Ok(count) => Ok(count),
            Err(error) => match error.partition() {
                Some(number) => {
                    if let Some(work) = self.works.get_mut(&number) {
                        work.is_assigned = false;
                    }
                    Ok(0)
                }
                None => Err(error),
            },
        }
    }

    /// Has a partition read from where it was left, or from where the stream begins.
    fn assign(&mut self, number: i32) -> Result<(), SourceError> {
        let Self {
            works,
            source,
            shared,
            ..
        } = self;
        let Some(work) = works.get_mut(&number) else {
            return Ok(());
        };
        let Some(reader) = &mut work.reader else {
            return Ok(());
        };
        let settings = &shared.settings;
        let place = if let Some(place) = reader.place() {
            place
        } else {
            let next = match settings.rules.start {
                i64::MIN => source.bounds(number)?.earliest,
                start => source.offset_at(number, start.saturating_sub(settings.rules.early))?,
            };
            reader.begin_at(next);
            Place::at(next)
        };
        match source.assign(number, place) {
            Err(SourceError::OffsetGone { earliest, next, .. }) => {
                tracing::warn!(
                    partition = number,
                    from = next,
                    to = earliest,
                    "events were deleted before they were read"
                );
                reader.skip_to(earliest, shared.clock.now());
                source.assign(number, Place::at(earliest))?;
            }
            assigned => assigned?,
        }
        if settings.until == Until::Latest && work.end.is_none() {
            work.end = Some(source.bounds(number)?.end);
        }
        work.is_assigned = true;
        shared.see(number, |seen| seen.error = None);
        Ok(())
    }

    /// Closes by the clock what has been silent, and finds which partitions have been read to where they were to be.
    fn look_at_ends(&mut self) {
        let Self {
            works,
            source,
            shared,
            questions,
            ..
        } = self;
        let settings = &shared.settings;
        let agrees = shared
            .folder
            .storage()
            .clock_ahead()
            .is_none_or(|ahead| ahead.abs() <= CLOCK_DIFFERENCE);
        let idle = Duration::from_nanos(settings.rules.idle.unsigned_abs());
        let is_bounded = settings.until != Until::Stopped;
        let (mut ends, count) = (Vec::new(), works.len());
        for (number, work) in works.iter_mut() {
            if !work.is_assigned || work.is_last || work.waits {
                continue;
            }
            let now = shared.clock.now();
            if is_bounded && !work.at_end {
                let is_over = match settings.until {
                    Until::Arrival(time) => now >= time,
                    _ => true,
                };
                work.at_end = work.reaches_end()
                    || (work.saw_end
                        && is_over
                        && questions.ask(*number, || source.is_drained(*number)) == Some(true));
            }
            let is_silent = work.silent_for(now) >= idle && agrees && !work.has_more;
            let is_due = work.at_end || questions.is_due(work.asked, ASK_AGAIN, count);
            if is_silent && is_due && questions.may_ask(*number) {
                work.asked = Some(Instant::now());
                let is_drained =
                    questions.ask(*number, || source.is_drained(*number)) == Some(true);
                if let Some(reader) = work.reader.as_mut().filter(|_| is_drained) {
                    reader.idle(now);
                    ends.extend(work.at_end.then_some(*number));
                }
            } else if work.at_end && (work.has_more || !agrees) {
                ends.push(*number);
            }
        }
        for number in ends {
            self.end(number);
        }
    }

    /// Shows how far each partition has come.
    fn show(&mut self) {
        let Self {
            works,
            source,
            shared,
            questions,
            beat,
            ..
        } = self;
        let idle = Duration::from_nanos(shared.settings.rules.idle.unsigned_abs());
        let count = works.len();
        for (number, work) in works.iter_mut() {
            beat.strike();
            let Some(reader) = work.reader.as_ref().filter(|_| work.is_assigned) else {
                continue;
            };
            let (events, next) = (reader.events(), reader.next());
            if questions.is_due(work.measured, MEASURE, count) && questions.may_ask(*number) {
                work.measured = Some(Instant::now());
                work.known_end = questions
                    .ask(*number, || source.bounds(*number))
                    .map(|bounds| bounds.end);
            }
            let left = work
                .known_end
                .map(|end| u64::try_from(end - next).unwrap_or(0));
            let behind = left.map(|left| match reader.arrival() {
                Some(arrival) if left > 0 => seconds_since(arrival, shared.clock.now()),
                _ => 0,
            });
            let is_idle = left == Some(0) && reader.silent_for() >= idle;
            shared.see(*number, |seen| {
                seen.events = events;
                seen.lag = left;
                seen.lag_seconds = behind;
                seen.is_idle = is_idle;
                seen.error = None;
            });
        }
    }

    /// A partition has been read to where it was to be.
    fn end(&mut self, number: i32) {
        let close = self.shared.settings.close;
        let Some(work) = self.works.get_mut(&number) else {
            return;
        };
        work.is_last = !close;
        work.waits = close;
        if close {
            let reader = work.reader.as_ref();
            let newest = reader.and_then(|reader| reader.partition().max_time());
            self.tell(Told::AtEnd(number, newest));
        }
    }

    /// Begins the checkpoints that are due.
    fn begin_saving(&mut self) {
        let shared = &self.shared;
        for (number, work) in &mut self.works {
            let is_due = match &work.reader {
                Some(reader) => reader.is_due(&shared.settings),
                None => work.renewed.elapsed() >= shared.settings.checkpoint,
            };
            if work.saving.is_some() || !(work.is_last || is_due) {
                continue;
            }
            let Some(held) = work.held.take() else {
                continue;
            };
            let keep = !work.is_last;
            let shared = Arc::clone(shared);
            work.saving = Some(if let Some(reader) = &mut work.reader {
                let begun = Instant::now();
                let cut = reader.cut(shared.published(), keep);
                tracing::debug!(
                    partition = number,
                    events = reader.events(),
                    microseconds = begun.elapsed().as_micros(),
                    "cut"
                );
                let has_producers_clock = reader.has_hub_time().map(|has| !has);
                shared.see(*number, |seen| {
                    seen.has_producers_clock = has_producers_clock;
                });
                tokio::spawn(checkpoint::save(shared, *number, held, cut))
            } else {
                work.renewed = Instant::now();
                tokio::spawn(checkpoint::renew(shared, *number, held, keep))
            });
        }
    }

    /// Takes up the checkpoints that are made.
    async fn finish_saving(&mut self) {
        let numbers: Vec<i32> = self
            .works
            .iter()
            .filter(|(_, work)| work.saving.as_ref().is_some_and(JoinHandle::is_finished))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            let Some(work) = self.works.get_mut(&number) else {
                continue;
            };
            let Some(saving) = work.saving.take() else {
                continue;
            };
            match saving.await {
                Ok(Ok((held, progress))) => {
                    if let Some(next) = progress.next_offset {
                        self.source.commit(number, next);
                    }
                    self.shared.see(number, |seen| {
                        seen.progress = progress;
                        seen.save_error = None;
                    });
                    let is_kept = held.claim().owner.is_some();
                    work.held = is_kept.then_some(held);
                    if !is_kept {
                        self.drop_work(number);
                        self.tell(Told::Done(number));
                    }
                }
                Ok(Err(CheckpointError::Lost(error))) => {
                    tracing::info!(partition = number, "{error}");
                    self.drop_work(number);
                    self.tell(Told::Lost(number));
                }
                Ok(Err(error)) => {
                    self.drop_work(number);
                    self.tell(Told::Failed(number, error.to_string()));
                }
                Err(error) => {
                    self.drop_work(number);
                    self.tell(Told::Failed(number, error.to_string()));
                }
            }
        }
    }

    /// A partition goes no further: what was read since its last commit is forgotten, and its claim is kept.
    fn stall(&mut self, number: i32, stall: Stall) {
        self.source.release(number);
        if let Some(work) = self.works.get_mut(&number) {
            work.reader = None;
            work.is_assigned = false;
        }
        self.tell_stall(number, stall);
    }

    fn tell_stall(&self, number: i32, stall: Stall) {
        self.shared
            .see(number, |seen| seen.stall = Some(stall.trouble()));
        self.tell(Told::Stalled(number, stall));
    }

    fn drop_work(&mut self, number: i32) {
        self.source.release(number);
        self.works.remove(&number);
    }

    fn tell(&self, told: Told) {
        // Who does not listen any more has ended.
        let _ = self.tell.send(told);
    }
}

/// Whole seconds from an arrival until now, in nanoseconds since 1970.
fn seconds_since(arrival: i64, now: i64) -> u64 {
    now.saturating_sub(arrival).max(0).unsigned_abs() / 1_000_000_000
}
