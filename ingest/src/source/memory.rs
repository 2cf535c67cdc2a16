use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Bounds, Event, Hub, Place, Source, SourceError};
use crate::Record;

const NANOS_PER_MILLI: i64 = 1_000_000;

/// A hub in memory, for tests. Clones are of the same hub.
#[derive(Clone, Debug)]
pub struct MemoryHub(Arc<Mutex<State>>);

/// A record as it is put into a [`MemoryHub`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryRecord {
    /// When it arrives, in nanoseconds since 1970; whole milliseconds, as of a hub.
    pub arrival: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its payload.
    pub body: Option<Vec<u8>>,
}

impl MemoryRecord {
    /// A record without key and headers.
    pub fn new(arrival: i64, body: impl Into<Vec<u8>>) -> Self {
        Self {
            arrival,
            body: Some(body.into()),
            ..Self::default()
        }
    }
}

#[derive(Debug, Default)]
struct State {
    partitions: Vec<Log>,
    producers_clock: bool,
    failure: Option<SourceError>,
    committed: BTreeMap<i32, i64>,
}

/// The records by offset. An offset below the end without record is a mark of a transaction, or one that was cancelled.
#[derive(Debug, Default)]
struct Log {
    records: BTreeMap<i64, Arc<MemoryRecord>>,
    earliest: i64,
    end: i64,
}

impl MemoryHub {
    /// A hub with so many empty partitions.
    pub fn new(partitions: usize) -> Self {
        let hub = Self(Arc::default());
        hub.add_partitions(partitions);
        hub
    }

    /// Adds empty partitions.
    pub fn add_partitions(&self, more: usize) {
        let mut state = self.lock();
        let count = state.partitions.len() + more;
        state.partitions.resize_with(count, Log::default);
    }

    /// Appends a record, and returns its offset; none where there is no such partition.
    pub fn append(&self, partition: i32, record: MemoryRecord) -> Option<i64> {
        let mut state = self.lock();
        let log = state.log(partition)?;
        let offset = log.end;
        log.records.insert(offset, Arc::new(record));
        log.end += 1;
        Some(offset)
    }

    /// Uses up offsets without records, as marks of transactions do.
    pub fn skip(&self, partition: i32, offsets: i64) {
        if let Some(log) = self.lock().log(partition) {
            log.end += offsets;
        }
    }

    /// Deletes the records before an offset.
    pub fn truncate(&self, partition: i32, earliest: i64) {
        if let Some(log) = self.lock().log(partition) {
            log.records = log.records.split_off(&earliest);
            log.earliest = earliest;
            log.end = log.end.max(earliest);
        }
    }

    /// Makes the topic anew: the same number of partitions, all empty.
    pub fn recreate(&self) {
        for log in &mut self.lock().partitions {
            *log = Log::default();
        }
    }

    /// From now on arrival is the producers' clock.
    pub fn use_producers_clock(&self) {
        self.lock().producers_clock = true;
    }

    /// Lets every call fail so, until it is called with none.
    pub fn fail(&self, error: Option<SourceError>) {
        self.lock().failure = error;
    }

    /// How far each partition was said to be read.
    pub fn committed(&self) -> BTreeMap<i32, i64> {
        self.lock().committed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub for MemoryHub {
    fn name(&self) -> String {
        "a topic in memory".to_owned()
    }

    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(MemorySource {
            hub: self.clone(),
            readers: BTreeMap::new(),
        }))
    }
}

