use std::collections::BTreeMap;

use crate::{Counts, Verdict};

/// How many readings of a partition became what: each is in exactly one count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of the segments that are not forgotten yet, by their starts: readings whose own time is in the segment, that is not those with a
    /// time that is out of range, nor what came after the segment had closed.
    pub segments: BTreeMap<i64, Counts>,
    /// Of no segment.
    pub apart: Counts,
    /// Of the segments that are forgotten, as they are published.
    pub forgotten: Counts,
}

impl Tally {
    /// All of it.
    pub fn total(&self) -> Counts {
        let mut total = self.apart.clone();
        total += &self.forgotten;
        self.segments.values().for_each(|counts| total += counts);
        total
    }

    pub(super) fn count(&mut self, segment: i64, verdict: Verdict) {
        self.segments.entry(segment).or_default().add(verdict);
    }

    pub(super) fn count_apart(&mut self, verdict: Verdict) {
        self.apart.add(verdict);
    }

    /// Forgets the segments up to the one that starts at `last`.
    pub(super) fn forget(&mut self, last: i64) {
        while let Some(first) = self.segments.first_entry()
            && *first.key() <= last
        {
            self.forgotten += &first.remove();
        }
    }
}
