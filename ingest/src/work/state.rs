use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fleetscore_crds::contract::{PartitionStatus, ProcessStatus, SegmentStatus, Trouble};

use super::beat::Beat;
use super::lock;
use crate::Counts;
use crate::folder::{PartitionProgress, PublisherProgress};

/// What a worker has to show, for whoever looks at it from another thread.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<State>>);

/// How far a worker has come.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The partitions of the topic; none: the hub did not tell yet.
    pub partitions: Option<u32>,
    /// Those that this process works on.
    pub seen: BTreeMap<i32, Seen>,
    /// How far publishing has come.
    pub published: PublisherProgress,
    /// What keeps the whole process from its work, as long as it does.
    pub trouble: Option<Trouble>,
    /// The loops of the process.
    pub(super) beats: Vec<Beat>,
}

/// What there is to see of a partition that this process works on.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Grows with each process that claims it.
    pub epoch: u64,
    /// How far it has come, as of the last checkpoint.
    pub progress: PartitionProgress,
    /// Events that were read since the process began to work on it.
    pub events: u64,
    /// Events that were not read yet, when that was last known.
    pub lag: Option<u64>,
    /// How long ago the last event that was read arrived, in seconds, where events are left to read; 0: none is.
    pub lag_seconds: Option<u64>,
    /// Whether it had no event for the stream's idle time.
    pub is_idle: bool,
    /// Why it goes no further.
    pub stall: Option<Trouble>,
    /// What the hub says, as long as it cannot be read.
    pub error: Option<Trouble>,
    /// What storage says, as long as it cannot be saved.
    pub save_error: Option<Trouble>,
    /// Whether arrival is the producers' clock.
    pub has_producers_clock: Option<bool>,
}

impl Watch {
    /// How far the worker has come.
    pub fn state(&self) -> State {
        lock(&self.0).clone()
    }

    /// What keeps the whole process from its work; none: nothing does.
    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        self.change(|state| state.trouble = trouble);
    }

    /// How long the loop of the process has stood still that has done so longest.
    pub fn silent_for(&self) -> Duration {
        let state = lock(&self.0);
        let silent = state.beats.iter().map(Beat::silent_for).max();
        silent.unwrap_or_default()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.0));
    }
}

impl State {
    /// Events that were read since the process began.
    pub fn events(&self) -> u64 {
        self.seen.values().map(|seen| seen.events).sum()
    }

    /// What became of all readings of the partitions that this process works on, as of their last checkpoints.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for seen in self.seen.values() {
            counts += &seen.progress.counts;
        }
        counts
    }

    /// The first of what stands in the way of the process or one of its partitions.
    pub fn first_trouble(&self) -> Option<&Trouble> {
        let of_partitions = self
            .seen
            .values()
            .flat_map(|seen| seen.stall.iter().chain(&seen.error).chain(&seen.save_error));
        self.trouble.iter().chain(of_partitions).next()
    }

    /// The state as others are told of it: `stream` is its namespace and name.
    pub fn status(&self, stream: &str) -> ProcessStatus {
        let last = self.published.last_segments.last();
        ProcessStatus {
            stream: stream.to_owned(),
            partitions: self.partitions,
            owned: self
                .seen
                .iter()
                .map(|(number, seen)| seen.status(*number))
                .collect(),
            complete_through: self.published.complete_through,
            last_segment: last.map(|last| SegmentStatus {
                start: last.segment,
                rows: last.rows,
                files: last.files,
                gaps: last.gaps,
            }),
            trouble: self.trouble.clone(),
        }
    }
}

impl Seen {
    fn status(&self, partition: i32) -> PartitionStatus {
        PartitionStatus {
            partition,
            epoch: self.epoch,
            counts: self.progress.counts.clone(),
            lag_events: self.lag,
            lag_seconds: self.lag_seconds,
            is_idle: self.is_idle,
            has_producers_clock: self.has_producers_clock,
            stall: self.stall.clone(),
            error: self.error.clone().or_else(|| self.save_error.clone()),
        }
    }
}