impl State {
    fn log(&mut self, partition: i32) -> Option<&mut Log> {
        self.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    fn check(&self) -> Result<(), SourceError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn existing(&mut self, partition: i32) -> Result<&mut Log, SourceError> {
        self.check()?;
        self.log(partition)
            .ok_or_else(|| SourceError::SourceNotFound {
                reason: format!("a topic in memory has no partition {partition}"),
            })
    }
}

struct MemorySource {
    hub: MemoryHub,
    readers: BTreeMap<i32, Reader>,
}

#[derive(Clone, Copy, Debug)]
struct Reader {
    next: i64,
    /// The end was told of, and nothing has come since.
    told_end: bool,
}

impl MemorySource {
    /// The next thing to hand out of a partition.
    fn take(&mut self, partition: i32) -> Option<Taken> {
        let reader = self.readers.get_mut(&partition)?;
        let mut state = self.hub.lock();
        let has_hub_time = !state.producers_clock;
        let log = state.log(partition)?;
        if let Some((&offset, record)) = log.records.range(reader.next..).next() {
            *reader = Reader {
                next: offset + 1,
                told_end: false,
            };
            return Some(Taken::Record(offset, Arc::clone(record), has_hub_time));
        }
        (!std::mem::replace(&mut reader.told_end, true)).then_some(Taken::End)
    }
}

enum Taken {
    Record(i64, Arc<MemoryRecord>, bool),
    End,
}

impl Source for MemorySource {
    fn partitions(&mut self) -> Result<Vec<i32>, SourceError> {
        let state = self.hub.lock();
        state.check()?;
        Ok((0..).take(state.partitions.len()).collect())
    }

    fn bounds(&mut self, partition: i32) -> Result<Bounds, SourceError> {
        let mut state = self.hub.lock();
        let log = state.existing(partition)?;
        Ok(Bounds {
            earliest: log.earliest,
            end: log.end,
        })
    }

    fn offset_at(&mut self, partition: i32, time: i64) -> Result<i64, SourceError> {
        let time = time.div_euclid(NANOS_PER_MILLI) * NANOS_PER_MILLI;
        let mut state = self.hub.lock();
        let log = state.existing(partition)?;
        let found = log
            .records
            .iter()
            .find(|(_, record)| record.arrival >= time);
        Ok(found.map_or(log.end, |(&offset, _)| offset))
    }

    fn assign(&mut self, partition: i32, place: Place) -> Result<(), SourceError> {
        self.release(partition);
        let bounds = self.bounds(partition)?;
        let mut state = self.hub.lock();
        let before = state.existing(partition)?.records.get(&(place.next - 1));
        place.check(&self.hub.name(), partition, bounds)?;
        if let Some(before) = before {
            place.check_arrival(&self.hub.name(), partition, before.arrival)?;
        }
        let reader = Reader {
            next: place.next,
            told_end: false,
        };
        self.readers.insert(partition, reader);
        Ok(())
    }

    fn release(&mut self, partition: i32) {
        self.readers.remove(&partition);
    }

