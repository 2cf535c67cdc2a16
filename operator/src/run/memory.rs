use std::time::Duration;

use fleetscore_crds::Phase;
use jiff::{SignedDuration, Timestamp};

use super::job_view::JobView;
use super::look::{Found, Looks};
use super::trouble::Trouble;
use crate::by_uid::ByUid;
use crate::controller::Refusal;

/// Waits between looks at pods that do not start, in seconds.
const LOOKS: [u64; 5] = [2, 5, 10, 20, 60];

/// Phases of a run that are remembered. One whose nodes come and go has many.
const PHASES: usize = 64;

/// A Job's name, its pods that are ready, succeeded, failed and are ending, and how many it may have at the same time.
type Counts = (String, u32, u32, u32, u32, u32);

/// What the operator remembers of a run between two looks at it. All of it may be forgotten: it saves calls, nothing rests on it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    looks: u32,
    next_look: Option<Timestamp>,
    found: Looks,
    counts: Option<Vec<Counts>>,
    /// When a pod began or ended last, or more were let in, as far as it was seen.
    pub moved: Option<Timestamp>,
    /// What the API server refused last, and since when.
    pub refused: Option<(Refusal, Timestamp)>,
    /// When the status was written last.
    pub written: Option<Timestamp>,
    phases: Vec<(Phase, Timestamp)>,
}

impl Memory {
    /// The run came to this phase, unless it was in it before.
    pub fn came_to(&mut self, phase: Phase, now: Timestamp) {
        let is_new = self.phases.last().is_none_or(|(last, _)| *last != phase);
        if is_new && self.phases.len() < PHASES {
            self.phases.push((phase, now));
        }
    }

    /// The phases that the run came to while this process looked at it, and when.
    pub fn phases(&self) -> &[(Phase, Timestamp)] {
        &self.phases
    }

    /// Whether it is time to look for pods that do not start.
    pub fn may_look(&self, now: Timestamp) -> bool {
        self.next_look.is_none_or(|next| next <= now)
    }

    /// When to look again.
    pub fn next_look(&self) -> Option<Timestamp> {
        self.next_look
    }

    /// Remembers what a look found.
    pub fn looked(&mut self, found: &Found, now: Timestamp) {
        self.looks = self.looks.saturating_add(1);
        self.next_look = later(now, after_look(self.looks));
        self.found.note(found, now);
    }

    /// The next looks come soon again.
    pub fn look_soon(&mut self) {
        (self.looks, self.next_look) = (0, None);
    }

    /// Nothing is stuck: what was found before is over.
    pub fn goes_on(&mut self) {
        self.found.clear();
    }

    /// What the last look at pods found; certain only where that was at `now`.
    pub fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        self.found.trouble(now)
    }

    /// Whether the last look at pods found anything.
    pub fn has_trouble(&self) -> bool {
        self.found.has_trouble()
    }

    /// Notes whether pods have begun or ended since the last time.
    pub fn note(&mut self, jobs: &[JobView], now: Timestamp) {
        let counts: Vec<_> = jobs
            .iter()
            .map(|job| {
                (
                    job.name.clone(),
                    job.ready,
                    job.succeeded,
                    job.failed_indexes,
                    job.terminating,
                    job.parallelism,
                )
            })
            .collect();
        let names = |counts: &[Counts]| {
            let names = counts.iter().map(|count| (count.0.clone(), count.4));
            names.collect::<Vec<_>>()
        };
        if self.counts.is_none() && counts.iter().any(|count| count.2 > 0 || count.3 > 0) {
            // Since when pods wait is not known after a restart: better too late than too early.
            self.moved = Some(now);
        }
        if let Some(old) = &self.counts {
            if names(old) != names(&counts) {
                // Another step, or pods that end: the first looks come soon.
                (self.looks, self.next_look) = (0, None);
            }
            if *old != counts {
                self.moved = Some(now);
            }
        }
        self.counts = Some(counts);
    }

    /// Remembers a refusal; the time is that of the first of its kind.
    pub fn refuse(&mut self, refusal: Option<Refusal>, now: Timestamp) {
        let since =
            |old: &Option<(Refusal, Timestamp)>| old.as_ref().map_or(now, |(_, since)| *since);
        self.refused = refusal.map(|refusal| (refusal, since(&self.refused)));
    }
}

/// How long to wait after the given number of looks, the first being 1.
fn after_look(looks: u32) -> Duration {
    let last = LOOKS.len() - 1;
    let index = usize::try_from(looks.saturating_sub(1)).map_or(last, |index| index.min(last));
    Duration::from_secs(LOOKS.get(index).copied().unwrap_or(60))
}

fn later(now: Timestamp, wait: Duration) -> Option<Timestamp> {
    now.checked_add(SignedDuration::try_from(wait).ok()?).ok()
}

/// The memories of all runs, by UID.
#[derive(Debug, Default)]
pub struct Memories(ByUid<Memory>);

impl Memories {
    /// The memory of a run.
    pub fn get(&self, uid: &str) -> Memory {
        self.0.with(|all| all.get(uid).cloned().unwrap_or_default())
    }

    /// Keeps the memory of a run.
    pub fn put(&self, uid: &str, memory: Memory) {
        self.0.with(|all| all.insert(uid.to_owned(), memory));
    }

    /// Forgets a run.
    pub fn forget(&self, uid: &str) {
        self.0.forget(uid);
    }

    /// Forgets the runs that are none of these.
    pub fn retain(&self, known: impl Fn(&str) -> bool) {
        self.0.retain(known);
    }
}

#[cfg(test)]
mod tests {
    use fleetscore_crds::Step;

    use super::*;
    use crate::run::testing::{at, job};

    #[test]
    fn looks_become_rare() {
        let waits = [1, 2, 3, 4, 5, 6, u32::MAX].map(|looks| after_look(looks).as_secs());
        assert_eq!(waits, [2, 5, 10, 20, 60, 60, 60]);
    }

    /// Pods that were let in beside others get the time to begin that the others had.
    #[test]
    fn pods_that_begin_or_end_or_are_let_in_are_noted() {
        let mut memory = Memory::default();
        let first = job(Step::Score, 0);
        memory.note(std::slice::from_ref(&first), at(0));
        memory.note(std::slice::from_ref(&first), at(5));
        assert_eq!(memory.moved, None);
        let changed = |change: fn(&mut JobView)| {
            let mut job = first.clone();
            change(&mut job);
            [job]
        };
        let mut memory_of = |jobs: [JobView; 1], seconds| {
            memory.note(&jobs, at(seconds));
            memory.moved
        };
        assert_eq!(
            memory_of(changed(|job| job.parallelism = 2), 10),
            Some(at(10))
        );
        assert_eq!(
            memory_of(changed(|job| job.parallelism = 2), 15),
            Some(at(10))
        );
        assert_eq!(memory_of(changed(|job| job.ready = 0), 20), Some(at(20)));
    }
}
