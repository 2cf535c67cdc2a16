use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};

use super::classify::{Kind, error, kind};
use super::context::Context;
use super::reader::{Reader, hand_out, take};
use super::settings::Settings;
use super::{Bounds, Event, Place, Source, SourceError};

/// For how long an answer is waited for in all, and how often it is looked meanwhile whether the hub refuses.
const ANSWER: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_secs(2);
const TOKEN: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(200);
const SEEK: Duration = Duration::from_secs(10);
const NANOS_PER_MILLI: i64 = 1_000_000;

/// A reader of its own connections.
pub(super) struct KafkaSource {
    settings: Arc<Settings>,
    headers: bool,
    consumer: BaseConsumer<Context>,
    readers: BTreeMap<i32, Reader>,
    /// What came while something else was waited for.
    waiting: VecDeque<Waiting>,
}

enum Waiting {
    Record(OwnedMessage),
    Error(KafkaError),
}

impl KafkaSource {
    pub(super) fn new(
        settings: Arc<Settings>,
        consumer: BaseConsumer<Context>,
        headers: bool,
    ) -> Self {
        Self {
            settings,
            headers,
            consumer,
            readers: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Asks the hub, until it answers or refuses.
    fn ask<T>(
        &mut self,
        ask: impl Fn(&BaseConsumer<Context>, Duration) -> KafkaResult<T>,
    ) -> Result<T, SourceError> {
        let deadline = Instant::now() + ANSWER;
        // The client gives up a connection on which something is not answered in time, and with it what is read there.
        let patience = if self.readers.is_empty() {
            LOOK
        } else {
            ANSWER
        };
        loop {
            self.listen(Duration::ZERO);
            if self.consumer.context().can_sign_in() {
                match ask(&self.consumer, patience) {
                    Ok(answer) => {
                        self.consumer.context().clear();
                        return Ok(answer);
                    }
                    Err(failure) => {
                        self.listen(Duration::ZERO);
                        self.refusal(&failure)?;
                        if Instant::now() >= deadline {
                            let (kind, what) = self
                                .consumer
                                .context()
                                .trouble()
                                .unwrap_or((Kind::Unavailable, failure.to_string()));
                            return Err(error(&self.settings, kind, &what));
                        }
                        // It may have failed at once.
                        thread::sleep(PAUSE);
                    }
                }
            } else if let Some((kind, what)) = self.consumer.context().trouble() {
                return Err(error(&self.settings, kind, &what));
            } else if Instant::now() >= deadline {
                return Err(error(&self.settings, Kind::Unavailable, "no token came"));
            } else {
                self.listen(TOKEN);
            }
        }
    }

    /// What need not be waited for any longer.
    fn refusal(&self, failure: &KafkaError) -> Result<(), SourceError> {
        let found = failure.rdkafka_error_code().and_then(kind);
        match (found, self.consumer.context().trouble()) {
            (_, Some((Kind::Denied, what))) => Err(error(&self.settings, Kind::Denied, &what)),
            (Some(kind @ (Kind::Denied | Kind::NotFound)), _) => {
                Err(error(&self.settings, kind, &failure.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Lets the client tell what it has to tell, and ask for tokens. Records that come meanwhile are kept.
    fn listen(&mut self, mut wait: Duration) {
        const EVENTS: usize = 100;
        for _ in 0..EVENTS {
            let event = match self.consumer.poll(std::mem::take(&mut wait)) {
                None => return,
                Some(Ok(message)) => Waiting::Record(message.detach()),
                Some(Err(error)) => Waiting::Error(error),
            };
            let is_record = matches!(event, Waiting::Record(_));
            self.waiting.push_back(event);
            if is_record {
                return;
            }
        }
    }

    fn one(&self, partition: i32, offset: Offset) -> Result<TopicPartitionList, SourceError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.settings.topic, partition, offset)
            .map_err(|failure| error(&self.settings, Kind::Unavailable, &failure.to_string()))?;
        Ok(list)
    }

    /// Forgets what came of a partition and was not handed out.
    fn forget(&mut self, partition: i32) {
        self.waiting.retain(|waiting| match waiting {
            Waiting::Record(message) => message.partition() != partition,
            Waiting::Error(KafkaError::PartitionEOF(of)) => *of != partition,
            Waiting::Error(_) => true,
        });
    }

    fn fail(&self, kind: Kind, failure: &dyn std::fmt::Display) -> SourceError {
        error(&self.settings, kind, &failure.to_string())
    }

    /// What an error of the client means for the reader; nothing where it goes on by itself.
    fn judge(&mut self, failure: &KafkaError) -> Result<(), SourceError> {
        let Some(kind) = failure.rdkafka_error_code().and_then(kind) else {
            return Ok(());
        };
        if kind != Kind::Offset {
            let (kind, what) = self
                .consumer
                .context()
                .trouble()
                .unwrap_or((kind, failure.to_string()));
            return Err(error(&self.settings, kind, &what));
        }
        // The client does not say which partition it is.
        let places: Vec<_> = self
            .readers
            .iter()
            .map(|(partition, reader)| (*partition, reader.place))
            .collect();
        for (partition, place) in places {
            let bounds = self.bounds(partition)?;
            place.check(&self.settings.name, partition, bounds)?;
        }
        Err(self.fail(Kind::Unavailable, failure))
    }

    /// What an error of the client means: the end of a partition, trouble, or nothing.
    fn tell(
        &mut self,
        failure: &KafkaError,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Option<ControlFlow<()>>, SourceError> {
        let KafkaError::PartitionEOF(partition) = *failure else {
            return self.judge(failure).map(|()| None);
        };
        let Some(reader) = self.readers.get_mut(&partition) else {
            return Ok(None);
        };
        reader.end();
        Ok(Some(each(Event::End { partition })))
    }
}

impl Source for KafkaSource {
    fn partitions(&mut self) -> Result<Vec<i32>, SourceError> {
        let topic = self.settings.topic.clone();
        let mut partitions = self.ask(|consumer, timeout| {
            let metadata = consumer.fetch_metadata(Some(&topic), timeout)?;
            let found = metadata.topics().first();
            let failure = match found {
                Some(found) => found.error().map(Into::into),
                None => Some(RDKafkaErrorCode::UnknownTopic),
            };
            match (failure, found) {
                (None, Some(found)) => Ok(found
                    .partitions()
                    .iter()
                    .map(MetadataPartition::id)
                    .collect::<Vec<_>>()),
                (failure, _) => Err(KafkaError::MetadataFetch(
                    failure.unwrap_or(RDKafkaErrorCode::UnknownTopic),
                )),
            }
        })?;
        partitions.sort_unstable();
        Ok(partitions)
    }

    fn bounds(&mut self, partition: i32) -> Result<Bounds, SourceError> {
        let topic = self.settings.topic.clone();
        let (earliest, end) =
            self.ask(|consumer, timeout| consumer.fetch_watermarks(&topic, partition, timeout))?;
        Ok(Bounds { earliest, end })
    }

    fn offset_at(&mut self, partition: i32, time: i64) -> Result<i64, SourceError> {
        let time = time.div_euclid(NANOS_PER_MILLI).max(0);
        let times = self.one(partition, Offset::Offset(time))?;
        let found = self.ask(|consumer, timeout| {
            let found = consumer.offsets_for_times(times.clone(), timeout)?;
            let elements = found.elements();
            let one = elements.first().ok_or(KafkaError::NoMessageReceived)?;
            one.error().map(|()| one.offset())
        })?;
        match found {
            Offset::Offset(offset) => Ok(offset),
            _ => Ok(self.bounds(partition)?.end),
        }
    }

    fn assign(&mut self, partition: i32, place: Place) -> Result<(), SourceError> {
        self.release(partition);
        let bounds = self.bounds(partition)?;
        place.check(&self.settings.name, partition, bounds)?;
        let is_checked = place.arrival.is_some() && place.next > bounds.earliest;
        let from = place.next - i64::from(is_checked);
        let list = self.one(partition, Offset::Offset(from))?;
        self.consumer
            .incremental_assign(&list)
            .map_err(|failure| self.fail(Kind::Unavailable, &failure))?;
        self.readers
            .insert(partition, Reader::new(place, is_checked));
        Ok(())
    }

    fn release(&mut self, partition: i32) {
        if self.readers.remove(&partition).is_some()
            && let Ok(list) = self.one(partition, Offset::Invalid)
            && let Err(failure) = self.consumer.incremental_unassign(&list)
        {
            tracing::debug!("{}: partition {partition}: {failure}", self.settings.name);
        }
        self.forget(partition);
    }

    fn poll(
        &mut self,
        limit: usize,
        timeout: Duration,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<usize, SourceError> {
        let deadline = Instant::now() + timeout;
        let mut count = 0;
        while count < limit {
            let done = match self.waiting.pop_front() {
                Some(Waiting::Record(message)) => {
                    let taken = take(&mut self.readers, &self.settings, self.headers, &message);
                    hand_out(taken, each)
                }
                Some(Waiting::Error(failure)) => self.tell(&failure, each),
                None => {
                    let wait = if count == 0 {
                        deadline.saturating_duration_since(Instant::now())
                    } else {
                        Duration::ZERO
                    };
                    match self.consumer.poll(wait) {
                        None if count > 0 || Instant::now() >= deadline => break,
                        None => continue,
                        Some(Ok(message)) => {
                            let taken =
                                take(&mut self.readers, &self.settings, self.headers, &message);
                            hand_out(taken, each)
                        }
                        Some(Err(failure)) => self.tell(&failure, each),
                    }
                }
            };
            match done {
                Ok(None) => {}
                Ok(Some(flow)) => {
                    count += 1;
                    if flow.is_break() {
                        break;
                    }
                }
                Err(error) => {
                    if let Some(partition) = error.partition() {
                        self.release(partition);
                    }
                    return Err(error);
                }
            }
        }
        if count > 0 {
            self.consumer.context().clear();
        }
        Ok(count)
    }

    fn is_drained(&mut self, partition: i32) -> Result<bool, SourceError> {
        let end = self.bounds(partition)?.end;
        let Some(reader) = self.readers.get(&partition) else {
            return Ok(false);
        };
        if reader.place.next >= end || reader.empty_to >= end {
            return Ok(true);
        }
        if !reader.is_at_end || reader.probe.is_some() {
            return Ok(false);
        }
        // What is fetched from now on is at least what the hub has now: if its end comes without a record before it, there is none.
        let next = reader.place.next;
        let list = self.one(partition, Offset::Offset(next))?;
        self.forget(partition);
        self.consumer
            .seek_partitions(list, SEEK)
            .map_err(|failure| self.fail(Kind::Unavailable, &failure))?;
        if let Some(reader) = self.readers.get_mut(&partition) {
            reader.probe = Some(end);
        }
        Ok(false)
    }

    fn commit(&mut self, partition: i32, next: i64) {
        let told = self
            .one(partition, Offset::Offset(next))
            .map(|list| self.consumer.commit(&list, CommitMode::Async));
        if let Ok(Err(failure)) = told {
            tracing::debug!(
                "{}: how far it was read is not told: {failure}",
                self.settings.name
            );
        }
    }
}