    fn poll(
        &mut self,
        limit: usize,
        _: Duration,
        each: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<usize, SourceError> {
        self.hub.lock().check()?;
        let partitions: Vec<i32> = self.readers.keys().copied().collect();
        let mut count = 0;
        // One of each partition in turn, so that they advance together.
        loop {
            let before = count;
            for &partition in &partitions {
                if count == limit {
                    return Ok(count);
                }
                let Some(taken) = self.take(partition) else {
                    continue;
                };
                count += 1;
                let flow = match &taken {
                    Taken::End => each(Event::End { partition }),
                    Taken::Record(offset, record, has_hub_time) => each(Event::Record {
                        record: borrow(partition, *offset, record),
                        has_hub_time: *has_hub_time,
                    }),
                };
                if flow.is_break() {
                    return Ok(count);
                }
            }
            if count == before {
                return Ok(count);
            }
        }
    }

    fn is_drained(&mut self, partition: i32) -> Result<bool, SourceError> {
        let next = self.readers.get(&partition).map(|reader| reader.next);
        let mut state = self.hub.lock();
        let log = state.existing(partition)?;
        Ok(next.is_some_and(|next| log.records.range(next..).next().is_none()))
    }

    fn commit(&mut self, partition: i32, next: i64) {
        self.hub.lock().committed.insert(partition, next);
    }
}

fn borrow(partition: i32, offset: i64, record: &MemoryRecord) -> Record<'_> {
    Record {
        partition,
        offset,
        arrival: record.arrival,
        key: record.key.as_deref(),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect(),
        body: record.body.as_deref().filter(|body| !body.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(source: &mut dyn Source, limit: usize) -> Vec<String> {
        let mut seen = Vec::new();
        let count = source.poll(limit, Duration::ZERO, &mut |event| {
            seen.push(match event {
                Event::Record { record, .. } => {
                    let body = String::from_utf8_lossy(record.body.unwrap_or_default());
                    format!("{}/{} {body}", record.partition, record.offset)
                }
                Event::End { partition } => format!("{partition} end"),
            });
            ControlFlow::Continue(())
        });
        assert_eq!(count, Ok(seen.len()));
        seen
    }

    #[test]
    fn hands_out_what_was_appended_once_and_its_end_once() {
        let hub = MemoryHub::new(2);
        let mut source = hub.open().unwrap();
        assert_eq!(source.partitions(), Ok(vec![0, 1]));
        for (partition, body) in [(0, "a"), (0, "b"), (1, "c")] {
            hub.append(partition, MemoryRecord::new(5_000_000, body));
        }
        source.assign(0, Place::at(0)).unwrap();
        source.assign(1, Place::at(0)).unwrap();
        assert_eq!(read(&mut *source, 2), ["0/0 a", "1/0 c"]);
        assert_eq!(read(&mut *source, 9), ["0/1 b", "1 end", "0 end"]);
        assert!(read(&mut *source, 9).is_empty());
        hub.append(1, MemoryRecord::new(6_000_000, "d"));
        assert!(!source.is_drained(1).unwrap());
        assert_eq!(read(&mut *source, 9), ["1/1 d", "1 end"]);
        hub.skip(1, 2);
        assert!(source.is_drained(1).unwrap());
        source.release(1);
        hub.append(1, MemoryRecord::new(7_000_000, "e"));
        assert!(read(&mut *source, 9).is_empty());
        assert_eq!(source.offset_at(1, 5_999_999), Ok(0));
        assert_eq!(source.offset_at(1, 6_000_000), Ok(1));
        assert_eq!(source.offset_at(1, 6_999_999), Ok(1));
        assert_eq!(source.offset_at(1, 7_000_001), Ok(4));
        assert_eq!(source.offset_at(1, 8_000_000), Ok(5));
    }

    #[test]
    fn what_breaks_off_has_taken_what_it_was_given() {
        let hub = MemoryHub::new(1);
        for body in ["a", "b"] {
            hub.append(0, MemoryRecord::new(0, body));
        }
        let mut source = hub.open().unwrap();
        source.assign(0, Place::at(0)).unwrap();
        let count = source.poll(9, Duration::ZERO, &mut |_| ControlFlow::Break(()));
        assert_eq!(count, Ok(1));
        assert_eq!(read(&mut *source, 9), ["0/1 b", "0 end"]);
    }

    #[test]
    fn refuses_places_that_the_hub_does_not_hold() {
        let hub = MemoryHub::new(1);
        for time in [1, 2, 3] {
            hub.append(0, MemoryRecord::new(time * 1_000_000, "a"));
        }
        let mut source = hub.open().unwrap();
        let at = |next, arrival| Place { next, arrival };
        assert_eq!(source.assign(0, at(2, Some(2_000_000))), Ok(()));
        hub.truncate(0, 2);
        assert_eq!(source.assign(0, at(2, Some(2_000_000))), Ok(()));
        let gone = source.assign(0, at(1, None)).unwrap_err();
        assert_eq!((gone.name(), gone.partition()), ("OffsetGone", Some(0)));
        assert!(read(&mut *source, 9).is_empty());
        hub.recreate();
        let recreated = source.assign(0, at(3, None)).unwrap_err();
        assert_eq!(recreated.name(), "SourceRecreated");
        for _ in 0..3 {
            hub.append(0, MemoryRecord::new(9_000_000, "a"));
        }
        let recreated = source.assign(0, at(3, Some(3_000_000))).unwrap_err();
        assert_eq!(recreated.name(), "SourceRecreated");
        let missing = source.assign(1, at(0, None)).unwrap_err();
        assert_eq!(missing.name(), "SourceNotFound");
    }
}
