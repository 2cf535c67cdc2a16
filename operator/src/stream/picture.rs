use std::collections::BTreeMap;

use fleetscore_crds::contract::{PartitionStatus, ProcessStatus, SegmentStatus, Trouble};
use jiff::{SignedDuration, Timestamp};

use crate::words::cut;

/// What a pod said counts for so long when it does not answer.
const GRACE: SignedDuration = SignedDuration::from_mins(1);
/// Bytes that are kept of what pods say.
const SAID_BYTES: usize = 1000;

/// What the pods of a stream say, put together. It does not depend on the order in which they answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Partitions of the topic, once a pod knows.
    pub total: Option<u32>,
    /// Who works on which partition.
    pub owned: BTreeMap<i32, Owned>,
    /// The end of the last segment that is published, as far as a pod knows.
    pub complete_through: Option<Timestamp>,
    /// The last segment that is published, as far as a pod knows.
    pub last_segment: Option<SegmentStatus>,
    /// What keeps whole pods from their work, by pod.
    pub troubles: BTreeMap<String, Told>,
    /// The pods that do not answer.
    pub silent: BTreeMap<String, Silence>,
}

/// A partition, as the pod says that works on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The pod.
    pub pod: String,
    /// What it says.
    pub status: PartitionStatus,
    /// When it said so.
    pub at: Timestamp,
}

/// What a pod says keeps it from its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub trouble: Trouble,
    /// When it said so.
    pub at: Timestamp,
}

/// A pod that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Why, as far as it is known.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
}

impl Picture {
    /// Takes in what a pod of the stream `id` has answered at `now`, or why it has not.
    pub fn add(
        &mut self,
        pod: &str,
        answer: Result<ProcessStatus, String>,
        id: &str,
        now: Timestamp,
    ) {
        let known = answer.and_then(|status| {
            let told = cut(&status.stream, 100);
            let own = status.stream == id;
            own.then_some(status)
                .ok_or_else(|| format!("it speaks for the stream {told:?}"))
        });
        match known {
            Ok(status) => self.take_status(pod, status, now),
            Err(why) => {
                let why = cut(&why, SAID_BYTES);
                let since = now;
                self.silent.insert(pod.to_owned(), Silence { why, since });
            }
        }
    }

    /// What pods said before counts on for a while where they do not answer now.
    pub fn follow(&mut self, before: &Self, now: Timestamp) {
        for (pod, silence) in &mut self.silent {
            if let Some(old) = before.silent.get(pod) {
                silence.since = old.since;
            }
        }
        let counts = |this: &Self, pod: &str, at: Timestamp| {
            this.silent.contains_key(pod) && now.duration_since(at) < GRACE
        };
        for (number, old) in &before.owned {
            if counts(self, &old.pod, old.at) {
                self.take(*number, old.clone());
            }
        }
        for (pod, old) in &before.troubles {
            if counts(self, pod, old.at) {
                self.troubles.insert(pod.clone(), old.clone());
            }
        }
        // Nobody knows it better while nobody says anything.
        self.total = self.total.or(before.total);
    }

    /// The pods that have not answered for longer than what they said counts.
    pub fn lost(&self, now: Timestamp) -> impl Iterator<Item = (&str, &str)> {
        let lost = self.silent.iter();
        lost.filter(move |(_, silence)| now.duration_since(silence.since) >= GRACE)
            .map(|(pod, silence)| (pod.as_str(), silence.why.as_str()))
    }

    /// Whether every partition of the topic is told of.
    pub fn is_whole(&self) -> bool {
        self.total
            .is_some_and(|total| total > 0 && self.owned.len() >= total as usize)
    }

    fn take_status(&mut self, pod: &str, status: ProcessStatus, now: Timestamp) {
        self.total = self.total.max(status.partitions);
        self.complete_through = self.complete_through.max(status.complete_through);
        self.last_segment = later(self.last_segment, status.last_segment);
        if let Some(trouble) = status.trouble {
            let told = Told {
                trouble: short(&trouble),
                at: now,
            };
            self.troubles.insert(pod.to_owned(), told);
        }
        for mut partition in status.owned {
            partition.stall = partition.stall.as_ref().map(short);
            partition.error = partition.error.as_ref().map(short);
            let owned = Owned {
                pod: pod.to_owned(),
                at: now,
                status: partition,
            };
            self.take(owned.status.partition, owned);
        }
    }

    /// Of two that say they work on a partition, the one with the higher epoch does.
    fn take(&mut self, number: i32, new: Owned) {
        let most = i32::try_from(ProcessStatus::MOST_PARTITIONS).unwrap_or(i32::MAX);
        if !(0..most).contains(&number) {
            return;
        }
        let rank = |owned: &Owned| (owned.status.epoch, owned.pod.clone());
        match self.owned.get(&number) {
            Some(old) if rank(old) >= rank(&new) => {}
            _ => {
                self.owned.insert(number, new);
            }
        }
    }
}

fn later(one: Option<SegmentStatus>, other: Option<SegmentStatus>) -> Option<SegmentStatus> {
    let rank = |segment: &SegmentStatus| (segment.start, segment.rows, segment.files, segment.gaps);
    [one, other].into_iter().flatten().max_by_key(rank)
}

fn short(trouble: &Trouble) -> Trouble {
    Trouble {
        reason: cut(&trouble.reason, 64),
        message: cut(&trouble.message, SAID_BYTES),
    }
}

#[cfg(test)]
mod tests;
