use std::cmp::Ordering;

use super::document::{MissingShards, Seconds, ShardTiming, ShardTotals};
use super::top::Top;
use crate::ledger::LedgerHeader;

/// Slowest shards in a report.
const SLOWEST: usize = 10;
/// Missing shards named in a report.
const MISSING: usize = 10;

/// What is known of a run's shards so far: one number a shard, and bounded lists.
#[derive(Clone, Debug)]
pub(super) struct Shards {
    seconds: Vec<f64>,
    slowest: Top<Slow>,
    bytes_read: u64,
    interrupted: u64,
    missing: u64,
    first_missing: Top<u32>,
}

impl Shards {
    pub(super) fn new() -> Self {
        Self {
            seconds: Vec::new(),
            slowest: Top::new(SLOWEST),
            bytes_read: 0,
            interrupted: 0,
            missing: 0,
            first_missing: Top::new(MISSING),
        }
    }

    /// Adds a shard that left a ledger.
    pub(super) fn add(&mut self, header: &LedgerHeader) {
        let seconds = if header.seconds.is_finite() {
            header.seconds
        } else {
            0.0
        };
        self.seconds.push(seconds);
        self.slowest.offer(Slow(ShardTiming {
            shard: header.shard,
            sensors: header.sensors,
            seconds,
            bytes_read: header.bytes_read,
        }));
        self.bytes_read = self.bytes_read.saturating_add(header.bytes_read);
        self.interrupted += u64::from(header.interrupted);
    }

    /// Adds a shard that left no ledger.
    pub(super) fn add_missing(&mut self, shard: u32) {
        self.missing += 1;
        self.first_missing.offer(shard);
    }

    /// Bytes of readings that the shards read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Shards by outcome, the spread of their seconds, the slowest.
    pub(super) fn into_parts(self) -> (ShardTotals, Option<Seconds>, Vec<ShardTiming>) {
        let totals = ShardTotals {
            total: self.seconds.len() as u64 + self.missing,
            interrupted: self.interrupted,
            missing: MissingShards {
                count: self.missing,
                first: self.first_missing.into_sorted().collect(),
            },
        };
        let slowest = self
            .slowest
            .into_sorted()
            .map(|Slow(shard)| shard)
            .collect();
        (totals, spread(self.seconds), slowest)
    }
}

/// Quantiles by nearest rank.
fn spread(mut seconds: Vec<f64>) -> Option<Seconds> {
    seconds.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| {
        let rank = (seconds.len() * percent).div_ceil(100).max(1);
        seconds.get(rank - 1).copied()
    };
    Some(Seconds {
        min: at(0)?,
        median: at(50)?,
        p95: at(95)?,
        max: at(100)?,
    })
}

/// A shard in the order of the report: the slowest first, then by number.
#[derive(Clone, Copy, Debug)]
struct Slow(ShardTiming);

impl Ord for Slow {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.0.seconds.total_cmp(&self.0.seconds))
            .then(self.0.shard.cmp(&other.0.shard))
            .then(other.0.sensors.cmp(&self.0.sensors))
    }
}

impl PartialOrd for Slow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Slow {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Slow {}
