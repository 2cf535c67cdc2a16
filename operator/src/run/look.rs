//! What looks at pods that do not run have found, one after the other. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::trouble::{Trouble, TroubleKind};

/// What one look finds must be there at a look so much later before a run is given up for it: many a reason passes, such as an image
/// that a registry did not give at the first try.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// A pod that does not run, or a Job without pods, as a look has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub name: String,
    /// What sort of trouble it has.
    pub kind: TroubleKind,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Since when it could have started. None: it could not yet.
    pub since: Option<Timestamp>,
}

/// What one look has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What does not run.
    pub waiting: Vec<Waiting>,
    /// Whether nothing else is on its way, as far as it was seen.
    pub alone: bool,
}

/// What the looks so far have found.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// Since which look each has had trouble of this kind.
    since: BTreeMap<String, (TroubleKind, Timestamp)>,
    trouble: Option<Trouble>,
    last: Option<Timestamp>,
}

impl Looks {
    /// Takes in what a look at `now` has found.
    pub fn note(&mut self, found: &Found, now: Timestamp) {
        let before = std::mem::take(&mut self.since);
        for pod in &found.waiting {
            let first = before.get(&pod.name).filter(|(kind, _)| *kind == pod.kind);
            let first = first.map_or(now, |(_, first)| *first);
            self.since.insert(pod.name.clone(), (pod.kind, first));
        }
        let again = |(_, first): &(_, Timestamp)| now.duration_since(*first) >= AGAIN;
        let certain = found.alone && self.since.values().all(again);
        self.trouble = self.worst(found).map(|(worst, since)| Trouble {
            kind: worst.kind,
            reason: worst.reason.clone(),
            message: worst.message.clone(),
            since,
            certain,
        });
        self.last = Some(now);
    }

    /// The worst that was found, and since when all of them wait.
    fn worst<'a>(&self, found: &'a Found) -> Option<(&'a Waiting, Timestamp)> {
        let first = |pod: &Waiting| self.since.get(&pod.name).map(|(_, first)| *first);
        let since = |pod: &Waiting| pod.since.or_else(|| first(pod));
        let worst = found
            .waiting
            .iter()
            .max_by_key(|pod| (pod.kind, Reverse(since(pod))))?;
        let all = found.waiting.iter().filter_map(since).max()?;
        Some((worst, all))
    }

    /// Nothing is stuck: what was found before is over.
    pub fn clear(&mut self) {
        self.trouble = None;
        self.since.clear();
    }

    /// What the last look has found. It is certain only just then.
    pub fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        let trouble = self.trouble.clone()?;
        Some(Trouble {
            certain: trouble.certain && self.last == Some(now),
            ..trouble
        })
    }

    /// Whether the last look has found anything.
    pub fn has_trouble(&self) -> bool {
        self.trouble.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::at;

    fn pod(name: &str, kind: TroubleKind, since: Option<i64>) -> Waiting {
        Waiting {
            name: name.to_owned(),
            kind,
            reason: format!("{kind:?}"),
            message: name.to_owned(),
            since: since.map(at),
        }
    }

    fn found(waiting: &[Waiting]) -> Found {
        Found {
            waiting: waiting.to_vec(),
            alone: true,
        }
    }

    /// What the last of these looks comes to.
    fn after(looks: &[(i64, Found)]) -> Option<Trouble> {
        let mut seen = Looks::default();
        for (time, found) in looks {
            seen.note(found, at(*time));
        }
        seen.trouble(at(looks.last()?.0))
    }

    #[test]
    fn a_reason_is_certain_once_a_later_look_finds_it_again() {
        let blocked = || found(&[pod("a", TroubleKind::Blocked, Some(0))]);
        let starting = || found(&[pod("a", TroubleKind::Starting, Some(0))]);
        for (looks, certain) in [
            (vec![(1000, blocked())], false),
            (vec![(1000, blocked()), (1005, blocked())], false),
            (
                vec![(1000, blocked()), (1005, blocked()), (1015, blocked())],
                true,
            ),
            (vec![(1000, starting()), (1015, blocked())], false),
            (
                vec![(1000, blocked()), (1005, starting()), (1015, blocked())],
                false,
            ),
        ] {
            let trouble = after(&looks).unwrap();
            assert_eq!(
                (trouble.certain, trouble.since),
                (certain, at(0)),
                "{looks:?}"
            );
        }
    }

    #[test]
    fn what_was_certain_is_not_once_the_look_is_over() {
        let mut looks = Looks::default();
        let blocked = found(&[pod("a", TroubleKind::Blocked, Some(0))]);
        looks.note(&blocked, at(10));
        looks.note(&blocked, at(20));
        assert!(looks.trouble(at(20)).unwrap().certain);
        assert!(!looks.trouble(at(21)).unwrap().certain);
    }

    #[test]
    fn all_wait_since_the_last_could_have_started_and_the_worst_is_told() {
        let both = found(&[
            pod("bad", TroubleKind::Blocked, Some(0)),
            pod("new", TroubleKind::Starting, Some(900)),
        ]);
        let trouble = after(&[(905, both.clone()), (920, both.clone())]).unwrap();
        assert_eq!(
            (trouble.kind, trouble.since),
            (TroubleKind::Blocked, at(900))
        );
        assert!(trouble.certain);
        // While others are on their way, nothing is.
        let others = Found {
            alone: false,
            ..both
        };
        assert!(
            !after(&[(905, others.clone()), (920, others)])
                .unwrap()
                .certain
        );
    }

    #[test]
    fn what_could_not_start_yet_waits_since_it_was_found() {
        let nominated = found(&[pod("a", TroubleKind::Starting, None)]);
        let trouble = after(&[(500, nominated.clone()), (520, nominated)]).unwrap();
        assert_eq!(trouble.since, at(500));
        assert_eq!(after(&[(5, Found::default())]), None);
    }
}
