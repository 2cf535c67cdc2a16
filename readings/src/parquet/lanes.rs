use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};

use rayon::Scope;

use super::ahead::Ahead;
use super::batch::BatchReader;
use super::decoding::{Batches, Decoding, Source};
use super::file::ObjectFile;
use super::schema::Layout;
use super::{guarded, wide};
use crate::interleaved::Interleaved;
use crate::partition::Partition;
use crate::{ObjectSource, ReadRequest, ReadingsError, Result};

/// Decodes stretches of rows, each on a thread of the pool where there is one, and hands them over in their order.
pub(super) fn read(
    object: &ObjectSource,
    file: &ObjectFile,
    request: &ReadRequest,
    layout: &Layout,
    decoding: &Decoding,
    partition: &mut Partition<'_>,
) -> Result<()> {
    let lanes = (0..decoding.stretches.lanes())
        .map(|number| Lane::new(number, object, request, layout, decoding))
        .collect::<Result<_>>()?;
    let memory = request.memory as u64 / 2;
    let turns = Turns {
        decoding,
        object,
        source: if decoding.whole {
            Bytes::Ahead(Ahead::new(file.clone(), memory))
        } else {
            Bytes::Pages(file.clone())
        },
        idle: lanes,
        running: VecDeque::new(),
        spare: Vec::new(),
        next: 0,
    };
    match &request.pool {
        // Whoever waits for storage keeps no thread of the pool.
        Some(pool) if decoding.whole => {
            pool.in_place_scope(|scope| turns.take(Some(scope), partition))
        }
        _ => turns.take(None, partition),
    }
}

/// Where row groups come from.
enum Bytes {
    Ahead(Ahead),
    Pages(ObjectFile),
}

/// Stretches whose rows are being decoded, and lanes that wait for their turn.
struct Turns<'a> {
    decoding: &'a Decoding,
    object: &'a ObjectSource,
    source: Bytes,
    /// Lanes without work, the one whose turn it is first.
    idle: VecDeque<Lane<'a>>,
    /// What is being decoded, in order.
    running: VecDeque<Receiver<Done<'a>>>,
    /// Rows that have been handed over, for their room.
    spare: Vec<Interleaved>,
    /// The next stretch.
    next: u64,
}

/// A stretch that was decoded.
struct Done<'a> {
    lane: Lane<'a>,
    rows: Interleaved,
    result: Result<()>,
}

impl<'a> Turns<'a> {
    fn take(mut self, scope: Option<&Scope<'a>>, partition: &mut Partition<'_>) -> Result<()> {
        let stretches = &self.decoding.stretches;
        for stretch in 0..stretches.count() {
            self.start(scope)?;
            let done = self.running.pop_front().map(|done| done.recv());
            let Some(Ok(Done {
                lane,
                mut rows,
                result,
            })) = done
            else {
                return Err(ReadingsError::unreadable(
                    self.object.name(),
                    "a thread that decodes it has ended",
                ));
            };
            result?;
            self.idle.push_back(lane);
            if let Bytes::Ahead(ahead) = &mut self.source
                && stretches.is_last(stretch)
            {
                ahead.release(stretches.group(stretch));
            }
            self.start(scope)?;
            partition.add(&mut rows);
            if partition.done() {
                break;
            }
            self.spare.push(rows);
        }
        Ok(())
    }

    /// Gives every lane without work a stretch, as far as their bytes are there.
    fn start(&mut self, scope: Option<&Scope<'a>>) -> Result<()> {
        let stretches = &self.decoding.stretches;
        while self.next < stretches.count() && !self.idle.is_empty() {
            let group = stretches.group(self.next);
            let source = match &mut self.source {
                Bytes::Pages(file) => Source::Pages(Box::new(file.clone())),
                Bytes::Ahead(ahead) => {
                    let decoding = self.decoding;
                    let fetched = guarded(self.object, || ahead.get(group, decoding))?;
                    guarded(self.object, || ahead.fetch_after(group, decoding))?;
                    match fetched {
                        Some(fetched) => Source::Fetched(fetched),
                        None => return Ok(()),
                    }
                }
            };
            let Some(mut lane) = self.idle.pop_front() else {
                return Ok(());
            };
            let (stretch, mut rows) = (self.next, self.spare.pop().unwrap_or_default());
            let (sender, receiver): (Sender<Done<'a>>, _) = channel();
            let work = move || {
                rows.clear();
                let result = lane.decode(stretch, &source, &mut rows);
                // Nobody waits any more where the read has ended.
                let _ = sender.send(Done { lane, rows, result });
            };
            match scope {
                Some(scope) => scope.spawn(|_| work()),
                None => work(),
            }
            self.running.push_back(receiver);
            self.next += 1;
        }
        Ok(())
    }
}

/// Decodes every so many-th stretch.
struct Lane<'a> {
    number: usize,
    object: &'a ObjectSource,
    layout: &'a Layout,
    decoding: &'a Decoding,
    reader: BatchReader<'a>,
    open: Option<Open>,
}

/// The row group that a lane is in.
struct Open {
    group: usize,
    batches: Batches,
    millis: Option<Batches>,
}

impl<'a> Lane<'a> {
    fn new(
        number: usize,
        object: &'a ObjectSource,
        request: &'a ReadRequest,
        layout: &'a Layout,
        decoding: &'a Decoding,
    ) -> Result<Self> {
        Ok(Self {
            number,
            object,
            layout,
            decoding,
            reader: BatchReader::new(object.name(), request, layout)?,
            open: None,
        })
    }

    /// Decodes a stretch and adds its rows to `rows`.
    fn decode(&mut self, stretch: u64, source: &Source, rows: &mut Interleaved) -> Result<()> {
        let stretches = &self.decoding.stretches;
        let group = stretches.group(stretch);
        let mut open = match self.open.take().filter(|open| open.group == group) {
            Some(open) => open,
            None => self.enter(group, source)?,
        };
        let mut left = stretches.rows();
        while left > 0 {
            let Some(batch) = guarded(self.object, || open.batches.next())? else {
                break;
            };
            let millis = match &mut open.millis {
                Some(millis) => Some(self.millis(millis, batch.num_rows())?),
                None => None,
            };
            self.reader.take(&batch, millis, rows)?;
            left = left.saturating_sub(batch.num_rows());
        }
        if !stretches.is_last_of_lane(stretch) {
            self.open = Some(open);
        }
        Ok(())
    }

    /// Starts to decode the lane's rows of a row group.
    fn enter(&mut self, group: usize, source: &Source) -> Result<Open> {
        let stretches = &self.decoding.stretches;
        let rows = stretches.rows_of(group, self.number);
        let (batches, millis) = guarded(self.object, || self.decoding.open(group, &rows, source))?;
        let first = stretches.groups().get(group).map_or(0, |kept| kept.first);
        self.reader.enter(first, &rows);
        Ok(Open {
            group,
            batches,
            millis,
        })
    }

    /// The milliseconds of the next `rows` times.
    fn millis(&self, batches: &mut Batches, rows: usize) -> Result<Vec<Option<i64>>> {
        let unreadable = |message: String| ReadingsError::unreadable(self.object.name(), message);
        let batch = guarded(self.object, || batches.next())?;
        let times = match (batch, &self.layout.time) {
            (Some(batch), Some(time)) => {
                wide::millis(&batch, time).map_err(|error| unreadable(error.to_string()))?
            }
            _ => Vec::new(),
        };
        if times.len() == rows {
            return Ok(times);
        }
        Err(unreadable(
            "its columns are not of the same length".to_owned(),
        ))
    }
}
