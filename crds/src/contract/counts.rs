use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::Reason;

/// What became of one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is in its windows.
    Accepted,
    /// The filter leaves it out.
    Filtered,
    /// All its windows are closed.
    Late,
    /// Its time is too far after its arrival.
    Early,
    /// Its time is too far before its arrival.
    TooOld,
    /// It is of a window before the stream's first.
    BeforeStart,
    /// A reading of its sensor and time came before.
    Duplicate,
    /// It cannot be used.
    Invalid(Reason),
}

/// How many readings became what. Each is in exactly one of these; `empty` counts events without readings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    /// Readings in their windows.
    pub accepted: u64,
    /// Readings that the filter leaves out.
    pub filtered: u64,
    /// Readings whose windows were all closed.
    pub late: u64,
    /// Readings whose time was too far after their arrival.
    pub early: u64,
    /// Readings whose time was too far before their arrival.
    pub too_old: u64,
    /// Readings of windows before the stream's first.
    pub before_start: u64,
    /// Readings of a sensor and time that had come before.
    pub duplicate: u64,
    /// Events without readings.
    pub empty: u64,
    /// Readings, or whole events, that could not be used, by reason.
    pub invalid: BTreeMap<Reason, u64>,
}

impl Counts {
    /// Counts one reading.
    pub fn add(&mut self, verdict: Verdict) {
        let count = match verdict {
            Verdict::Accepted => &mut self.accepted,
            Verdict::Filtered => &mut self.filtered,
            Verdict::Late => &mut self.late,
            Verdict::Early => &mut self.early,
            Verdict::TooOld => &mut self.too_old,
            Verdict::BeforeStart => &mut self.before_start,
            Verdict::Duplicate => &mut self.duplicate,
            Verdict::Invalid(reason) => self.invalid.entry(reason).or_default(),
        };
        *count += 1;
    }

    /// Readings in all: every one is in one count.
    pub fn readings(&self) -> u64 {
        self.accepted
            + self.filtered
            + self.late
            + self.early
            + self.too_old
            + self.before_start
            + self.duplicate
            + self.invalid.values().sum::<u64>()
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, more: &Counts) {
        self.accepted += more.accepted;
        self.filtered += more.filtered;
        self.late += more.late;
        self.early += more.early;
        self.too_old += more.too_old;
        self.before_start += more.before_start;
        self.duplicate += more.duplicate;
        self.empty += more.empty;
        for (reason, count) in &more.invalid {
            *self.invalid.entry(*reason).or_default() += count;
        }
    }
}
